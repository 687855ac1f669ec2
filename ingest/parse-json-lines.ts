/** Bytes → the JSON objects of a file that has one on each line. A line that is none costs itself alone; blank lines are no records. */
import {
  excerpt,
  isFullBatch,
  type ParseOptions,
  type RawRecord,
  type SoundRecord,
  sizeFault,
  UnreadableFileError,
} from './parse.ts'
import { type JsonCells, MAX_DEPTH, outline } from './parse-json.ts'
import { utf8Chunks } from './utf8.ts'

const LF = 10

/** A longer line is no line, and nobody should wait for the end of the file to hear it. */
const GIVE_UP_BYTES = 64 * 1024 * 1024

/**
 * Batches of about 1,000 records, each with the physical line where it stands. Numbers have a double's digits, so whole ones beyond 2^53 are no
 * longer exact, and no id may be one.
 * @throws UnreadableFileError when a line has no end; the source's own errors, and an abort, pass through
 */
export async function* parseJsonLines(
  bytes: AsyncIterable<Buffer>,
  options: ParseOptions,
): AsyncGenerator<RawRecord<JsonCells>[]> {
  let records: RawRecord<JsonCells>[] = []
  let size = 0
  for await (const { line, bytes: text } of lines(bytes, options)) {
    const record = recordOf(text, line)
    if (!record) continue
    records.push(record)
    size += text.length
    if (!isFullBatch(records.length, size)) continue
    yield records
    records = []
    size = 0
  }
  if (records.length > 0) yield records
}

/** What stands between line ends, without them; the last line may lack its own. */
async function* lines(bytes: AsyncIterable<Buffer>, options: ParseOptions) {
  let line = 1
  let parts: Buffer[] = []
  let size = 0
  for await (const chunk of utf8Chunks(bytes, options)) {
    let start = 0
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      const rest = chunk.subarray(start, end)
      yield { line, bytes: parts.length > 0 ? Buffer.concat([...parts, rest]) : rest }
      parts = []
      size = 0
      line += 1
      start = end + 1
    }
    if (start === chunk.length) continue
    parts.push(chunk.subarray(start))
    size += chunk.length - start
    if (size > GIVE_UP_BYTES)
      throw new UnreadableFileError(
        `${options.file} has a line larger than 64 MiB: it is probably not a file of JSON lines`,
        options.file,
        line,
      )
  }
  if (parts.length > 0) yield { line, bytes: Buffer.concat(parts) }
}

/** The record of one line; none of a blank one. */
export function recordOf(bytes: Buffer, line: number): RawRecord<JsonCells> | undefined {
  const tooLarge = sizeFault(bytes.length)
  if (tooLarge) return { ok: false, line, ...tooLarge, raw: excerpt(bytes.toString('utf8', 0, 40_000)) }
  const raw = bytes.toString().trim()
  if (raw === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(raw)
  } catch (error) {
    return { ok: false, line, code: 'bad_json', reason: `is no JSON: ${complaint(error)}`, raw: excerpt(raw) }
  }
  if (isDeeper(value, MAX_DEPTH)) {
    const reason = `is nested deeper than ${MAX_DEPTH} levels`
    return { ok: false, line, code: 'nested_too_deeply', reason, raw: excerpt(outline(value)) }
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return { ok: true, line, cells: value as JsonCells, raw } satisfies SoundRecord<JsonCells>
  const kind = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`
  return { ok: false, line, code: 'not_an_object', reason: `is ${kind}, not an object`, raw: excerpt(raw) }
}

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1)))

/** Without the text, which stands beside it, and which Node cuts as it likes. */
const complaint = (error: unknown) =>
  (error as Error).message.replace(/,? *"?(\.\.\.)?".*" is not valid JSON$/s, '').replace(/ in JSON at/, ' at')
