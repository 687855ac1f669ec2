/**
 * Bytes → CSV records. A scanner (parse-frames.ts) finds where each record starts and ends and whether it is sound; csv-parse
 * then splits the sound ones into cells, a batch at a time.
 *
 * Why not csv-parse alone (7.0.3, tried): after text behind a closing quote its `skip_records_with_error` stays inside the quotes and
 * loses good records, up to the end of the file; past `max_record_size` it loses the rest of the chunk. It counts CRLF in a quoted cell as
 * two lines; its `raw` lacks the LF of CRLF and takes in blank lines; `info`, needed for lines, triples the time of short records; and
 * for each record of a wrong width it builds an Error, 24 µs, even under `relax_column_count`. The scanner and csv-parse's synchronous
 * interface together take as long as its stream alone.
 */
import { parse } from 'csv-parse/sync'
import { excerpt, type ParseOptions, type RawRecord, type SoundRecord, UnreadableFileError } from './parse.ts'
import { type Frame, readFrames } from './parse-frames.ts'

export interface CsvOptions extends ParseOptions {
  /** Columns without which the file is of no use. */
  required: readonly string[]
}

export interface CsvTable {
  /** Column names as the header has them. */
  columns: readonly string[]
  /** Where in `cells` a column stands: look it up once a file, not once a record. */
  index: ReadonlyMap<string, number>
  /** Batches of about 1,000 records. It holds the source open: iterate it, or call its `return()`. */
  records: AsyncGenerator<RawRecord<string[]>[]>
}

/**
 * Reads the header, and hands back the records to come. A record whose quotes are broken ends with its line, so that what follows is
 * still read; a blank line is no record.
 * @throws UnreadableFileError for an empty file, for what is not CSV in UTF-8, and for missing or repeated columns. `records` throws it
 * for a quote that is never closed. The source's own errors, and an abort, pass through.
 */
export async function parseCsv(bytes: AsyncIterable<Buffer>, options: CsvOptions): Promise<CsvTable> {
  const { file, required } = options
  const batches = readBatches(bytes, options)
  const first = await batches.next()
  if (first.done) throw new UnreadableFileError(`${file} is empty`, file)
  const [header] = first.value
  try {
    const columns = readHeader(header!, file)
    checkColumns(columns, required, file)
    return { columns, index: new Map(columns.map((name, at) => [name, at])), records: batches }
  } catch (error) {
    await batches.return(undefined)
    throw error
  }
}

/** The first batch is the header alone. Having read it, the generator has begun, so `return()` closes the source at any time. */
async function* readBatches(
  bytes: AsyncIterable<Buffer>,
  options: ParseOptions,
): AsyncGenerator<RawRecord<string[]>[], undefined> {
  let isFirst = true
  for await (const frames of readFrames(bytes, options)) {
    if (isFirst) yield splitCells(frames.splice(0, 1))
    isFirst = false
    if (frames.length > 0) yield splitCells(frames)
  }
}

class CsvRecord implements SoundRecord<string[]> {
  readonly ok = true
  readonly line: number
  readonly cells: string[]
  readonly #bytes: Buffer

  constructor(line: number, cells: string[], bytes: Buffer) {
    this.line = line
    this.cells = cells
    this.#bytes = bytes
  }

  get raw(): string {
    return textOf(this.#bytes)
  }
}

const textOf = (bytes: Buffer): string => bytes.toString('utf8').replace(/\r?\n$/, '')

function splitCells(frames: Frame[]): RawRecord<string[]>[] {
  const sound = frames.filter((frame) => !frame.fault)
  // No option is relaxed: should csv-parse ever see another record than the scanner, the load fails rather than shifts.
  const rows = parse(Buffer.concat(sound.map((frame) => frame.bytes)), { record_delimiter: ['\r\n', '\n'] })
  if (rows.length !== sound.length) {
    throw new Error(
      `csv-parse sees ${rows.length} records where there are ${sound.length}, from line ${sound[0]?.line}`,
    )
  }
  let next = 0
  return frames.map(({ line, bytes, fault }) =>
    fault ? { ok: false, line, ...fault, raw: excerpt(textOf(bytes)) } : new CsvRecord(line, rows[next++]!, bytes),
  )
}

function readHeader(header: RawRecord<string[]>, file: string): string[] {
  const { line, raw } = header
  // A reject's excerpt shows NUL and bad bytes as these two.
  const notText = header.ok ? /[\0\uFDD0]/ : /[\u2400\uFFFD]/
  if (notText.test(raw)) {
    const sentence = `${file} is not UTF-8 text: its first line holds bytes that no such text has (another encoding, or a binary file)`
    throw new UnreadableFileError(sentence, file, line)
  }
  if (!header.ok) throw new UnreadableFileError(`${file} is not CSV: its header ${header.reason}`, file, line)
  return header.cells
}

function checkColumns(columns: readonly string[], required: readonly string[], file: string): void {
  // A spreadsheet writes several columns without a name; nothing asks for those.
  const repeated = new Set(columns.filter((name, at) => name !== '' && columns.indexOf(name) !== at))
  if (repeated.size > 0) {
    throw new UnreadableFileError(`${file} has more than one column named ${listed([...repeated])}`, file, 1)
  }
  const missing = required.filter((name) => !columns.includes(name))
  if (missing.length === 0) return
  const macLines = columns.some((name) => name.includes('\r')) ? ' (its lines end in CR alone: save it with LF)' : ''
  const sentence = `${file} has no column ${listed(missing)}: its columns are ${listed(columns)}${macLines}`
  throw new UnreadableFileError(sentence, file, 1)
}

/** Names for a sentence: at most ten, each at most 40 characters. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 10).map((name) => (name.length > 40 ? `${name.slice(0, 40)}…` : name))
  const more = names.length - shown.length
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '')
}
