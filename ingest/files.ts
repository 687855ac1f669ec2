import { type Kysely, sql, type Transaction } from 'kysely'
import type { RejectRow } from './ledger.ts'
import type { Subject } from './subject.ts'

/** One file of a load, and the equation of what was read from it: read = loaded + rejected + duplicate + unmatched. */
export interface FileCounts {
  fileNo: number
  name: string
  family: string
  bytes: number
  sha256: string
  modifiedAt: string
  /** The header as it stands in the file; null where the notation has none. */
  columns: string[] | null
  read: number
  loaded: number
  rejected: number
  duplicate: number
  unmatched: number
  warnings: number
}

/** Files that are entered by one statement: a load may have tens of thousands. */
const FILES_AT_ONCE = 1000

export async function writeFiles(db: Kysely<unknown>, loadId: number, files: FileCounts[]): Promise<void> {
  for (let at = 0; at < files.length; at += FILES_AT_ONCE)
    await sql`
      insert into reelhouse.load_file (load_id, file_no, name, family, bytes, sha256, modified_at, columns,
                                       read, loaded, rejected, duplicate, unmatched, warnings)
      select ${loadId}, "fileNo", name, family, bytes, sha256, "modifiedAt", columns, read, loaded, rejected, duplicate, unmatched, warnings
      from jsonb_to_recordset(${JSON.stringify(files.slice(at, at + FILES_AT_ONCE))}::jsonb)
        as file ("fileNo" smallint, name text, family text, bytes bigint, sha256 text, "modifiedAt" timestamptz, columns text[],
                 read bigint, loaded bigint, rejected bigint, duplicate bigint, unmatched bigint, warnings bigint)`.execute(
      db,
    )
}

/** What the merge found and entered in its transaction, for a ledger that outlives it. */
export async function readFound(trx: Transaction<unknown>, loadId: number): Promise<RejectRow[]> {
  const found = await sql<RejectRow>`
    select file, line, code, severity, column_name as "column", reason, raw, record, records
    from reelhouse.reject where load_id = ${loadId} and severity in ('duplicate', 'unmatched') order by reject_id`.execute(
    trx,
  )
  return found.rows
}

/**
 * What the merge found to be duplicates, or of films that the load does not have, was counted as loaded until now; their warnings are
 * of no record that was kept.
 */
export async function countFound(db: Kysely<unknown>, loadId: number): Promise<void> {
  await sql`
    delete from reelhouse.reject warning using reelhouse.reject found
    where warning.load_id = ${loadId} and warning.severity = 'warning'
      and found.load_id = ${loadId} and found.severity in ('duplicate', 'unmatched')
      and (warning.file, warning.line) = (found.file, found.line)`.execute(db)
  await sql`
    with counted as (
      select file, severity, code, sum(records) as records
      from reelhouse.reject where load_id = ${loadId} group by file, severity, code),
    by_file as (
      select file, coalesce(sum(records) filter (where severity = 'duplicate'), 0) as duplicates,
             coalesce(sum(records) filter (where severity = 'unmatched'), 0) as unmatched,
             coalesce(sum(records) filter (where severity = 'warning'), 0) as warnings,
             coalesce(jsonb_object_agg(code, records order by code) filter (where severity = 'unmatched'), '{}') as unmatched_by
      from counted group by file)
    update reelhouse.load_file file
    set duplicate = by_file.duplicates, unmatched = by_file.unmatched, unmatched_by = by_file.unmatched_by,
        loaded = read - rejected - by_file.duplicates - by_file.unmatched, warnings = by_file.warnings
    from by_file where file.load_id = ${loadId} and file.name = by_file.file`.execute(db)
}

/** What readers see now. */
export interface Published {
  load_id: number
  /** Of an append-only subject: the loads whose rows they see. */
  shows: string | null
  id_space: string
  file_date: string
}

export async function publishedFacts(db: Kysely<unknown>, subject: Subject): Promise<Published | undefined> {
  const found = await sql<Published>`
    select load_id, id_space, file_date, shows::text
    from reelhouse.pointer join reelhouse.load using (load_id) where pointer.subject = ${subject.name}`.execute(db)
  return found.rows[0]
}
