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

export async function writeFiles(db: Kysely<unknown>, loadId: number, files: FileCounts[]): Promise<void> {
  for (const file of files)
    await sql`
      insert into reelhouse.load_file (load_id, file_no, name, family, bytes, sha256, modified_at, columns,
                                       read, loaded, rejected, duplicate, unmatched, warnings)
      values (${loadId}, ${file.fileNo}, ${file.name}, ${file.family}, ${file.bytes}, ${file.sha256}, ${file.modifiedAt}, ${file.columns}::text[],
              ${file.read}, ${file.loaded}, ${file.rejected}, ${file.duplicate}, ${file.unmatched}, ${file.warnings})`.execute(
      db,
    )
}

/** Duplicates that the merge entered in its transaction, for a ledger that outlives it. */
export async function readDuplicates(trx: Transaction<unknown>, loadId: number): Promise<RejectRow[]> {
  const found = await sql<RejectRow>`
    select file, line, code, severity, column_name as "column", reason, raw
    from reelhouse.reject where load_id = ${loadId} and severity = 'duplicate' order by reject_id`.execute(trx)
  return found.rows
}

/** What the merge found to be duplicates was counted as loaded until now; their warnings are of no record that was kept. */
export async function countDuplicates(db: Kysely<unknown>, loadId: number): Promise<void> {
  await sql`
    delete from reelhouse.reject warning using reelhouse.reject earlier
    where warning.load_id = ${loadId} and warning.severity = 'warning'
      and earlier.load_id = ${loadId} and earlier.severity = 'duplicate'
      and (warning.file, warning.line) = (earlier.file, earlier.line)`.execute(db)
  await sql`
    update reelhouse.load_file file
    set duplicate = counted.duplicates, loaded = loaded - counted.duplicates, warnings = counted.warnings
    from (select file, count(*) filter (where severity = 'duplicate') as duplicates,
                 count(*) filter (where severity = 'warning') as warnings
          from reelhouse.reject where load_id = ${loadId} group by file) as counted
    where file.load_id = ${loadId} and file.name = counted.file`.execute(db)
}

/** What readers see now. */
export interface Published {
  load_id: number
  id_space: string
  file_date: string
}

export async function publishedFacts(db: Kysely<unknown>, subject: Subject): Promise<Published | undefined> {
  const found = await sql<Published>`
    select load_id, id_space, file_date
    from reelhouse.pointer join reelhouse.load using (load_id) where pointer.subject = ${subject.name}`.execute(db)
  return found.rows[0]
}
