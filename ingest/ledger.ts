import { Kysely, PostgresDialect, type PostgresPoolClient, sql, type Transaction } from 'kysely'
import pg from 'pg'
import { enterDeed } from './audit.ts'
import { shownSource } from './shown-source.ts'

/**
 * The ledger is what the world may know of a load while it runs and ever after. It has a connection of its own, so that
 * progress shows at once and stays when the load's transaction is undone.
 */

/** First key of the advisory lock that a load's process holds while it lives; the second is the load's number. */
const LIVING = 0x5245454c

export interface LoadRequest {
  subject: string
  source: string
  mode: 'replace' | 'merge'
  trigger: 'admin' | 'cli' | 'schedule' | 'sample'
  actor: string
  format?: string | undefined
  hold?: boolean | undefined
  dryRun?: boolean | undefined
  force?: boolean | undefined
  /** A load whose rejected records are read again, instead of the source. */
  replayOf?: number | undefined
  /** Texts to read in place of rejected ones. */
  mended?: Mended[] | undefined
}

/** What an admin says that a rejected record should have been. */
export interface Mended {
  file: string
  line: number
  raw: string
}

/** Another load of the subject is queued or running. */
export class LoadInProgressError extends Error {
  readonly loadId: number
  constructor(subject: string, loadId: number) {
    super(`Load ${loadId} of ${subject} is still queued or running; one at a time.`)
    this.loadId = loadId
  }
}

/**
 * Enters a load as `queued` and returns its number.
 * @throws LoadInProgressError naming the load that is in the way
 */
export async function queueLoad(db: Kysely<unknown>, request: LoadRequest): Promise<number> {
  await buryTheDead(db)
  return await db.transaction().execute((trx) => enterLoad(trx, request))
}

/**
 * As `queueLoad`, for whoever has more to enter in the same transaction, and has buried the dead before.
 * @throws LoadInProgressError naming the load that is in the way
 */
export async function enterLoad(trx: Transaction<unknown>, request: LoadRequest): Promise<number> {
  const { subject, mode, trigger, actor, source, format, hold, dryRun, force, replayOf, mended } = request
  // One after the other, so that a refusal can name the load that is in the way, and uses up no number.
  await sql`select pg_advisory_xact_lock(hashtext('reelhouse.queue'), hashtext(${subject}))`.execute(trx)
  const inTheWay = await sql<{ load_id: number }>`
    select load_id from reelhouse.load where subject = ${subject} and state in ('queued', 'running')`.execute(trx)
  if (inTheWay.rows[0]) throw new LoadInProgressError(subject, inTheWay.rows[0].load_id)
  const inserted = await sql<{ load_id: number }>`
    insert into reelhouse.load (subject, state, mode, trigger, actor, source, format, hold, dry_run, force, replay_of, mended)
    values (${subject}, 'queued', ${mode}, ${trigger}, ${actor}, ${source}, ${format ?? null}, ${hold ?? false},
            ${dryRun ?? false}, ${force ?? false}, ${replayOf ?? null}, ${mended ? JSON.stringify(mended) : null}::jsonb)
    returning load_id`.execute(trx)
  const loadId = (inserted.rows[0] as { load_id: number }).load_id
  const asked = { mode, trigger, format, hold, dry_run: dryRun, force, source: shownSource(source) }
  const deed = { actor, subject, loadId } as const
  if (replayOf === undefined) await enterDeed(trx, { ...deed, action: 'load', detail: asked })
  else await enterDeed(trx, { ...deed, action: 'replay', detail: { of: replayOf, mended: mended?.length ?? 0 } })
  return loadId
}

/** A queued load whose process has not taken it up by then never will: a server starts one, a command is one already. */
const QUEUE_SECONDS = { server: 60, command: 3 }

/**
 * Marks as failed the loads whose process is gone, so that nothing shows as running that does not run. Their rows went
 * with their transaction, and their staging tables with their connection.
 * @param ended loads whose process is known to have ended: even a queued one need not be waited for, nor one whose last
 * statement PostgreSQL is still at, for which it goes on holding the lock
 */
export async function buryTheDead(db: Kysely<unknown>, ended: number[] = []): Promise<void> {
  await sql`
    update reelhouse.load as dead
    set state = 'failed', finished_at = clock_timestamp(), retriable = true,
        error = case when state = 'running' then format('Its process ended in stage %s without a word (killed, or cut off from the database?).', coalesce(stage, 'open'))
                     else 'No process took it up (killed or cut off from the database before it could, or never started?).' end
    where (state = 'running' or (state = 'queued' and (
        load_id = any(${ended})
        -- Also from what is the future by now: a clock that was set back would keep it waiting, and all others with it.
        or abs(extract(epoch from clock_timestamp() - created_at))
           > case trigger when 'cli' then ${QUEUE_SECONDS.command}::integer else ${QUEUE_SECONDS.server}::integer end)))
      and (load_id = any(${ended}) or not exists (
        select from pg_locks
        where locktype = 'advisory' and classid::bigint = ${LIVING} and objid::bigint = dead.load_id and objsubid = 2
          and database = (select oid from pg_database where datname = current_database())))`.execute(db)
}

