/**
 * Reading a file of tens of millions of short lines. Its bytes are cut at line ends; a piece all of whose lines one strict regular
 * expression knows goes to the database as it is, any other is read record by record like every file. So clean files cost next to
 * nothing, each bad line is still named, and the database is never sent what it could refuse.
 *
 * One line is one record here: a quote that is not closed on its line costs that line alone.
 */
import type { SourceFile } from './choose.ts'
import { excerpt, type RawRecord, UnreadableFileError } from './parse.ts'
import { parseCsv } from './parse-csv.ts'
import type { Bulk } from './subject.ts'
import { utf8Chunks } from './utf8.ts'

const LF = 10
const CR = 13
const QUOTE = 34

/** A longer line is no line, and nobody should wait for the end of the file to hear it. */
const GIVE_UP_BYTES = 64 * 1024 * 1024

/** Some lines of the file, the first of them at `line`. */
export type Piece =
  | { line: number; clean: true; bytes: Buffer; lines: number }
  | { line: number; clean: false; records: RawRecord<Record<string, unknown>>[] }

export interface BulkTable {
  columns: readonly string[]
  /** Columns of the file in the order in which cells are sent: that of the header, where it has no others. */
  sent: string[]
  pieces: AsyncGenerator<Piece>
}

/** @throws UnreadableFileError as `parseCsv` does */
export async function readBulk(
  bytes: AsyncIterable<Buffer>,
  file: Pick<SourceFile, 'name' | 'of'>,
  bulk: Bulk<unknown>,
  signal: AbortSignal,
): Promise<BulkTable> {
  const lines = wholeLines(bytes, file.name, signal)
  const first = await lines.next()
  const opening = first.done ? Buffer.alloc(0) : first.value
  const header = opening.subarray(0, opening.indexOf(LF) + 1)
  try {
    const { columns, records } = await parseCsv(once(header), { file: file.name, required: file.of.columns })
    await records.return(undefined)
    const known = Object.keys(bulk.cells)
    const exact = columns.length === known.length
    const sent = exact ? [...columns] : known
    const clean = exact ? cleanLines(sent.map((column) => bulk.cells[column]?.clean as string)) : undefined
    const rest = opening.subarray(header.length)
    return { columns, sent, pieces: pieces(rest, lines, { file: file.name, header, columns, clean, signal }) }
  } catch (error) {
    await lines.return(undefined)
    throw error
  }
}

const cleanLines = (cells: string[]) => new RegExp(`^(?:${cells.join(',')}\\r?\\n)*$`)

interface Reading {
  file: string
  header: Buffer
  columns: readonly string[]
  clean: RegExp | undefined
  signal: AbortSignal
}

async function* pieces(opening: Buffer, lines: AsyncGenerator<Buffer>, reading: Reading): AsyncGenerator<Piece> {
  let line = 2
  try {
    for await (const bytes of following(opening, lines)) {
      const count = linesOf(bytes)
      yield reading.clean?.test(bytes.toString('latin1'))
        ? { line, clean: true, bytes: withoutReturns(bytes), lines: count }
        : { line, clean: false, records: await recordsOf(bytes, line, reading) }
      line += count
    }
  } finally {
    await lines.return(undefined)
  }
}

async function* following(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first
  yield* rest
}

/** Chunks that end where a line does; the last line is given the end that it may lack. */
async function* wholeLines(bytes: AsyncIterable<Buffer>, file: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let size = 0
  for await (const chunk of utf8Chunks(bytes, { file, signal })) {
    const end = chunk.lastIndexOf(LF) + 1
    if (end > 0) {
      yield Buffer.concat([...parts, chunk.subarray(0, end)])
      parts = []
      size = 0
    }
    if (end === chunk.length) continue
    parts.push(chunk.subarray(end))
    size += chunk.length - end
    if (size > GIVE_UP_BYTES)
      throw new UnreadableFileError(`${file} has a line larger than 64 MiB: it is probably not a CSV file`, file)
  }
  if (parts.length > 0) yield Buffer.concat([...parts, Buffer.from('\n')])
}

function linesOf(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) count++
  return count
}

const withoutReturns = (bytes: Buffer) =>
  bytes.includes(CR) ? Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1') : bytes

/** The lines one by one, as the ordinary parser reads them under the file's header. */
async function recordsOf(bytes: Buffer, line: number, { file, header, columns }: Reading) {
  const { balanced, broken } = bytes.includes(QUOTE) ? apart(bytes, line) : { balanced: bytes, broken: [] }
  const records: RawRecord<Record<string, unknown>>[] = broken
  const table = await parseCsv(once(Buffer.concat([header, balanced])), { file, required: [] })
  for await (const batch of table.records)
    for (const record of batch) {
      // Of the piece with the header before it, which ends where line 2 begins.
      const at = record.line + line - 2
      if (!record.ok) records.push({ ...record, line: at })
      else {
        const cells = Object.fromEntries(columns.map((column, index) => [column, record.cells[index]]))
        records.push({ ok: true, line: at, cells, raw: record.raw })
      }
    }
  return records.sort((a, b) => a.line - b.line)
}

/** Lines with an odd number of quotes, of which one would reach into the next line, and the others with blank lines in their place. */
function apart(bytes: Buffer, firstLine: number): { balanced: Buffer; broken: RawRecord<Record<string, unknown>>[] } {
  const broken: RawRecord<Record<string, unknown>>[] = []
  const balanced = bytes
    .toString('utf8')
    .split('\n')
    .map((text, index) => {
      if ((text.split('"').length - 1) % 2 === 0) return text
      const reason = 'has a quote that is not closed on its line'
      const raw = excerpt(text.replace(/\r$/, ''))
      broken.push({ ok: false, line: firstLine + index, code: 'stray_quote', reason, raw })
      return ''
    })
  return { balanced: Buffer.from(balanced.join('\n')), broken }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}
