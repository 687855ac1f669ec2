/**
 * Reads a Python literal, the form in which The Movies Dataset keeps its lists, without ever running code. It is a
 * scanner made by hand, one pass over the characters, because a load reads five such cells of each of millions of films.
 *
 * It reads what `ast.literal_eval` reads, except what no film file holds: bytes, complex numbers, `...`, `\N{…}` escapes,
 * dictionary keys that are not strings, a sign before a parenthesis, and numbers longer than 4,300 characters are
 * refused, each with a sentence. It is laxer in two places: lines around the value may be blank or indented, and a tuple
 * in a set may hold what cannot be hashed.
 */

/** Lists and tuples are arrays; integers past 2^53 are bigints, all other numbers are numbers. */
export type PythonValue = null | boolean | number | bigint | string | PythonValue[] | Set<PythonValue> | PythonDict

/** A dictionary: an object that inherits nothing, so that `__proto__` and `constructor` are keys like any other. */
export interface PythonDict {
  [key: string]: PythonValue
}

/** The text is not a literal; `position` is the character, the first being 1, where that became clear. */
export class PythonLiteralError extends Error {
  override readonly name = 'PythonLiteralError'
  readonly position: number

  constructor(problem: string, position: number, detail = '') {
    super(`${problem} at character ${position}${detail}`)
    this.position = position
  }
}

/** Reads one literal that fills the whole text, or throws PythonLiteralError. Long strings may share the text's memory. */
export function readPythonLiteral(text: string): PythonValue {
  return new Scanner(text).document()
}

const DEEPEST = 64
const LONGEST_NUMBER = 4300

const TAB = 9
const NEWLINE = 10
const FORM_FEED = 12
const SPACE = 32
const DOUBLE_QUOTE = 34
const HASH = 35
const SINGLE_QUOTE = 39
const OPEN_PAREN = 40
const CLOSE_PAREN = 41
const PLUS = 43
const COMMA = 44
const MINUS = 45
const POINT = 46
const ZERO = 48
const COLON = 58
const OPEN_BRACKET = 91
const BACKSLASH = 92
const CLOSE_BRACKET = 93
const OPEN_BRACE = 123
const CLOSE_BRACE = 125

const SIMPLE_ESCAPES = new Map(
  Object.entries({
    '\n': '',
    '\\': '\\',
    "'": "'",
    '"': '"',
    a: '\x07',
    b: '\b',
    f: '\f',
    n: '\n',
    r: '\r',
    t: '\t',
    v: '\v',
  }),
)
const HEX_ESCAPES = new Map(Object.entries({ x: 2, u: 4, U: 8 }))

const DIGITS = String.raw`\d(?:_?\d)*`
const NUMBER = new RegExp(
  String.raw`^(?:0[xX](?:_?[\da-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:${DIGITS}(?:\.(?:${DIGITS})?)?|\.${DIGITS})(?:[eE][+-]?${DIGITS})?)`,
)

// An object made by a constructor keeps V8's fast layout; one made by Object.create(null) is a slow hash table.
const Dict = function Dict() {} as unknown as new () => PythonDict
Dict.prototype = Object.create(null)

const isDigit = (code: number) => code >= ZERO && code <= 57
const isWord = (code: number) =>
  isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95

