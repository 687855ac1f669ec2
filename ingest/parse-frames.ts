/**
 * Bytes → frames: where each CSV record starts and ends, on which line, and whether its quotes and its width are right (RFC 4180,
 * with LF or CRLF).
 * It holds the bytes of one batch and of one record in progress, however long the file or the record.
 */
import {
  type Fault,
  isFullBatch,
  MAX_RECORD_BYTES,
  type ParseOptions,
  sizeFault,
  UnreadableFileError,
} from './parse.ts'
import { utf8Chunks } from './utf8.ts'

/** A record as it lies in the file: its bytes with their line end, or the first of them when it is too large to keep. */
export interface Frame {
  line: number
  bytes: Buffer
  fault: Fault | undefined
}

/** A longer record is most probably a quote that is never closed, and nobody should wait for the end of the file to hear it. */
const GIVE_UP_BYTES = 64 * 1024 * 1024

/** What is kept of a record too large: enough for an excerpt of 10,000 characters of up to four bytes. */
const KEPT_BYTES = 40_000

const LF = 10
const CR = 13
const QUOTE = 34
const COMMA = 44

/** Where in a record the scanner is. A broken record stays broken up to the end of its line: that is what keeps the next one whole. */
const FIELD_START = 0
const BARE = 1
const QUOTED = 2
/** Behind a quote in a quoted cell: the cell has ended, or this is the first quote of `""`. */
const CLOSED = 3
const CLOSED_CR = 4
const STRAY_QUOTE = 5
const TEXT_AFTER_QUOTE = 6

/** Batches of frames, none of them empty, blank lines left out. The first comes as soon as it has a frame: that is the header. */
export async function* readFrames(bytes: AsyncIterable<Buffer>, options: ParseOptions): AsyncGenerator<Frame[]> {
  const scanner = new Scanner(options.file)
  let begun = false
  for await (const chunk of utf8Chunks(bytes, options)) {
    scanner.scan(chunk)
    if (scanner.isEmpty || (begun && !scanner.isFull)) continue
    begun = true
    yield scanner.take()
  }
  scanner.end()
  if (!scanner.isEmpty) yield scanner.take()
}

class Scanner {
  readonly #file: string
  #frames: Frame[] = []
  #framedBytes = 0
  /** The line of the byte to come, and the line where the record in progress starts. */
  #line = 1
  #startLine = 1
  #state = FIELD_START
  #fields = 1
  /** How many fields the first record, the header, has. */
  #width: number | undefined
  /** The record in progress: its size, and its bytes as far as they are kept. */
  #size = 0
  #parts: Buffer[] = []

  constructor(file: string) {
    this.#file = file
  }

  get isFull(): boolean {
    return isFullBatch(this.#frames.length, this.#framedBytes)
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0
  }

  take(): Frame[] {
    const frames = this.#frames
    this.#frames = []
    this.#framedBytes = 0
    return frames
  }

  scan(chunk: Buffer): void {
    let start = 0
    let state = this.#state
    let fields = this.#fields
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (byte !== LF) {
        state = next(state, byte)
        if (state === FIELD_START) fields++
        continue
      }
      if (state !== QUOTED) {
        this.#keep(chunk.subarray(start, at + 1))
        this.#endRecord(state, fields)
        start = at + 1
        state = FIELD_START
        fields = 1
      }
      this.#line++
    }
    this.#state = state
    this.#fields = fields
    if (start < chunk.length) this.#keep(chunk.subarray(start))
  }

  /** The last record may lack its line end. */
  end(): void {
    if (this.#size === 0) return
    if (this.#state === QUOTED) {
      const sentence = `${this.#file} has a quote that is never closed, in the record that starts at line ${this.#startLine}`
      throw new UnreadableFileError(sentence, this.#file, this.#startLine)
    }
    this.scan(Buffer.of(LF))
  }

  #keep(part: Buffer): void {
    const fitted = this.#size <= MAX_RECORD_BYTES
    this.#size += part.length
    if (this.#size > GIVE_UP_BYTES) this.#giveUp()
    if (this.#size <= MAX_RECORD_BYTES) this.#parts.push(part)
    // A copy, so that the rest of the record is not held in memory by a view of it.
    else if (fitted) this.#parts = [Buffer.from(Buffer.concat([...this.#parts, part]).subarray(0, KEPT_BYTES))]
  }

  #giveUp(): never {
    const line = this.#startLine
    const guess =
      this.#state === QUOTED ? 'probably a quote that is never closed' : 'probably not a CSV file with line ends'
    const sentence = `${this.#file}: the record that starts at line ${line} is larger than 64 MiB: ${guess}`
    throw new UnreadableFileError(sentence, this.#file, line)
  }

  #endRecord(state: number, fields: number): void {
    const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts)
    if (!isBlankLine(bytes)) {
      this.#width ??= fields
      const fault = quoteFault(state, this.#line) ?? sizeFault(this.#size) ?? widthFault(fields, this.#width)
      this.#frames.push({ line: this.#startLine, bytes, fault })
      this.#framedBytes += bytes.length
    }
    this.#parts = []
    this.#size = 0
    this.#startLine = this.#line + 1
  }
}

/** The state after a byte that is not LF. Called for each byte: it stays small enough for V8 to inline. */
function next(state: number, byte: number): number {
  switch (state) {
    case FIELD_START:
      return byte === QUOTE ? QUOTED : byte === COMMA ? FIELD_START : BARE
    case BARE:
      return byte === COMMA ? FIELD_START : byte === QUOTE ? STRAY_QUOTE : BARE
    case QUOTED:
      return byte === QUOTE ? CLOSED : QUOTED
    case CLOSED:
      if (byte === QUOTE) return QUOTED
      return byte === COMMA ? FIELD_START : byte === CR ? CLOSED_CR : TEXT_AFTER_QUOTE
    case CLOSED_CR:
      return TEXT_AFTER_QUOTE
    default:
      return state
  }
}

const isBlankLine = (bytes: Buffer): boolean => bytes.length === 1 || (bytes.length === 2 && bytes[0] === CR)

function quoteFault(state: number, line: number): Fault | undefined {
  if (state === STRAY_QUOTE) {
    return { code: 'stray_quote', reason: `has a quote inside a cell that does not begin with one, on line ${line}` }
  }
  if (state === TEXT_AFTER_QUOTE) {
    return { code: 'text_after_quote', reason: `has text behind the closing quote of a cell, on line ${line}` }
  }
  return undefined
}

function widthFault(fields: number, width: number): Fault | undefined {
  if (fields === width) return undefined
  return { code: 'wrong_field_count', reason: `has ${fields} fields where the header has ${width}` }
}
