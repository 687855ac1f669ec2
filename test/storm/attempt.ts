import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { type Served, until } from '../processes.ts'
import type { Command } from './command.ts'
import type { StormFile } from './films.ts'
import type { Pace } from './pace.ts'
import { processOf } from './process-of.ts'
import { STAGES, type Stage, type Watch } from './watch.ts'

/** How a load is ended before its time. */
export type Way = 'SIGKILL' | 'SIGTERM' | 'cancel' | 'cut off' | 'ledger cut off' | 'both cut off'

export interface Plan {
  by: 'command' | 'server'
  mode: 'replace' | 'merge' | 'replay'
  file: StormFile
  hold: boolean
  force: boolean
  /** Null: it is left to its end. */
  way: Way | null
  /** Where it is to be struck, and how far into that stage. */
  stage: Stage
  share: number
  /** Whether the moment is reckoned from the stage before: what is told of a stage is heard a moment late. */
  fromBefore: boolean
}

export interface Outcome {
  plan: Plan
  /** None when it was struck before it had a number. */
  load: number | undefined
  /** Whether it was struck while its process lived. */
  struck: boolean
  state: string | undefined
  /** Where it was struck; `after` when it had ended already, and its process was at the rest. */
  stage: Stage
  error: string | null
}

export interface Field {
  server: Served
  db: pg.Client
  watch: Watch
  pace: Pace
  files: StormFile[]
}

/** A load that has begun: its number, once it has one, and its process. */
interface Begun {
  load?: number
  pid: number
  gone: Promise<unknown>
}

/** How long a load may take that nobody keeps. */
const HANGS_MS = 40_000

/** Runs a load, strikes it as planned, and comes back when its process is gone and the ledger knows how it ended. */
export async function attempt(field: Field, plan: Plan, command: Command | undefined): Promise<Outcome> {
  const { watch, server, pace, db } = field
  await command?.ready
  const than = watch.newest
  const since = performance.now()
  const over = new AbortController()
  const heard = new Map<Stage, number>()
  const hear = (loadId: number, stage: Stage) => void (loadId > than && heard.set(stage, performance.now()))
  watch.on('step', hear)
  try {
    const begun = command ? begin(command) : await beginAtServer(field, plan)
    const end = begun.gone.then(() => over.abort())
    const struck =
      plan.way !== null && (await comesTo(plan, field, than, since, over.signal))
        ? await strike(field, plan.way, begun, await numberOf(db, than))
        : false
    const left = setTimeout(() => process.kill(begun.pid, 'SIGKILL'), HANGS_MS)
    await end
    clearTimeout(left)
    if (performance.now() - since > HANGS_MS) throw new Error(`a load hung: ${JSON.stringify(plan)}`)

    const load = begun.load ?? (await numberOf(db, than))
    if (load === undefined) return { plan, load, struck, state: undefined, stage: 'start', error: null }
    const ended = await until(`load ${load} has ended`, async () => {
      const found = await server.get(`/v1/loads/${load}`)
      return /queued|running/.test(found.state) ? undefined : found
    })
    if (!struck) measure(pace, plan, since, heard)
    const stage = /failed|cancelled/.test(ended.state) ? (ended.stage ?? 'start') : 'after'
    return { plan, load, struck, state: ended.state, stage, error: ended.error }
  } finally {
    over.abort()
    watch.off('step', hear)
  }
}

function begin(command: Command): Begun {
  command.go()
  return { pid: command.child.pid as number, gone: command.exited }
}

async function beginAtServer({ server, db, files }: Field, plan: Plan): Promise<Begun> {
  const { mode, file, hold, force, share } = plan
  const ask = async () => {
    if (mode !== 'replay')
      return await server.post('/v1/admin/loads', { subject: 'movies', source: file.source, mode, hold, force })
    const { rows } = await db.query<{ load_id: number; source: string }>(`
      select load_id, source from reelhouse.load
      where state in ('published', 'superseded', 'held') and replay_of is null order by load_id`)
    const { load_id, source } = rows[Math.floor(share * rows.length)] as (typeof rows)[number]
    const { rejected } = files.find((file) => file.source === source) as StormFile
    const mended = rejected
      .filter((_, index) => index !== Math.floor(share * 30) % 4)
      .map(({ film, raw }) => ({ file: 'movies_metadata.csv', line: film.line, raw }))
    return await server.post(`/v1/admin/loads/${load_id}/replay`, { hold, mended })
  }
  const { status, body } = await ask()
  if (status !== 202) throw new Error(`a load was refused: ${status} ${JSON.stringify(body)}`)
  const pid = await processOf(server)
  const gone = async () => {
    while (isAlive(pid)) await sleep(5)
  }
  return { load: body.id, pid, gone: gone() }
}

/** Waits for the moment to strike. @returns false when the load is over before */
async function comesTo(plan: Plan, { watch, pace }: Field, than: number, since: number, over: AbortSignal) {
  const place = STAGES.indexOf(plan.stage)
  const within = (stage: Stage) => pace.of(stage === 'start' ? `start by ${plan.by}` : stage)
  const anchor = STAGES[place - (plan.fromBefore ? 1 : 0)] as Stage
  const wait = plan.share * within(plan.stage) + (anchor === plan.stage ? 0 : within(anchor))
  if (anchor !== 'start') {
    await watch.reached(than, anchor, over)
    await rest(wait, over)
  } else await rest(wait - (performance.now() - since), over)
  return !over.aborted
}

const rest = (milliseconds: number, signal: AbortSignal) =>
  sleep(Math.max(0, milliseconds), undefined, { signal }).catch(() => {})

/** @returns whether there was anything to strike */
async function strike({ server, db }: Field, way: Way, { pid }: Begun, load: number | undefined): Promise<boolean> {
  if (way === 'SIGKILL' || way === 'SIGTERM' || load === undefined) {
    if (!isAlive(pid)) return false
    process.kill(pid, way === 'SIGTERM' ? way : 'SIGKILL')
    return true
  }
  if (way === 'cancel') {
    const { status, body } = await server.post(`/v1/admin/loads/${load}/cancel`, {})
    if (status !== 202 && status !== 409) throw new Error(`cancelling answered ${status}: ${JSON.stringify(body)}`)
    return status === 202
  }
  const sessions = {
    'cut off': ['load'],
    'ledger cut off': ['ledger of load'],
    'both cut off': ['load', 'ledger of load'],
  }
  const { rows } = await db.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = any($1)',
    [sessions[way].map((name) => `reelhouse ${name} ${load}`)],
  )
  return rows.length > 0
}

/** The load that began after another one; by the ledger itself, which knows before anybody is told. */
async function numberOf(db: pg.Client, than: number): Promise<number | undefined> {
  const { rows } = await db.query('select max(load_id) as load from reelhouse.load where load_id > $1', [than])
  return rows[0].load ?? undefined
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** How long each stage took, of a load that was left to its end. */
function measure(pace: Pace, { by }: Plan, since: number, heard: Map<Stage, number>): void {
  for (const [index, stage] of STAGES.entries()) {
    const [from, to] = [heard.get(stage), heard.get(STAGES[index + 1] as Stage)]
    if (stage === 'start') pace.took(`start by ${by}`, (heard.get('open') ?? since) - since)
    else if (stage === 'after' && from !== undefined) pace.took(stage, performance.now() - from)
    else if (from !== undefined && to !== undefined) pace.took(stage, to - from)
  }
}