/** Marks as cancelled a load that nobody has taken up, and nobody will. */
export async function cancelQueued(db: Kysely<unknown>, loadId: number, reason: string): Promise<void> {
  await sql`
    update reelhouse.load set state = 'cancelled', finished_at = clock_timestamp(), error = ${reason}
    where load_id = ${loadId} and state = 'queued'`.execute(db)
}

const LOCK_NOT_AVAILABLE = '55P03'

/** Why a load cannot be cancelled. */
export class CancelError extends Error {
  readonly status: 404 | 409
  constructor(status: 404 | 409, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * Asks a load to stop, wherever its process runs; one that has not begun is cancelled at once.
 * @throws CancelError when there is no such load, or it has ended
 */
export async function askToCancel(db: Kysely<unknown>, loadId: number, actor: string): Promise<void> {
  await buryTheDead(db)
  const asking = db.transaction().execute(async (trx) => {
    // Its row is locked only while it is published, which nobody else's load or lock should make last.
    await sql`set local lock_timeout = '2s'`.execute(trx)
    const found = await sql<{ subject: string; state: string }>`
      update reelhouse.load
      set cancel_asked_by = coalesce(cancel_asked_by, ${actor}),
          state = case state when 'queued' then 'cancelled' else state end,
          finished_at = case state when 'queued' then clock_timestamp() end,
          error = case state when 'queued' then format('Cancelled by %s.', ${actor}::text) end
      where load_id = ${loadId} and state in ('queued', 'running')
      returning subject, state`.execute(trx)
    if (found.rows[0]) return await enterDeed(trx, { actor, action: 'cancel', subject: found.rows[0].subject, loadId })
    const load = await sql<{ state: string }>`select state from reelhouse.load where load_id = ${loadId}`.execute(trx)
    if (!load.rows[0]) throw new CancelError(404, `There is no load ${loadId}.`)
    throw new CancelError(409, `Load ${loadId} has ended: it is ${load.rows[0].state}.`)
  })
  await asking.catch((error) => {
    if (!(error instanceof pg.DatabaseError && error.code === LOCK_NOT_AVAILABLE)) throw error
    throw new CancelError(409, `Load ${loadId} is being published at this moment; roll it back instead.`)
  })
}

/** What a load was asked to do. */
export interface LoadTask {
  load_id: number
  source: string
  format: string | null
  mode: 'replace' | 'merge'
  trigger: string
  actor: string
  hold: boolean
  dry_run: boolean
  force: boolean
  replay_of: number | null
  mended: Mended[] | null
}

/** What is known of a load once its source is open. */
export interface LoadFacts {
  format: string
  idSpace: string
  ingestVersion: number
  fileDate: string
  previousLoadId: number | null
}

/** Connection by which a running load tells of itself. */
export interface Ledger {
  readonly task: LoadTask
  readonly db: Kysely<unknown>
  describe(facts: LoadFacts): Promise<void>
  stage(name: string): Promise<void>
  progress(progress: Record<string, unknown>): void
  reject(rows: RejectRow[]): Promise<void>
  note(text: string): Promise<void>
  end(state: 'unchanged' | 'failed' | 'cancelled' | 'checked', error?: LoadError): Promise<void>
  /** Stops writing, so that the load's own transaction may touch its row; returns milliseconds by stage. */
  rest(): Promise<Record<string, number>>
  close(): Promise<void>
}

/** Why a load did not come to its end. */
export interface LoadError {
  /** A sentence for anyone. */
  message: string
  /** Whether the same load may succeed another time. */
  retriable: boolean
}

export interface RejectRow {
  file: string
  line: number
  code: string
  severity: 'reject' | 'warning' | 'duplicate' | 'unmatched'
  column: string | null
  reason: string
  /** An excerpt, for people. */
  raw: string | null
  /** The whole text of a rejected record, where it can be stored as it is. */
  record?: string | null
  /** How many records it stands for; one, but for what is only counted. */
  records?: number
}

/** Milliseconds between two writes of progress, and between two looks whether somebody wants the load cancelled. */
const PROGRESS_EVERY = 500

/**
 * Takes up a queued load: from here until `close` its process counts as alive.
 * @param client a connection of the ledger's own, which it closes
 * @param onCancel called once, with the name of whoever wants the load cancelled
 */
export async function openLedger(
  client: pg.Client,
  loadId: number,
  onCancel: (by: string) => void = () => {},
): Promise<Ledger> {
  const db = kyselyOn(client)
  const task = await takeUp(db, loadId).catch(async (error) => {
    await client.end()
    throw error
  })

  let stage = 'open'
  let since = performance.now()
  const timings: Record<string, number> = {}
  const closeStage = () => {
    const now = performance.now()
    timings[stage] = Math.round((timings[stage] ?? 0) + now - since)
    since = now
  }

  let latest: Record<string, unknown> | null = null
  let writing: Promise<unknown> = Promise.resolve()
  let cancelled = false
  const writeProgress = async () => {
    const progress = latest && JSON.stringify(latest)
    latest = null
    const found = await (progress
      ? sql<{ cancel_asked_by: string | null }>`
          update reelhouse.load set progress = ${progress}::jsonb where load_id = ${loadId} returning cancel_asked_by`
      : sql<{ cancel_asked_by: string | null }>`
          select cancel_asked_by from reelhouse.load where load_id = ${loadId}`
    ).execute(db)
    const by = found.rows[0]?.cancel_asked_by
    if (!by || cancelled) return
    cancelled = true
    onCancel(by)
  }
  let waiting = false
  const timer = setInterval(() => {
    if (waiting) return
    waiting = true
    writing = writing
      .then(writeProgress)
      // A courtesy: if it fails, so does the next real statement, and that one tells why.
      .catch(() => {})
      .finally(() => {
        waiting = false
      })
  }, PROGRESS_EVERY)

  return {
    task,
    db,
    async describe(facts) {
      await sql`
        update reelhouse.load
        set format = ${facts.format}, id_space = ${facts.idSpace}, ingest_version = ${facts.ingestVersion},
            file_date = ${facts.fileDate}, previous_load_id = ${facts.previousLoadId}
        where load_id = ${loadId}`.execute(db)
    },
    async stage(name) {
      closeStage()
      stage = name
      // With the last progress of the stage before, which would otherwise stop short of its end.
      const progress = latest && JSON.stringify(latest)
      latest = null
      await writing
      await sql`
        update reelhouse.load
        set stage = ${name}, timings = ${JSON.stringify(timings)}::jsonb, progress = coalesce(${progress}::jsonb, progress)
        where load_id = ${loadId}`.execute(db)
    },
    progress(progress) {
      latest = progress
    },
    async reject(rows) {
      if (rows.length === 0) return
      await sql`
        insert into reelhouse.reject (load_id, file, line, code, severity, column_name, reason, raw, record, records)
        select ${loadId}::integer, file, line, code, severity, "column", reason, raw, record, coalesce(records, 1)
        from json_to_recordset(${JSON.stringify(rows)}::json)
          as r (file text, line bigint, code text, severity text, "column" text, reason text, raw text, record text, records bigint)`.execute(
        db,
      )
    },
    async note(text) {
      await sql`update reelhouse.load set notes = notes || ${text}::text where load_id = ${loadId}`.execute(db)
    },
    async end(state, error) {
      closeStage()
      await sql`
        update reelhouse.load
        set state = ${state}, error = ${error?.message ?? null}, retriable = ${error?.retriable ?? false},
            finished_at = clock_timestamp(), timings = ${JSON.stringify(timings)}::jsonb
        where load_id = ${loadId} and state = 'running'`.execute(db)
    },
    async rest() {
      clearInterval(timer)
      latest = null
      await writing
      closeStage()
      return timings
    },
    async close() {
      clearInterval(timer)
      await writing
      await client.end()
    },
  }
}

async function takeUp(db: Kysely<unknown>, loadId: number): Promise<LoadTask> {
  await sql`select pg_advisory_lock(${LIVING}::integer, ${loadId}::integer)`.execute(db)
  const taken = await sql<LoadTask>`
    update reelhouse.load set state = 'running', stage = 'open', started_at = clock_timestamp()
    where load_id = ${loadId} and state = 'queued'
    returning load_id, source, format, mode, trigger, actor, hold, dry_run, force, replay_of, mended`.execute(db)
  if (taken.rows[0]) return taken.rows[0]
  throw new Error(`Load ${loadId} is not queued, so it cannot be run.`)
}

/** Kysely over one connection that is already open, for work that must share a session with COPY, temporary tables or a lock. */
export function kyselyOn(client: pg.Client): Kysely<unknown> {
  let free: Promise<void> = Promise.resolve()
  const connect = async () => {
    // One after the other: a client takes no second statement while one runs.
    const before = free
    let release = () => {}
    free = new Promise((resolve) => {
      release = resolve
    })
    await before
    return { query: client.query.bind(client), release } as unknown as PostgresPoolClient
  }
  const pool = { options: {}, connect, end: async () => {} }
  return new Kysely({ dialect: new PostgresDialect({ pool }) })
}
