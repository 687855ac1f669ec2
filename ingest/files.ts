import { type Kysely, sql, type Transaction } from 'kysely'
import type { Source } from './choose.ts'
import type { LoadFacts, RejectRow } from './ledger.ts'
import { digestOf } from './open.ts'
import type { Subject } from './subject.ts'

/** One file of a load, and the equation of what was read from it: read = loaded + rejected + duplicate + unmatched. */
export interface FileCounts {
  fileNo: number
  name: string
  family: string
  bytes: number
  sha256: string
  modifiedAt: string
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
      insert into reelhouse.load_file (load_id, file_no, name, family, bytes, sha256, modified_at,
                                       read, loaded, rejected, duplicate, unmatched, warnings)
      values (${loadId}, ${file.fileNo}, ${file.name}, ${file.family}, ${file.bytes}, ${file.sha256}, ${file.modifiedAt},
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

/** What readers see now, for telling that a source brings nothing new. */
export interface Published {
  load_id: number
  format: string
  mode: string
  ingest_version: number
  files: { name: string; bytes: number; sha256: string }[]
}

export async function publishedFacts(db: Kysely<unknown>, subject: Subject): Promise<Published | undefined> {
  const found = await sql<Published>`
    select load_id, format, mode, ingest_version,
           (select coalesce(json_agg(json_build_object('name', name, 'bytes', bytes, 'sha256', sha256) order by file_no), '[]')
            from reelhouse.load_file f where f.load_id = load.load_id) as files
    from reelhouse.pointer join reelhouse.load using (load_id) where pointer.subject = ${subject.name}`.execute(db)
  return found.rows[0]
}

export async function isUnchanged(
  source: Source,
  facts: LoadFacts,
  mode: string,
  published: Published,
  signal: AbortSignal,
): Promise<boolean> {
  const { files } = published
  if (published.format !== facts.format || published.mode !== mode) return false
  if (published.ingest_version !== facts.ingestVersion || files.length !== source.files.length) return false
  // Sizes first: a file is read twice only when it is probably the same.
  if (source.files.some((file, index) => file.bytes !== files[index]?.bytes)) return false
  for (const [index, file] of source.files.entries())
    if ((await digestOf(file, signal)) !== files[index]?.sha256) return false
  return true
}
