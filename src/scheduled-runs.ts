import { type Kysely, sql, type Transaction } from 'kysely'
import { buryTheDead, enterLoad, LoadInProgressError } from '../ingest/ledger.ts'
import type { Schedule } from './schedules.ts'
import { MANY } from './timetable.ts'

/**
 * The runs that are due, as the warehouse keeps them: any number of servers share them, each row is one run, and whatever
 * server dies at whatever moment, another takes it from there, or the same one once it is back.
 */

/** Seconds after which a load that failed is tried again: the first time, the second, the last. */
export const BACK_OFF = [60, 300, 1500]

/** What became of a run just now. */
export interface Step {
  subject: string
  due_at: string
  /** `started`, `again` (it failed, and will be tried once more), or the outcome. */
  now: string
  load_id: number | null
  next_attempt_at: string | null
  note: string | null
}

/** Tells the warehouse when a subject is due; with another line or zone than before, nothing before now was missed. */
export async function enterSchedule(db: Kysely<unknown>, { subject, timetable }: Schedule, now: Date): Promise<void> {
  const { cron, timezone } = timetable
  await sql`
    insert into reelhouse.schedule as old (subject, cron, timezone, since) values (${subject}, ${cron}, ${timezone}, ${now})
    on conflict (subject) do update set cron = excluded.cron, timezone = excluded.timezone, since = excluded.since
    where (old.cron, old.timezone) <> (excluded.cron, excluded.timezone)`.execute(db)
}

/** Enters that a subject is due, once, however many servers say so. */
export async function enterDue(db: Kysely<unknown>, subject: string, at: Date): Promise<void> {
  await sql`
    insert into reelhouse.schedule_run (subject, due_at) values (${subject}, ${at})
    on conflict do nothing`.execute(db)
}

/** Enters the last run that was due while nobody was there to enter it, for all that there were. */
export async function enterMissed(db: Kysely<unknown>, { subject, timetable }: Schedule, now: Date): Promise<void> {
  const marked = await sql<{ mark: string }>`
    select greatest(since, (select max(due_at) from reelhouse.schedule_run run
                            where run.subject = schedule.subject and due_at <= ${now})) as mark
    from reelhouse.schedule where subject = ${subject}`.execute(db)
  const mark = marked.rows[0]?.mark
  const missed = mark === undefined ? undefined : timetable.lastDue(new Date(mark), now)
  if (!missed) return
  const { at, count } = missed
  const ofAll = count === 1 ? '' : `the last of ${count === MANY ? `${MANY} or more` : count} that `
  const note = `${ofAll}${count === 1 ? 'was' : 'were'} due while no server ran`
  await sql`
    insert into reelhouse.schedule_run (subject, due_at, caught_up, note) values (${subject}, ${at}, true, ${note})
    on conflict do nothing`.execute(db)
}

interface Run {
  /** When it was due, with all its digits. */
  key: string
  attempts: number
  /** The state of its load, or null when it has none, or that one counts no more: it is to be tried again. */
  state: string | null
  published: boolean
  may_pass: boolean
  /** Whether it can be started now. */
  ready: boolean
}

/**
 * Takes a subject's runs one step further: those whose load has ended are settled, or are to be tried again; the latest
 * one is started when its time has come. All of it is one transaction: a run never has a load that it does not know.
 * @returns what became of them; the process of a load that is `started` is for the caller to start
 */
export async function advance(db: Kysely<unknown>, schedule: Schedule, backOff = BACK_OFF): Promise<Step[]> {
  const { subject } = schedule
  const open = await sql`
    select from reelhouse.schedule_run where subject = ${subject} and outcome is null limit 1`.execute(db)
  if (open.rows.length === 0) return []
  await buryTheDead(db)
  return await db.transaction().execute(async (trx) => {
    // One server after the other.
    await sql`select from reelhouse.schedule where subject = ${subject} for update`.execute(trx)
    const steps: Step[] = []
    for (const run of await openRuns(trx, subject))
      if (hasEnded(run)) steps.push(await settle(trx, subject, run, backOff))
    const runs = await openRuns(trx, subject)
    const latest = runs.pop()
    // Whatever they were to load, the latest one loads.
    for (const run of runs) if (run.state === null) steps.push(await giveUp(trx, subject, run))
    if (latest?.state === null && latest.ready) steps.push(await begin(trx, schedule, latest))
    return steps
  })
}

