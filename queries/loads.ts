import { type RawBuilder, sql } from 'kysely'
import { shownSource } from '../ingest/shown-source.ts'

/** A load, and the files of a family that it read. */
export interface Reader {
  load: number
  files: string[]
}

/** A load as `GET /v1/loads/{id}` and `--json` show it. */
export interface LoadView {
  id: number
  subject: string
  state: string
  mode: string
  trigger: string
  /** Without folder, credentials and query. */
  source: string
  format: string | null
  hold: boolean
  dry_run: boolean
  stage: string | null
  progress: Record<string, unknown>
  files: {
    name: string
    family: string
    bytes: number
    sha256: string
    /** The header; null where the notation has none. */
    columns: string[] | null
    modified_at: string | null
    read: number
    loaded: number
    rejected: number
    duplicate: number
    unmatched: number
    /** By reason. */
    unmatched_by: Record<string, number>
    warnings: number
  }[]
  /** What it has of each family of files, the load that read that, and its files; and whose files the rest is of, into which they were merged. */
  families: (Reader & { family: string; taken_over: Reader[] })[]
  row_counts: Record<string, number>
  timings: Record<string, number>
  checks: { passed: number; failed: number; warned: number }
  notes: string[]
  error: string | null
  file_date: string | null
  data_through: string | null
  previous_load: number | null
  /** The load whose rejected records it read again. */
  replay_of: number | null
  created_at: string
  started_at: string | null
  finished_at: string | null
  published_at: string | null
}

/** RFC 3339 in UTC, to the millisecond; PostgreSQL's own JSON would show the session's time zone. */
const instant = (column: string) => sql`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

/** Of the family `used`, what a load read. */
const filesOf = (load: RawBuilder<unknown>) => sql`(
  select coalesce(json_agg(name order by file_no), '[]') from reelhouse.load_file file
  where file.load_id = ${load} and file.family = used.family)`

/** Loads, newest first. */
export function loads(where: {
  id?: number | undefined
  subject?: string | undefined
  state?: string | undefined
  before?: number | undefined
  limit?: number | undefined
}): RawBuilder<LoadView> {
  const is = (column: string, value: unknown) => (value === undefined ? sql`true` : sql`${sql.ref(column)} = ${value}`)
  return sql<LoadView>`
    select load_id as id, subject, state, mode, trigger, source, format, hold, dry_run, stage, progress,
           (select coalesce(json_agg(json_build_object(
              'name', name, 'family', family, 'bytes', bytes, 'sha256', sha256, 'columns', columns, 'modified_at', ${instant('modified_at')},
              'read', read, 'loaded', loaded, 'rejected', rejected, 'duplicate', duplicate, 'unmatched', unmatched, 'unmatched_by', unmatched_by,
              'warnings', warnings) order by file_no), '[]')
            from reelhouse.load_file file where file.load_id = load.load_id) as files,
           (select coalesce(json_agg(json_build_object('family', family, 'load', source_load_id, 'files', ${filesOf(sql`source_load_id`)}, 'taken_over', (
                     with recursive reader (load_id) as (
                       select used.source_load_id
                       union
                       select behind.source_load_id
                       from reader join reelhouse.load merged using (load_id)
                       join reelhouse.load_family behind on behind.load_id = merged.previous_load_id and behind.family = used.family
                       where merged.mode = 'merge' and merged.shows is null)
                     select coalesce(json_agg(json_build_object('load', load_id, 'files', ${filesOf(sql`reader.load_id`)})
                                              order by load_id desc), '[]')
                     from reader where load_id <> used.source_load_id))
                   order by family), '[]')
            from reelhouse.load_family used where used.load_id = load.load_id) as families,
           row_counts, timings,
           (select json_build_object('passed', count(*) filter (where passed),
                                     'failed', count(*) filter (where not passed and severity = 'error'),
                                     'warned', count(*) filter (where not passed and severity = 'warn'))
            from reelhouse.check_result checked where checked.load_id = load.load_id) as checks,
           notes, error, file_date, data_through, previous_load_id as previous_load, replay_of,
           ${instant('created_at')} as created_at, ${instant('started_at')} as started_at,
           ${instant('finished_at')} as finished_at, ${instant('published_at')} as published_at
    from reelhouse.load
    where ${is('load_id', where.id)} and ${is('subject', where.subject)} and ${is('state', where.state)}
      and ${where.before === undefined ? sql`true` : sql`load_id < ${where.before}`}
    order by load_id desc limit ${where.limit ?? 100}`
}

/** What anyone may see of it. */
export const shownLoad = (load: LoadView): LoadView => ({ ...load, source: shownSource(load.source) })

export interface RejectView {
  reject_id: number
  file: string
  /** Null where it counts records of several lines. */
  line: number | null
  code: string
  severity: string
  column: string | null
  reason: string
  raw: string | null
}

/** What a load left out or could not read, by file and line; behind an entry, or behind so many. */
export function rejects(
  loadId: number,
  where: {
    severity?: string | undefined
    after?: Pick<RejectView, 'file' | 'line' | 'reject_id'> | undefined
    skip?: number
    limit: number
  },
): RawBuilder<RejectView> {
  const { severity, after, skip = 0, limit } = where
  const behind = after
    ? sql`(file, reject.line, reject_id) > (${after.file}, ${after.line ?? 0}::bigint, ${after.reject_id}::bigint)`
    : sql`true`
  return sql<RejectView>`
    select reject_id, file, nullif(line, 0) as line, code, severity, column_name as "column", reason,
           coalesce(raw, left(record, 10000)) as raw
    from reelhouse.reject
    where load_id = ${loadId} and ${severity === undefined ? sql`true` : sql`severity = ${severity}`} and ${behind}
    order by file, reject.line, reject_id limit ${limit} offset ${skip}`
}

export interface CheckView {
  name: string
  kind: string | null
  claim: string
  severity: string
  passed: boolean
  failing: number | null
  observed: string
  sample: unknown[]
}

/** What was checked before a load was published. */
export const checks = (loadId: number): RawBuilder<CheckView> => sql<CheckView>`
  select name, kind, claim, severity, passed, failing, observed, sample
  from reelhouse.check_result where load_id = ${loadId} order by passed, severity, name`
