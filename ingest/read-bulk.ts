/**
 * Reading a file of tens of millions of short lines. Its bytes are cut at line ends; lines that one strict regular expression knows go
 * to the database as they are, as many as follow one another, and each other line is read as a record like those of every file. So clean
 * lines cost next to nothing wherever they stand, each bad one is still named, and the database is never sent what it could refuse.
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

/** As many clean lines as follow one another, from a place on. */
const cleanLines = (cells: string[]) => new RegExp(`(?:${cells.join(',')}\\r?\\n)*`, 'y')

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
    for await (const bytes of following(opening, lines)) line = yield* piecesOf(bytes, line, reading)
  } finally {
    await lines.return(undefined)
  }
}

/** Runs of clean lines, and what stands between them: all of that is parsed at once, as a parser takes its time to begin. Returns the line behind them. */
async function* piecesOf(bytes: Buffer, firstLine: number, reading: Reading): AsyncGenerator<Piece, number> {
  const { clean, other, behind } = sorted(bytes, firstLine, reading.clean)
  const records = other.length > 0 ? await recordsOf(other, reading) : []
  let next = 0
  const until = (line: number) => {
    const from = next
    while ((records[next]?.line ?? line) < line) next++
    return records.slice(from, next)
  }
  for (const run of clean) {
    const before = until(run.line)
    if (before.length > 0) yield { line: before[0]?.line as number, clean: false, records: before }
    yield { ...run, clean: true, bytes: withoutReturns(run.bytes) }
  }
  const rest = until(Number.POSITIVE_INFINITY)
  if (rest.length > 0) yield { line: rest[0]?.line as number, clean: false, records: rest }
  return behind
}

interface Line {
  line: number
  bytes: Buffer
}

function sorted(bytes: Buffer, firstLine: number, cleanLines: RegExp | undefined) {
  const clean: (Line & { lines: number })[] = []
  const other: Line[] = []
  const text = cleanLines ? bytes.toString('latin1') : ''
  let line = firstLine
  for (let at = 0; at < bytes.length; ) {
    if (cleanLines) {
      cleanLines.lastIndex = at
      cleanLines.test(text)
      const run = bytes.subarray(at, cleanLines.lastIndex)
      if (run.length > 0) {
        const lines = linesOf(run)
        clean.push({ line, bytes: run, lines })
        line += lines
        at += run.length
        continue
      }
    }
    const end = bytes.indexOf(LF, at) + 1
    other.push({ line, bytes: bytes.subarray(at, end) })
    line += 1
    at = end
  }
  return { clean, other, behind: line }
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

/** Lines as the ordinary parser reads them under the file's header. */
async function recordsOf(lines: Line[], { file, header, columns }: Reading) {
  const records: RawRecord<Record<string, unknown>>[] = []
  const balanced: Line[] = []
  for (const one of lines) {
    const fault = strayQuote(one)
    if (fault) records.push(fault)
    else balanced.push(one)
  }
  const table = await parseCsv(once(Buffer.concat([header, ...balanced.map(({ bytes }) => bytes)])), {
    file,
    required: [],
  })
  for await (const batch of table.records)
    for (const record of batch) {
      // Of these lines with the header before them, which ends where line 2 begins.
      const { line } = balanced[record.line - 2] as Line
      if (!record.ok) records.push({ ...record, line })
      else {
        const cells = Object.fromEntries(columns.map((column, index) => [column, record.cells[index]]))
        records.push({ ok: true, line, cells, raw: record.raw })
      }
    }
  return records.sort((a, b) => a.line - b.line)
}

/** With an odd number of quotes a line would reach into the next one. */
function strayQuote({ line, bytes }: Line): RawRecord<Record<string, unknown>> | undefined {
  if (!bytes.includes(QUOTE)) return undefined
  const text = bytes.toString('utf8')
  if ((text.split('"').length - 1) % 2 === 0) return undefined
  const reason = 'has a quote that is not closed on its line'
  return { ok: false, line, code: 'stray_quote', reason, raw: excerpt(text.replace(/\r?\n$/, '')) }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}
