import { Kysely, PostgresDialect, type PostgresPoolClient, sql } from 'kysely'
import pg from 'pg'

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
}

/** Another load of the subject is queued or running. */
export class LoadInProgressError extends Error {
  readonly loadId: number
  constructor(subject: string, loadId: number) {
    super(`Load ${loadId} of ${subject} is still queued or running; one at a time.`)
    this.loadId = loadId
  }
}

const UNIQUE_VIOLATION = '23505'

/**
 * Enters a load as `queued` and returns its number.
 * @throws LoadInProgressError naming the load that is in the way
 */
export async function queueLoad(db: Kysely<unknown>, request: LoadRequest): Promise<number> {
  await buryTheDead(db)
  const running = () =>
    sql<{ load_id: number }>`
    select load_id from reelhouse.load
    where subject = ${request.subject} and state in ('queued', 'running')`.execute(db)
  // Asked first, so that a refusal does not use up a number; the unique index decides all the same.
  const inTheWay = (await running()).rows[0]
  if (inTheWay) throw new LoadInProgressError(request.subject, inTheWay.load_id)
  try {
    const inserted = await sql<{ load_id: number }>`
      insert into reelhouse.load (subject, state, mode, trigger, actor, source, format, hold, dry_run, force)
      values (${request.subject}, 'queued', ${request.mode}, ${request.trigger}, ${request.actor}, ${request.source},
              ${request.format ?? null}, ${request.hold ?? false}, ${request.dryRun ?? false}, ${request.force ?? false})
      returning load_id`.execute(db)
    return (inserted.rows[0] as { load_id: number }).load_id
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION)) throw error
    const first = (await running()).rows[0]
    // It may have ended between the two statements; then there is room now.
    if (!first) return await queueLoad(db, request)
    throw new LoadInProgressError(request.subject, first.load_id)
  }
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
    set state = 'failed', finished_at = clock_timestamp(),
        error = case when state = 'running' then format('Its process ended in stage %s without a word (killed?).', coalesce(stage, 'open'))
                     else 'Its process was never started.' end
    where (state = 'running' or (state = 'queued' and (load_id = any(${ended}) or created_at < clock_timestamp() - make_interval(secs => case trigger when 'cli' then ${QUEUE_SECONDS.command}::integer else ${QUEUE_SECONDS.server}::integer end))))
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
  end(state: 'unchanged' | 'failed' | 'cancelled' | 'checked', error?: string): Promise<void>
  /** Stops writing, so that the load's own transaction may touch its row; returns milliseconds by stage. */
  rest(): Promise<Record<string, number>>
  close(): Promise<void>
}

export interface RejectRow {
  file: string
  line: number
  code: string
  severity: 'reject' | 'warning' | 'duplicate' | 'unmatched'
  column: string | null
  reason: string
  raw: string | null
}

/** Milliseconds between two writes of progress. */
const PROGRESS_EVERY = 500

/**
 * Takes up a queued load: from here until `close` its process counts as alive.
 * @param client a connection of the ledger's own, which it closes
 */
export async function openLedger(client: pg.Client, loadId: number): Promise<Ledger> {
  const db = kyselyOn(client)
  const task = await takeUp(db, loadId).catch(async (error) => {
    await client.end()
    throw error
  })

  let stage = 'open'
  let since = Date.now()
  const timings: Record<string, number> = {}
  const closeStage = () => {
    timings[stage] = (timings[stage] ?? 0) + Date.now() - since
    since = Date.now()
  }

  let latest: Record<string, unknown> | null = null
  let writing: Promise<unknown> = Promise.resolve()
  const writeProgress = () => {
    if (!latest) return
    const progress = JSON.stringify(latest)
    latest = null
    writing = writing
      .then(() => sql`update reelhouse.load set progress = ${progress}::jsonb where load_id = ${loadId}`.execute(db))
      // A courtesy: if it fails, so does the next real statement, and that one tells why.
      .catch(() => {})
  }
  const timer = setInterval(writeProgress, PROGRESS_EVERY)

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
        insert into reelhouse.reject (load_id, file, line, code, severity, column_name, reason, raw)
        select ${loadId}::integer, file, line, code, severity, "column", reason, raw
        from json_to_recordset(${JSON.stringify(rows)}::json)
          as r (file text, line bigint, code text, severity text, "column" text, reason text, raw text)`.execute(db)
    },
    async note(text) {
      await sql`update reelhouse.load set notes = notes || ${text}::text where load_id = ${loadId}`.execute(db)
    },
    async end(state, error) {
      closeStage()
      await sql`
        update reelhouse.load
        set state = ${state}, error = ${error ?? null}, finished_at = clock_timestamp(), timings = ${JSON.stringify(timings)}::jsonb
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
    returning load_id, source, format, mode, trigger, actor, hold, dry_run, force`.execute(db)
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
