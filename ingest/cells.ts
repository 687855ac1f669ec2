import { z } from 'zod'

/**
 * Cells of source files: text in, a value that PostgreSQL can take out. Blank is unknown and never an issue; what cannot be
 * read is an issue whose `params.code` says of which kind, so that the ledger can count by it.
 */

type Context = z.core.$RefinementCtx

/** Adds an issue with a ledger code, and stands for the value that there is not. */
export function bad(context: Context, code: string, message: string): never {
  context.addIssue({ code: 'custom', message, params: { code } })
  return z.NEVER
}

/** How much of a bad cell a message shows. */
const SHOWN = 60
export const shown = (text: string) => JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text)

const blank = (cell: unknown): cell is null | undefined | '' => cell === null || cell === undefined || cell === ''
const trimmed = (cell: unknown) =>
  typeof cell === 'string' ? cell.trim() : typeof cell === 'number' ? String(cell) : cell

/** What a cell is read as, from its text. Every schema that it is piped through would cost as much again: a load reads a million cells. */
const cell = <T>(read: (value: string | null, context: Context) => T) =>
  z
    .unknown()
    .optional()
    .transform((value, context): T => {
      const text = textOf(value, context)
      return context.issues.length > 0 ? z.NEVER : read(text, context)
    })

/** Text, kept as it is but for blanks around it. A JSON object may leave the key out: that is blank too. */
export const text = z.unknown().optional().transform(textOf)

function textOf(cell: unknown, context: Context): string | null {
  const value = trimmed(cell)
  if (blank(value)) return null
  return typeof value === 'string'
    ? value
    : bad(context, 'not_text', `expected text, found ${shown(JSON.stringify(cell))}`)
}

/** Text that a record cannot do without. */
export const requiredText = required((value) => value)

/** A cell that must not be blank. */
function required<T>(read: (value: string, context: Context) => T) {
  return cell((value, context): T => (value === null ? bad(context, 'missing', 'is missing') : read(value, context)))
}

/** PostgreSQL refuses an index entry of more than 2,704 bytes; one of these characters can take six once it is normalized. */
export const LONGEST_KEY = 400

const short = <T extends string | null>(value: T, context: Context): T =>
  value === null || value.length <= LONGEST_KEY
    ? value
    : bad(context, 'too_long', `${shown(value)} is longer than ${LONGEST_KEY} characters`)

/** Text that identifies something in the warehouse: stored in an index, where a single long one would fail the whole load. */
export const key = cell(short<string | null>)
export const requiredKey = required(short<string>)

/** An id: a positive integer that JSON clients can hold exactly. */
export const requiredId = required(idOf)
export const id = cell((value, context): number | null => (value === null ? null : idOf(value, context)))

const INT4_MAX = 2 ** 31 - 1

/** The same in four bytes: of things that tens of millions of rows refer to. */
export const requiredInt4Id = requiredId.transform((value, context): number =>
  value <= INT4_MAX ? value : bad(context, 'id_out_of_range', `${value} is larger than 2^31 - 1`),
)

function idOf(value: string, context: Context): number {
  // A program that knew the column as numbers with blanks among them wrote 862 as 862.0; a whole number it is all the same.
  const [, digits] = /^\+?(\d+)(?:\.0*)?$/.exec(value) ?? []
  if (digits === undefined) return bad(context, 'bad_id', `${shown(value)} is not an integer`)
  const id = Number(digits)
  if (!Number.isSafeInteger(id)) return bad(context, 'id_out_of_range', `${shown(value)} is larger than 2^53 - 1`)
  return id > 0 ? id : bad(context, 'bad_id', `${shown(value)} is not a positive integer`)
}

const INT8_MAX = 2n ** 63n - 1n

