/**
 * Bytes → chunks of valid UTF-8, and the test that tells a sound cell from a bad one. A byte that is not UTF-8 is never replaced in
 * silence: it becomes U+FDD0, a noncharacter that no text should hold, so the cell where it stood can be told from all others.
 */
import { isUtf8 } from 'node:buffer'
import { addAbortSignal, Readable } from 'node:stream'
import { isStorable, type ParseOptions, UnreadableFileError } from './parse.ts'

/**
 * Stands for one byte that is not UTF-8, inside this process only. U+FFFD would not do: files hold it legitimately, where an earlier
 * program wrote it. A file that itself holds U+FDD0 (Unicode: "not intended for interchange") is treated as if that were a bad byte.
 */
export const BAD_BYTE = '\uFDD0'

export interface BadText {
  code: 'nul_character' | 'invalid_utf8' | 'invalid_unicode'
  reason: string
}

/** Why a cell cannot be stored as text, or null. */
export function badText(cell: string): BadText | null {
  // In a /u expression a surrogate matches only when it is alone.
  const found = /[\0\uFDD0\p{Surrogate}]/u.exec(cell)?.[0]
  if (found === undefined) return null
  if (found === '\0') return { code: 'nul_character', reason: 'holds a NUL character' }
  if (found === BAD_BYTE) return { code: 'invalid_utf8', reason: 'holds bytes that are not UTF-8' }
  return { code: 'invalid_unicode', reason: 'holds half of a surrogate pair' }
}

/**
 * Whether any cell of a record may be bad, from its `raw`: test this once a record, and `badText` of its cells only when it is true.
 * It never misses a bad cell. `JSON.stringify` escapes NUL and lone surrogates, so their escapes count too, rarely without need.
 */
export function mayHoldBadText(raw: string): boolean {
  return !isStorable(raw) || /\\u(?:0000|d[89a-f])/.test(raw)
}

/** How files that are not text begin. */
const MAGIC: [string, Buffer][] = [
  ['a gzip file', Buffer.from([0x1f, 0x8b])],
  ['a zip file', Buffer.from('PK\x03\x04')],
  ['an empty zip file', Buffer.from('PK\x05\x06')],
  ['a Zstandard file', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['an xz file', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a])],
  ['a bzip2 file', Buffer.from('BZh91AY&SY')],
  ['a 7z file', Buffer.from([0x37, 0x7a, 0xbc, 0xaf])],
  ['a Parquet file', Buffer.from('PAR1\x15')],
  ['a PDF', Buffer.from('%PDF')],
  ['an SQLite database', Buffer.from('SQLite format 3')],
  ['an HTML or XML page', Buffer.from('<')],
  ['UTF-16 text', Buffer.from([0xff, 0xfe])],
  ['UTF-16 text', Buffer.from([0xfe, 0xff])],
]
const OPENING_BYTES = 16
const BOM = Buffer.from('\uFEFF')

/** Larger chunks are cut: what is parsed at a time, and so memory, must not depend on how a source reads. */
const CHUNK_BYTES = 64 * 1024

/**
 * The same text in chunks of at most 64 KiB before repair, none of which splits a character, without the byte order mark. Reading ends
 * when the signal aborts; leaving early closes the source; its errors pass through.
 * @throws UnreadableFileError when the first bytes show that this is not UTF-8 text
 */
export async function* utf8Chunks(
  bytes: AsyncIterable<Buffer>,
  { file, signal }: ParseOptions,
): AsyncGenerator<Buffer> {
  const source = bytes instanceof Readable ? bytes : Readable.from(bytes)
  if (signal) addAbortSignal(signal, source)
  let rest: Buffer = Buffer.alloc(0)
  let opened = false
  for await (const chunk of source as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    if (!opened) {
      if (rest.length < OPENING_BYTES) continue
      rest = opening(rest, file)
      opened = true
    }
    for (let end = completeLength(rest); end > 0; end = completeLength(rest)) {
      yield repaired(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
  }
  if (!opened) rest = opening(rest, file)
  if (rest.length > 0) yield repaired(rest)
}

function opening(head: Buffer, file: string): Buffer {
  if (head.subarray(0, BOM.length).equals(BOM)) return head.subarray(BOM.length)
  const looksLike = MAGIC.find(([, magic]) => head.subarray(0, magic.length).equals(magic))
  if (looksLike) throw new UnreadableFileError(`${file} is not UTF-8 text: it looks like ${looksLike[0]}`, file)
  return head
}

/** The length of the first chunk's worth of bytes, less a character at its end whose last bytes have not come yet. */
function completeLength(bytes: Buffer): number {
  const length = Math.min(bytes.length, CHUNK_BYTES)
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = bytes[length - back]!
    if (!isContinuation(byte)) return sequenceLength(byte) > back ? length - back : length
  }
  return length
}

/** `buffer.isUtf8` reads gigabytes a second; only a chunk that fails it is walked. */
function repaired(bytes: Buffer): Buffer {
  if (isUtf8(bytes)) return bytes
  const mark = Buffer.from(BAD_BYTE)
  const parts: Buffer[] = []
  let from = 0
  let at = 0
  while (at < bytes.length) {
    const length = sequenceLength(bytes[at]!)
    if (length === 1 || (length > 1 && isUtf8(bytes.subarray(at, at + length)))) {
      at += length
    } else {
      parts.push(bytes.subarray(from, at), mark)
      at += 1
      from = at
    }
  }
  return Buffer.concat([...parts, bytes.subarray(from)])
}

const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80

/** How many bytes a character takes that begins with this one; 0 when none can. */
function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1
  if (lead < 0xc2 || lead > 0xf4) return 0
  if (lead < 0xe0) return 2
  return lead < 0xf0 ? 3 : 4
}