class Scanner {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    // Python reads every line ending as \n before it looks at anything else.
    this.#text = text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text
    const nul = text.indexOf('\0')
    if (nul >= 0) throw new PythonLiteralError('a NUL is not allowed', nul + 1)
  }

  document(): PythonValue {
    this.#skip(true)
    if (this.#at >= this.#text.length) throw new PythonLiteralError('the text is empty', 1)
    const first = this.#value()
    this.#skip()
    const value = this.#code() === COMMA ? this.#bareTuple(first) : first
    this.#skip(true)
    if (this.#at < this.#text.length) this.#expected('the end of the text')
    return value
  }

  #value(): PythonValue {
    const code = this.#code()
    if (code === SINGLE_QUOTE || code === DOUBLE_QUOTE) return this.#strings()
    if (isDigit(code) || code === POINT) return this.#number(1)
    if (code === OPEN_BRACE) return this.#nested(() => this.#braces())
    if (code === OPEN_BRACKET) return this.#nested(() => this.#items([], CLOSE_BRACKET, "',' or ']'"))
    if (code === OPEN_PAREN) return this.#nested(() => this.#parens())
    if (code === MINUS || code === PLUS) return this.#signed(code)
    if (isWord(code)) return this.#quoteAhead() >= 0 ? this.#strings() : this.#word()
    return this.#expected('a value')
  }

  #nested(read: () => PythonValue): PythonValue {
    if (++this.#depth > DEEPEST) this.#fail(`brackets nest deeper than ${DEEPEST}`)
    this.#at++
    const value = read()
    this.#depth--
    return value
  }

  /** What is left up to the closing bracket, added to the items that were read before. */
  #items(items: PythonValue[], close: number, expected: string): PythonValue[] {
    for (;;) {
      this.#skip()
      if (this.#take(close)) return items
      items.push(this.#value())
      if (this.#endsAfterItem(close, expected)) return items
    }
  }

  #parens(): PythonValue {
    this.#skip()
    if (this.#take(CLOSE_PAREN)) return []
    const first = this.#value()
    if (this.#endsAfterItem(CLOSE_PAREN, "',' or ')'")) return first
    return this.#items([first], CLOSE_PAREN, "',' or ')'")
  }

  #bareTuple(first: PythonValue): PythonValue[] {
    const items = [first]
    while (this.#take(COMMA)) {
      this.#skip()
      const code = this.#code()
      if (Number.isNaN(code) || code === NEWLINE) break
      items.push(this.#value())
      this.#skip()
    }
    return items
  }

  #braces(): PythonValue {
    this.#skip()
    if (this.#take(CLOSE_BRACE)) return new Dict()
    const at = this.#at
    const first = this.#value()
    this.#skip()
    return this.#code() === COLON ? this.#dict(first, at) : this.#set(first, at)
  }

  #dict(first: PythonValue, firstAt: number): PythonDict {
    const dict = new Dict()
    let key = first
    let keyAt = firstAt
    for (;;) {
      if (typeof key !== 'string') return this.#fail('a dictionary key is not a string', keyAt)
      if (!this.#take(COLON)) this.#expected("':'")
      this.#skip()
      dict[key] = this.#value()
      if (this.#endsAfterItem(CLOSE_BRACE, "',' or '}'")) return dict
      this.#skip()
      if (this.#take(CLOSE_BRACE)) return dict
      keyAt = this.#at
      key = this.#value()
      this.#skip()
    }
  }

  #set(first: PythonValue, firstAt: number): Set<PythonValue> {
    const set = new Set<PythonValue>()
    let item = first
    let itemAt = firstAt
    for (;;) {
      const tuple = Array.isArray(item) && this.#text.charCodeAt(itemAt) === OPEN_PAREN
      if (item !== null && typeof item === 'object' && !tuple) {
        this.#fail('a set cannot hold a list, a dictionary or a set', itemAt)
      }
      set.add(item)
      if (this.#endsAfterItem(CLOSE_BRACE, "',' or '}'")) return set
      this.#skip()
      if (this.#take(CLOSE_BRACE)) return set
      itemAt = this.#at
      item = this.#value()
    }
  }

  /** Strings that stand side by side are one string. */
  #strings(): string {
    let joined = this.#string()
    for (;;) {
      this.#skip()
      if (this.#quoteAhead() < 0) return joined
      joined += this.#string()
    }
  }

  #string(): string {
    const text = this.#text
    const open = this.#quoteAhead()
    const raw = open > this.#at && this.#isRaw(text.slice(this.#at, open))
    const quote = text.charCodeAt(open)
    const triple = text.charCodeAt(open + 1) === quote && text.charCodeAt(open + 2) === quote
    if (!triple && !raw) {
      for (let at = open + 1; ; at++) {
        const code = text.charCodeAt(at)
        if (code === quote) {
          this.#at = at + 1
          return text.slice(open + 1, at)
        }
        if (code === BACKSLASH || code === NEWLINE || Number.isNaN(code)) break
      }
    }
    return this.#longString(open, quote, triple, raw)
  }

  #longString(open: number, quote: number, triple: boolean, raw: boolean): string {
    const text = this.#text
    const start = this.#at
    let read = ''
    let at = open + (triple ? 3 : 1)
    let from = at
    for (;;) {
      const code = text.charCodeAt(at)
      if (code === quote && (!triple || (text.charCodeAt(at + 1) === quote && text.charCodeAt(at + 2) === quote))) {
        this.#at = at + (triple ? 3 : 1)
        return read + text.slice(from, at)
      }
      if (Number.isNaN(code) || (code === NEWLINE && !triple)) this.#fail('a string that is never closed begins', start)
      if (code !== BACKSLASH) at++
      else if (raw) at += 2
      else {
        read += text.slice(from, at)
        this.#at = at + 1
        read += this.#escape()
        at = from = this.#at
      }
    }
  }

  /** Reads what follows a backslash. As in Python, an escape that means nothing keeps its backslash. */
  #escape(): string {
    const letter = this.#text.charAt(this.#at)
    const simple = SIMPLE_ESCAPES.get(letter)
    if (simple !== undefined) {
      this.#at++
      return simple
    }
    const digits = HEX_ESCAPES.get(letter)
    if (digits !== undefined) return this.#hexEscape(digits)
    if (letter === 'N') this.#fail('a character given by its name (\\N) is not supported', this.#at - 1)
    const octal = /^[0-7]{1,3}/.exec(this.#text.slice(this.#at, this.#at + 3))?.[0]
    if (octal === undefined) return '\\'
    this.#at += octal.length
    return String.fromCharCode(Number.parseInt(octal, 8))
  }

  #hexEscape(digits: number): string {
    const hex = this.#text.slice(this.#at + 1, this.#at + 1 + digits)
    if (hex.length < digits || /[^\da-f]/i.test(hex))
      this.#fail(`an escape without its ${digits} hexadecimal digits`, this.#at - 1)
    const point = Number.parseInt(hex, 16)
    if (point > 0x10ffff) this.#fail('an escape past the last Unicode character', this.#at - 1)
    this.#at += 1 + digits
    return String.fromCodePoint(point)
  }

  #signed(sign: number): number | bigint {
    this.#at++
    this.#skip()
    const code = this.#code()
    if (!isDigit(code) && code !== POINT) this.#expected('a number after the sign')
    return this.#number(sign === MINUS ? -1 : 1)
  }

  #number(sign: 1 | -1): number | bigint {
    const text = this.#text
    let at = this.#at
    let value = 0
    for (let code = text.charCodeAt(at); isDigit(code); code = text.charCodeAt(++at)) value = value * 10 + code - ZERO
    const length = at - this.#at
    const next = text.charCodeAt(at)
    const leadingZero = length > 1 && text.charCodeAt(this.#at) === ZERO
    if (length > 15 || leadingZero || next === POINT || isWord(next)) return this.#longNumber(sign)
    this.#at = at
    return value === 0 ? 0 : sign * value
  }

  #longNumber(sign: 1 | -1): number | bigint {
    const start = this.#at
    // A window, because a regular expression would run out of stack on a number of ten megabytes.
    const found = NUMBER.exec(this.#text.slice(start, start + LONGEST_NUMBER + 1))?.[0]
    if (found === undefined) return this.#expected('a value')
    if (found.length > LONGEST_NUMBER) this.#fail(`a number longer than ${LONGEST_NUMBER} characters`)
    this.#at += found.length
    const after = this.#code()
    if (after === 74 || after === 106) this.#fail('a complex number is not supported', start)
    if (isWord(after) || after === POINT) this.#expected('the end of the number')
    const digits = found.replaceAll('_', '')
    if (/^0\d*[1-9]\d*$/.test(digits)) this.#fail('a whole number begins with a zero', start)
    if (!/^0[xob]|^\d+$/i.test(digits)) return sign * Number(digits)
    const whole = BigInt(digits) * BigInt(sign)
    const number = Number(whole)
    return Number.isSafeInteger(number) ? number : whole
  }

  #word(): null | boolean | Set<PythonValue> {
    const start = this.#at
    let end = start
    while (isWord(this.#text.charCodeAt(end))) end++
    const word = this.#text.slice(start, end)
    this.#at = end
    if (word === 'None') return null
    if (word === 'True') return true
    if (word === 'False') return false
    if (word !== 'set') this.#fail(`the name ${word.slice(0, 20)} is not a value`, start)
    return this.#emptySet()
  }

  /** `set()` is how Python writes the set that `{}` cannot stand for; it is the one call that literal_eval reads. */
  #emptySet(): Set<PythonValue> {
    this.#skip()
    if (!this.#take(OPEN_PAREN)) this.#expected("'(' of set()")
    this.#skip(true)
    if (!this.#take(CLOSE_PAREN)) this.#expected("')' of set()")
    return new Set()
  }

  /** Where the opening quote stands, if a string begins here, prefix included; else -1. */
  #quoteAhead(): number {
    for (let at = this.#at; at < this.#at + 3; at++) {
      const code = this.#text.charCodeAt(at)
      if (code === SINGLE_QUOTE || code === DOUBLE_QUOTE) return at
      if (!isWord(code)) return -1
    }
    return -1
  }

  #isRaw(prefix: string): boolean {
    const lower = prefix.toLowerCase()
    if (lower === 'r' || lower === 'u') return lower === 'r'
    if (/^(b|br|rb)$/.test(lower)) this.#fail('bytes are not supported')
    if (/^(f|fr|rf)$/.test(lower)) this.#fail('an f-string is code, not a value')
    return this.#fail(`the string prefix ${prefix} does not exist`)
  }

  /** Passes blanks and comments; line ends only inside brackets, or where asked. */
  #skip(acrossLines = this.#depth > 0): void {
    const text = this.#text
    for (;;) {
      const code = text.charCodeAt(this.#at)
      if (code === SPACE || code === TAB || code === FORM_FEED || (code === NEWLINE && acrossLines)) this.#at++
      else if (code === BACKSLASH && text.charCodeAt(this.#at + 1) === NEWLINE) this.#at += 2
      else if (code === HASH) {
        const end = text.indexOf('\n', this.#at)
        this.#at = end < 0 ? text.length : end
      } else return
    }
  }

  /** Takes what must follow an item: true at the closing bracket, false at a comma. */
  #endsAfterItem(close: number, expected: string): boolean {
    this.#skip()
    if (this.#take(COMMA)) return false
    return this.#take(close) || this.#expected(expected)
  }

  #code(): number {
    return this.#text.charCodeAt(this.#at)
  }

  #take(code: number): boolean {
    if (this.#code() !== code) return false
    this.#at++
    return true
  }

  #expected(what: string): never {
    const point = this.#text.codePointAt(this.#at)
    const shown =
      point !== undefined && (point < SPACE || point === 127)
        ? `U+${point.toString(16).padStart(4, '0')}`
        : `'${String.fromCodePoint(point ?? 0)}'`
    const found = point === undefined ? 'the end of the text' : shown
    throw new PythonLiteralError(`expected ${what}`, this.#at + 1, `, found ${found}`)
  }

  #fail(problem: string, at = this.#at): never {
    throw new PythonLiteralError(problem, at + 1)
  }
}