/** Whole US dollars as digits; 0 and blank are unknown. */
export const money = cell((value, context): string | null => {
  if (value === null || value === '0') return null
  const match = /^([+-]?)0*(\d+)(?:\.0*)?$/.exec(value)
  if (!match) {
    const amount = /^[+-]?\d+\.\d+$/.test(value)
      ? 'has cents; whole dollars are expected'
      : 'is not an amount in dollars'
    return bad(context, 'bad_money', `${shown(value)} ${amount}`)
  }
  const [, sign, digits] = match as unknown as [string, string, string]
  if (digits === '0') return null
  if (sign === '-') return bad(context, 'negative_money', `${shown(value)} is negative`)
  if (digits.length > 18 && BigInt(digits) > INT8_MAX)
    return bad(context, 'money_out_of_range', `${shown(value)} is past 2^63 - 1`)
  return digits
})

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?$/

/** A decimal number as text, so that no digit is lost on the way; scientific notation is read. */
export const decimal = (limits: { min: number; max: number }) =>
  cell((value, context): string | null => {
    if (value === null) return null
    const match = DECIMAL.exec(value)
    if (!match) return bad(context, 'bad_number', `${shown(value)} is not a number`)
    const number = Number(value)
    // A tiny exponent passes as 0 here, and would cost PostgreSQL thousands of digits there.
    const digits = value.length <= 40 && Math.abs(Number(match[1] ?? 0)) <= 40
    if (number < limits.min || number > limits.max || !digits)
      return bad(context, 'number_out_of_range', `${shown(value)} is not between ${limits.min} and ${limits.max}`)
    return value
  })

/** A count: 0 or more, no fraction. */
export const count = cell((value, context): string | null => {
  if (value === null) return null
  const match = /^\+?(\d{1,15})(?:\.0*)?$/.exec(value)
  return match ? (match[1] as string) : bad(context, 'bad_count', `${shown(value)} is not a count`)
})

/** `True`, `False` and their like. */
export const flag = cell((value, context): boolean | null => {
  if (value === null) return null
  if (/^(true|false)$/i.test(value)) return value.toLowerCase() === 'true'
  return bad(context, 'bad_flag', `${shown(value)} is neither True nor False`)
})

/** A date that the calendar has, `YYYY-MM-DD`. */
export const isoDate = cell((value, context): string | null => {
  if (value === null) return null
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value))
    return bad(context, 'bad_date', `${shown(value)} is not a date of the form YYYY-MM-DD`)
  const known = inCalendar(Number(value.slice(0, 4)), Number(value.slice(5, 7)), Number(value.slice(8)))
  return known ? value : bad(context, 'bad_date', `${value} is not in the calendar`)
})

/** `YYYY-MM-DD`, or null when the calendar has no such day. */
export function calendarDate(year: number, month: number, day: number): string | null {
  const digits = (value: number, length: number) => String(value).padStart(length, '0')
  return inCalendar(year, month, day) ? `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}` : null
}

/** By arithmetic: a `Date` for each would take longer than all else that is done with a date. */
function inCalendar(year: number, month: number, day: number): boolean {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31
  return year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= days
}

/** A year alone, as four digits. */
export const year = cell((value, context): string | null => {
  if (value === null) return null
  // A program that once read the column as numbers wrote 2009 as 2009.0.
  const match = /^(\d{4})(?:\.0*)?$/.exec(value)
  return match && match[1] !== '0000'
    ? (match[1] as string)
    : bad(context, 'bad_year', `${shown(value)} is not a year of four digits`)
})

/** What is left of a list without the members that cannot be read; it takes the place of the cell when its record is read again. */
class Rest<T> {
  readonly members: T[]

  constructor(members: T[]) {
    this.members = members
  }
}

/** A cell of several members, of which bad ones cost only themselves. */
const members = <T>(read: (value: string | null, context: Context) => T[]) =>
  z
    .unknown()
    .optional()
    .transform((cell, context): T[] => {
      if (cell instanceof Rest) return cell.members
      const value = textOf(cell, context)
      return context.issues.length > 0 ? z.NEVER : read(value, context)
    })

