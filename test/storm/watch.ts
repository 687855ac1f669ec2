import { EventEmitter, once } from 'node:events'
import pg from 'pg'

/** Stages of a load in their order; before and behind them a process lives, too. */
export const STAGES = ['start', 'open', 'parse', 'merge', 'index', 'check', 'roll_up', 'publish', 'after'] as const
export type Stage = (typeof STAGES)[number]

/** Hears of each step of each load as the ledger tells it, at once. */
export class Watch extends EventEmitter<{ step: [loadId: number, stage: Stage] }> {
  readonly #db: pg.Client
  #steps = new Map<number, Stage>()
  #looking = Promise.resolve()
  #newest = 0

  private constructor(db: pg.Client) {
    super()
    this.#db = db
    // Whoever waits for a load listens a moment; there are never many.
    this.setMaxListeners(50)
  }

  static async open(databaseUrl: string): Promise<Watch> {
    const db = new pg.Client(databaseUrl)
    await db.connect()
    const watch = new Watch(db)
    // One look after the other, as a client takes no second query while one runs.
    db.on('notification', ({ payload }) => {
      watch.#looking = watch.#looking.then(() => watch.#look(Number(payload)))
    })
    await db.query('listen reelhouse_loads')
    return watch
  }

  async close(): Promise<void> {
    await this.#db.query('unlisten *')
    await this.#looking
    await this.#db.end()
  }

  /** The latest load that was heard of. */
  get newest(): number {
    return this.#newest
  }

  /** Waits until a load that is newer than `than` has come to a stage or past it. @returns the load's number */
  async reached(than: number, stage: Stage, signal: AbortSignal): Promise<number | undefined> {
    const isThere = (loadId: number, at: Stage) => loadId > than && STAGES.indexOf(at) >= STAGES.indexOf(stage)
    for (const [loadId, at] of this.#steps) if (isThere(loadId, at)) return loadId
    try {
      for (;;) {
        const [loadId, at] = (await once(this, 'step', { signal })) as [number, Stage]
        if (isThere(loadId, at)) return loadId
      }
    } catch (error) {
      if (signal.aborted) return undefined
      throw error
    }
  }

  async #look(loadId: number): Promise<void> {
    const { rows } = await this.#db.query<{ state: string; stage: Stage | null }>(
      'select state, stage from reelhouse.load where load_id = $1',
      [loadId],
    )
    const [load] = rows
    if (!load) return
    const stage = load.state === 'queued' ? 'start' : load.state === 'running' ? (load.stage ?? 'open') : 'after'
    const before = this.#steps.get(loadId)
    if (before !== undefined && STAGES.indexOf(stage) <= STAGES.indexOf(before)) return
    this.#steps.set(loadId, stage)
    this.#newest = Math.max(this.#newest, loadId)
    this.emit('step', loadId, stage)
  }
}
