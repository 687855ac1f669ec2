/**
 * Bytes → the objects of one JSON array, each with its place in it from 1. Only the element in progress is in memory, so an array
 * of a gigabyte costs no more than its largest element.
 */
import { Tokenizer, TokenParser, TokenType } from '@streamparser/json'
import {
  excerpt,
  isFullBatch,
  type ParseOptions,
  type RawRecord,
  type SoundRecord,
  sizeFault,
  UnreadableFileError,
} from './parse.ts'
import { utf8Chunks } from './utf8.ts'

export type JsonCells = Record<string, unknown>

/** Of one element. As objects it takes up to twenty times as much: 16 MiB of `[],` take this process to 364 MB, 4 MiB to 160 MB. */
const GIVE_UP_BYTES = 4 * 1024 * 1024

/** Film records nest three levels deep. `JSON.stringify`, and any walk over an element, recurse; thousands of levels crash them. */
export const MAX_DEPTH = 64

/**
 * Batches of about 1,000 records. A whole number beyond 2^53, or a number beyond a double, arrives as its text (`"9007199254740993"`),
 * never rounded; one with a fraction or an exponent has a double's 15 to 17 digits. Of a key repeated in one object the last counts, as
 * in `JSON.parse`.
 * @throws UnreadableFileError when the file is not one array, or its syntax is broken: records before that may have been handed out.
 * The source's own errors, and an abort, pass through.
 */
export async function* parseJsonArray(
  bytes: AsyncIterable<Buffer>,
  options: ParseOptions,
): AsyncGenerator<RawRecord<JsonCells>[]> {
  const reader = new ArrayReader(options.file)
  for await (const chunk of utf8Chunks(bytes, options)) {
    reader.write(chunk)
    if (reader.isFull) yield reader.take()
  }
  reader.end()
  if (!reader.isEmpty) yield reader.take()
}

class ExactTokenizer extends Tokenizer {
  protected override parseNumber(text: string): number {
    const value = Number(text)
    if (Number.isSafeInteger(value) || (Number.isFinite(value) && /[.eE]/.test(text))) return value
    // The library passes on whatever this returns; only its type says number.
    return text as unknown as number
  }
}

class ArrayReader {
  readonly #file: string
  readonly #tokenizer = new ExactTokenizer()
  readonly #tokens = new TokenParser({ paths: ['$.*'], keepStack: false })
  #records: RawRecord<JsonCells>[] = []
  #count = 0
  /** Bytes written, and how many of them had been at the last `take`. Offsets count from behind a byte order mark. */
  #written = 0
  #taken = 0
  #offset = 0
  #elementOffset = 0
  #depth = 0
  #deepest = 0

  constructor(file: string) {
    this.#file = file
    this.#tokenizer.onToken = (token) => {
      this.#watch(token.token, token.offset)
      this.#tokens.write(token)
    }
    this.#tokens.onValue = ({ value }) => this.#add(value)
    // The tokenizer then refuses anything behind the array but white space.
    this.#tokens.onEnd = () => this.#tokenizer.end()
  }

  get isFull(): boolean {
    return !this.isEmpty && isFullBatch(this.#records.length, this.#written - this.#taken)
  }

  get isEmpty(): boolean {
    return this.#records.length === 0
  }

  take(): RawRecord<JsonCells>[] {
    const records = this.#records
    this.#records = []
    this.#taken = this.#written
    return records
  }

  write(chunk: Buffer): void {
    this.#written += chunk.length
    this.#tokenize(() => this.#tokenizer.write(chunk))
    if (!this.#tokens.isEnded && this.#written - this.#elementOffset > GIVE_UP_BYTES) {
      throw this.#unreadable(`holds an element larger than 4 MiB: record ${this.#count + 1}`)
    }
  }

  end(): void {
    if (this.#tokens.isEnded) return
    if (this.#depth === 0) {
      // A number that stands alone is known to be whole only now.
      this.#tokenize(() => this.#tokenizer.end())
      throw this.#unreadable('is empty')
    }
    throw this.#unreadable(`ends inside its JSON array, after record ${this.#count}: it is cut short`)
  }

  #tokenize(step: () => void): void {
    try {
      step()
    } catch (error) {
      if (error instanceof UnreadableFileError) throw error
      throw this.#unreadable(`is not valid JSON after record ${this.#count}, near byte ${this.#offset}`, error)
    }
  }

  #watch(token: TokenType, offset: number): void {
    this.#offset = offset
    if (this.#depth === 0 && token !== TokenType.LEFT_BRACKET) {
      const found = token === TokenType.LEFT_BRACE ? 'an object' : 'a single value'
      throw this.#unreadable(`is not a JSON array of objects: it begins with ${found}`)
    }
    if (this.#depth <= 1) {
      this.#elementOffset = offset
      this.#deepest = 0
    }
    if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) this.#depth++
    else if (token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET) this.#depth--
    this.#deepest = Math.max(this.#deepest, this.#depth)
  }

  #add(value: unknown): void {
    this.#count++
    this.#records.push(toRecord(value, this.#count, this.#offset - this.#elementOffset, this.#deepest - 1))
  }

  #unreadable(predicate: string, cause?: unknown): UnreadableFileError {
    return new UnreadableFileError(`${this.#file} ${predicate}`, this.#file, undefined, cause)
  }
}

class JsonRecord implements SoundRecord<JsonCells> {
  readonly ok = true
  readonly line: number
  readonly cells: JsonCells

  constructor(line: number, cells: JsonCells) {
    this.line = line
    this.cells = cells
  }

  get raw(): string {
    return JSON.stringify(this.cells)
  }
}

function toRecord(value: unknown, line: number, bytes: number, depth: number): RawRecord<JsonCells> {
  if (depth > MAX_DEPTH) {
    const reason = `is nested deeper than ${MAX_DEPTH} levels`
    return { ok: false, line, code: 'nested_too_deeply', reason, raw: excerpt(outline(value)) }
  }
  if (!isObject(value)) {
    const kind = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`
    const reason = `is ${kind}, not an object`
    return { ok: false, line, code: 'not_an_object', reason, raw: excerpt(JSON.stringify(value)) }
  }
  const tooLarge = sizeFault(bytes)
  if (tooLarge) return { ok: false, line, ...tooLarge, raw: excerpt(JSON.stringify(value)) }
  return new JsonRecord(line, value)
}

const isObject = (value: unknown): value is JsonCells =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The element with `…` for what is nested in it. */
export function outline(element: unknown): string {
  return JSON.stringify(element, (_key, inner) =>
    inner === element || typeof inner !== 'object' || inner === null ? inner : '…',
  )
}