/** Bad members of a cell that are told one by one; a list that is bad throughout would fill the ledger. */
const TOLD = 20

/** Adds an issue for each member that is lost, whose `params.rest` is what the others come to. */
function lose<T>(context: Context, code: string, lost: { at: number; message: string }[], sound: T[]): never {
  const rest = new Rest(sound)
  for (const { message } of lost.slice(0, TOLD)) context.addIssue({ code: 'custom', message, params: { code, rest } })
  const more = lost.slice(TOLD)
  if (more.length > 0)
    context.addIssue({
      code: 'custom',
      message: `${more.length} more members are no better: ${more.map(({ at }) => at).join(', ')}`,
      params: { code, rest, times: more.length },
    })
  return z.NEVER
}

/** Names in one cell, as `split` finds them: blanks and commas around them are cut, and what is nothing else is none. */
export const names = (split: (text: string) => string[]) =>
  members((value, context): string[] => {
    if (value === null) return []
    // Split by commas, a list of another format would give names that look like names to nobody but a database.
    if (/^\[\s*[\]{]/.test(value))
      return bad(context, 'bad_names', `${shown(value)} is a list in another notation; names are expected`)
    const found = split(value)
      // Of `A,, B` and of `, ,` commas are left over.
      .map((name) => name.replace(/^[\s,]+|[\s,]+$/g, ''))
      .filter((name) => name !== '')
    const long = found.flatMap((name, at) =>
      name.length > LONGEST_KEY ? [{ at, message: `${shown(name)} is longer than ${LONGEST_KEY} characters` }] : [],
    )
    if (long.length === 0) return found
    const short = found.filter((name) => name.length <= LONGEST_KEY)
    return lose(context, 'too_long', long, short)
  })

/** A list in whatever notation `read` understands, each item of the given shape. */
export const list = <T>(read: (text: string) => unknown, item: z.ZodType<T>) => {
  const items = z.array(item)
  return members((value, context): T[] => {
    if (value === null || value === '[]') return []
    const literal = literalOf(read, value, context)
    if (context.issues.length > 0) return z.NEVER
    // Nearly always all of it is sound.
    const whole = items.safeParse(literal)
    if (whole.success) return whole.data
    if (!Array.isArray(literal)) return bad(context, 'bad_literal', `${complaintOf(whole.error)} in ${shown(value)}`)
    const sound: T[] = []
    const lost: { at: number; message: string }[] = []
    for (const [at, member] of literal.entries()) {
      const one = item.safeParse(member)
      if (one.success) sound.push(one.data)
      else lost.push({ at, message: `${complaintOf(one.error, at)} in ${shownValue(member)}` })
    }
    return lose(context, 'bad_member', lost, sound)
  })
}

/** One thing in whatever notation `read` understands. */
export const single = <T>(read: (text: string) => unknown, item: z.ZodType<T>) =>
  cell((value, context): T | null => {
    if (value === null) return null
    const literal = literalOf(read, value, context)
    if (context.issues.length > 0) return z.NEVER
    const result = item.safeParse(literal)
    if (result.success) return result.data
    return bad(context, 'bad_literal', `${complaintOf(result.error)} in ${shown(value)}`)
  })

function literalOf(read: (text: string) => unknown, value: string, context: Context): unknown {
  try {
    return read(value)
  } catch (error) {
    return bad(context, 'bad_literal', `${(error as Error).message} in ${shown(value)}`)
  }
}

/** Where in a value something is wrong first, and what. */
function complaintOf({ issues }: z.ZodError, ...within: number[]): string {
  const [issue] = issues
  const place = [...within, ...(issue?.path ?? [])].join('.')
  return `${place || 'the value'}: ${issue?.message}`
}

/** A value as JSON, which has no integers past 2^53: those are shown as text. */
function shownValue(value: unknown): string {
  const json = JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one))
  return json.length > SHOWN ? `${json.slice(0, SHOWN)}…` : json
}
