/**
 * What parsing hands on: every record of a file in file order, sound or rejected, each with the line where it starts.
 * A file that cannot be read as a whole is an error with a sentence in it; a record that cannot be read is a reject, and reading goes on.
 */

/** A sound record. CSV cells are an array in the order of the header, the same length as it; JSON cells are the object itself. */
export interface SoundRecord<Cells> {
  readonly ok: true
  /** The physical line where the record starts (a line ends with LF; the header of CSV is line 1); in a JSON array its place, from 1. */
  readonly line: number
  readonly cells: Cells
  /** The record as text, without its line end; for an element of a JSON array, `JSON.stringify` of it. Decoded at each access: the speed of a clean load. */
  readonly raw: string
}

/** Why a record is none. */
export interface Fault {
  readonly code: RejectCode
  /** The rest of a sentence that begins with "the record". */
  readonly reason: string
}

/** A record that is left out, with what the reject ledger needs. */
export interface RejectedRecord extends Fault {
  readonly ok: false
  readonly line: number
  /** Already an `excerpt`. */
  readonly raw: string
}

export type RawRecord<Cells> = SoundRecord<Cells> | RejectedRecord

export type RejectCode =
  | 'wrong_field_count'
  | 'stray_quote'
  | 'text_after_quote'
  | 'record_too_large'
  | 'bad_json'
  | 'not_an_object'
  | 'nested_too_deeply'
  | 'not_one_record'

export interface ParseOptions {
  /** The name that sentences give the file, for example `archive.zip!movies.csv`. */
  file: string
  signal?: AbortSignal | undefined
}

/** The whole file is unusable: its message is a sentence for the person who supplied it. */
export class UnreadableFileError extends Error {
  override readonly name = 'UnreadableFileError'
  readonly file: string
  readonly line: number | undefined

  constructor(message: string, file: string, line?: number, cause?: unknown) {
    super(message, { cause })
    this.file = file
    this.line = line
  }
}

/** Records are handed on once there are this many, or this many bytes of them: awaiting each one costs more than parsing it, while a
 * quarter MiB keeps the event loop, which also serves analysts, from being blocked for more than about 6 ms. */
const BATCH_RECORDS = 1000
const BATCH_BYTES = 256 * 1024

export const isFullBatch = (records: number, bytes: number): boolean => records >= BATCH_RECORDS || bytes >= BATCH_BYTES

/** A larger record is a reject: the longest film record known is under 10 KB, but one bad row must not fail a load. */
export const MAX_RECORD_BYTES = 1024 * 1024

export function sizeFault(bytes: number): Fault | undefined {
  if (bytes <= MAX_RECORD_BYTES) return undefined
  return { code: 'record_too_large', reason: `is larger than 1 MiB: ${bytes.toLocaleString('en')} bytes` }
}

const MAX_EXCERPT = 10_000
const CUT = '… [cut]'

/**
 * A record's text as the ledger keeps it: at most 10,000 characters, marked where it was cut, and storable. PostgreSQL refuses NUL and
 * lone surrogates, and U+FDD0 (see utf8.ts) stays inside this process, so they are shown as `␀` and U+FFFD.
 */
export function excerpt(raw: string): string {
  return storable(raw.length <= MAX_EXCERPT ? raw : raw.slice(0, MAX_EXCERPT - CUT.length) + CUT)
}

/** Whether PostgreSQL takes a text as it is. Each is searched for by itself: one expression for all takes four times as long. */
export const isStorable = (text: string): boolean =>
  text.isWellFormed() && !text.includes('\0') && !text.includes('\uFDD0')

const storable = (text: string) =>
  isStorable(text) ? text : text.replaceAll('\0', '␀').replace(/[\uFDD0\p{Surrogate}]/gu, '\uFFFD')

const MAX_WHOLE = 100_000

/** The text of a record, or its excerpt, if that is the whole of it, as it stood in the file, and not too long to keep; else null. */
export function wholeText(raw: string): string | null {
  const changed = !isStorable(raw) || raw.includes('\uFFFD') || raw.includes('␀') || raw.endsWith(CUT)
  return changed || raw.length > MAX_WHOLE ? null : raw
}
