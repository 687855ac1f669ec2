import { type RawBuilder, sql } from 'kysely'

/** One run that was due, as `GET /v1/admin/schedules` shows it. */
export interface ScheduleRunView {
  due_at: string
  /** When it was entered; null when it was skipped. */
  started_at: string | null
  ended_at: string | null
  outcome: string | null
  attempts: number
  load: number | null
  /** Why its last load failed. */
  error: string | null
  next_attempt_at: string | null
  caught_up: boolean
  note: string | null
}

/** Runs of a subject, the latest first. */
export const scheduleRuns = (
  subject: string,
  { before, open, limit }: { before?: string | undefined; open?: boolean; limit: number },
): RawBuilder<ScheduleRunView> => sql<ScheduleRunView>`
  select due_at, case when attempts > 0 then schedule_run.created_at end as started_at, ended_at, outcome, attempts,
         load_id as load, error, next_attempt_at, caught_up, note
  from reelhouse.schedule_run left join reelhouse.load using (load_id)
  where schedule_run.subject = ${subject} and ${before === undefined ? sql`true` : sql`due_at < ${before}::timestamptz`}
    and ${open ? sql`outcome is null` : sql`true`}
  order by due_at desc limit ${limit}`

/** Since when each subject has the schedule that it has. */
export const schedulesSince = (): RawBuilder<{ subject: string; since: string }> =>
  sql<{ subject: string; since: string }>`select subject, since from reelhouse.schedule`