const hasEnded = ({ state }: Run) => state !== null && state !== 'queued' && state !== 'running'

async function openRuns(trx: Transaction<unknown>, subject: string): Promise<Run[]> {
  const found = await sql<Run>`
    select due_at::text as key, attempts, case when next_attempt_at is null then state end as state,
           published_at is not null as published,
           -- A load that no admin cancelled was stopped along with its server.
           coalesce(retriable or (state = 'cancelled' and cancel_asked_by is null), false) as may_pass,
           coalesce(next_attempt_at <= clock_timestamp(), true) as ready
    from reelhouse.schedule_run left join reelhouse.load using (load_id)
    where schedule_run.subject = ${subject} and outcome is null order by due_at`.execute(trx)
  return found.rows
}

/** A load of whose states later ones are known, too, by the time it is looked at. */
function outcomeOf({ state, published }: Run): string {
  if (state !== 'superseded' && state !== 'dropped') return state as string
  return published ? 'published' : 'held'
}

async function settle(trx: Transaction<unknown>, subject: string, run: Run, backOff: number[]): Promise<Step> {
  const wait = backOff[run.attempts - 1]
  if (run.may_pass && wait !== undefined) return await change(trx, subject, run, { wait })
  return await change(trx, subject, run, { outcome: outcomeOf(run) })
}

async function giveUp(trx: Transaction<unknown>, subject: string, run: Run): Promise<Step> {
  return await change(
    trx,
    subject,
    run,
    run.attempts === 0
      ? { outcome: 'skipped', note: 'the next run was due before it could begin' }
      : { outcome: 'failed', note: 'given up, as the next run was due' },
  )
}

async function begin(trx: Transaction<unknown>, { subject, source, mode }: Schedule, run: Run): Promise<Step> {
  try {
    const request = { subject, source, mode, trigger: 'schedule', actor: 'schedule' } as const
    return await change(trx, subject, run, { loadId: await enterLoad(trx, request) })
  } catch (error) {
    if (!(error instanceof LoadInProgressError)) throw error
    return await change(trx, subject, run, {
      outcome: 'skipped',
      note: `load ${error.loadId} was still queued or running`,
    })
  }
}

interface Change {
  outcome?: string
  /** The load of another attempt. */
  loadId?: number
  /** Seconds from the end of the load to the next attempt. */
  wait?: number
  note?: string
}

async function change(
  trx: Transaction<unknown>,
  subject: string,
  { key }: Run,
  { outcome, loadId, wait, note }: Change,
): Promise<Step> {
  const now = outcome ?? (loadId === undefined ? 'again' : 'started')
  const changed = await sql<Step>`
    update reelhouse.schedule_run
    set outcome = ${outcome ?? null}::text, ended_at = case when ${outcome ?? null}::text is not null then clock_timestamp() end,
        load_id = coalesce(${loadId ?? null}::integer, load_id), attempts = attempts + ${loadId === undefined ? 0 : 1}::integer,
        next_attempt_at = (select finished_at + make_interval(secs => ${wait ?? null}::float8)
                           from reelhouse.load where load.load_id = schedule_run.load_id),
        note = nullif(concat_ws('; ', note, ${note ?? null}::text), '')
    where subject = ${subject} and due_at = ${key}::timestamptz
    returning subject, due_at, ${now}::text as now, load_id, next_attempt_at, note`.execute(trx)
  return changed.rows[0] as Step
}
