import { type Kysely, sql } from 'kysely'
import type { Source, SourceFile } from './choose.ts'
import type { Mended } from './ledger.ts'
import { readOne } from './read-one.ts'
import { SourceError } from './source-error.ts'
import type { Subject } from './subject.ts'

/**
 * The records that a load rejected, or had no film for, as a source: read again from the ledger after their cause is mended, in the
 * program, by the text that an admin gives in their place, or by films that were loaded since. They keep the file and the line where they stood.
 */

interface RejectedRecord {
  file: string
  line: number
  record: string | null
}

interface RejectedFile {
  file_no: number
  name: string
  family: string
  modified_at: string
  columns: string[] | null
}

/** @throws SourceError when the load has no such records, or they cannot be read again */
export async function openReplay(
  db: Kysely<unknown>,
  subject: Subject,
  loadId: number,
  mended: Mended[],
): Promise<Source> {
  const load = await sql<{ format: string }>`select format from reelhouse.load where load_id = ${loadId}`.execute(db)
  const format = subject.formats.find(({ name }) => name === load.rows[0]?.format)
  if (!format) throw new SourceError(`load ${loadId} is of no format that ${subject.name} has`)
  const rejected = await sql<RejectedRecord>`
    select file, line, record from reelhouse.reject
    where load_id = ${loadId} and (severity = 'reject' or (severity = 'unmatched' and record is not null))
    order by file, line, reject_id`.execute(db)
  for (const { file, line } of mended)
    if (!rejected.rows.some((reject) => reject.file === file && reject.line === line))
      throw new SourceError(`load ${loadId} rejected nothing at line ${line} of ${file}`)
  const sources = await sql<RejectedFile>`
    select file_no, name, family, modified_at, columns from reelhouse.load_file
    where load_id = ${loadId} order by file_no`.execute(db)
  const files = sources.rows.flatMap((file): SourceFile[] => {
    const of = format.files.find(({ family }) => family.name === file.family)
    const records = rejected.rows
      .filter((reject) => reject.file === file.name)
      .map(({ line, record }) => ({
        line,
        text: mended.find((text) => text.file === file.name && text.line === line)?.raw ?? record,
      }))
      // What was not kept as it is cannot be read as it was.
      .filter((one): one is { line: number; text: string } => one.text !== null)
    if (!of || records.length === 0) return []
    if (of.read === 'csv' && !file.columns)
      throw new SourceError(`load ${loadId} did not keep the header of ${file.name}; load the file again`)
    return [
      {
        name: file.name,
        base: file.name,
        bytes: records.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
        modifiedAt: new Date(file.modified_at),
        of,
        fileNo: file.file_no,
        columns: file.columns,
        head: async () => Buffer.alloc(0),
        async *read() {
          for (const { text } of records) yield Buffer.from(text)
        },
        async *records() {
          for (const { line, text } of records) yield [await readOne(text, line, of.read, file)]
        },
      },
    ]
  })
  if (files.length === 0)
    throw new SourceError(`load ${loadId} rejected no record whose text was kept; give the text of what is mended`)
  return { format, files, notes: [] }
}
