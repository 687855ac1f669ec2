import { z } from 'zod'

/** Kinds of query parameter. They arrive as text, and what they cannot be is said to whoever asked. */

const once = z.string('is given more than once; separate several values by commas')

export const idList = (what: string) =>
  once
    .regex(/^\d{1,16}(,\d{1,16}){0,999}$/, 'takes one or several ids, comma-separated (at most 1,000)')
    .transform((text) => [...new Set(text.split(',').map(Number))].sort((a, b) => a - b))
    .pipe(z.array(z.int('takes ids up to 9007199254740991')))
    .optional()
    .describe(`${what}: one id or several, comma-separated (any of them)`)

export const year = (what: string) =>
  once
    .regex(/^\d{1,4}$/, 'takes a year, such as 1995')
    .transform(Number)
    .optional()
    .describe(what)

export const wholeNumber = (min: number, max: number, what: string) =>
  once
    .regex(/^\d{1,9}$/, `takes a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.number().min(min, `takes at least ${min}`).max(max, `takes at most ${max}`))
    .optional()
    .describe(what)

export const yes = (what: string) =>
  once
    .pipe(z.enum(['true', 'false'], 'takes true or false'))
    // `false` is the same as not asking, to the query and to the cache.
    .transform((text) => (text === 'true' ? true : undefined))
    .optional()
    .describe(what)

/** Codes such as `US`, in the case that the data has. */
export const codes = (what: string, letters: 'upper' | 'lower') =>
  once
    .regex(/^[A-Za-z-]{1,20}(,[A-Za-z-]{1,20}){0,99}$/, 'takes one or several codes, comma-separated')
    .transform((text) => distinct((letters === 'upper' ? text.toUpperCase() : text.toLowerCase()).split(',')))
    .optional()
    .describe(`${what}: one code or several, comma-separated (any of them)`)

export const names = (what: string) =>
  once
    .min(1, 'takes at least one character')
    .max(2000, 'takes at most 2,000 characters')
    .refine((text) => !text.includes('\0') && text.isWellFormed(), 'holds a character that is no text')
    .transform((text) => distinct(text.split(',')))
    .optional()
    .describe(`${what}; one or several, comma-separated (any of them)`)

const distinct = (texts: string[]) => [...new Set(texts)].sort()

const NO_WORDS = 'takes at least one character that is no blank and no mere accent'

export const words = (what: string) =>
  once
    // Names are found without accents and blanks: of such a text nothing would be left, and every name would hold it.
    .refine((text) => text.normalize('NFKD').replace(/[\s\u0085]|[\u0300-\u036f]/g, '') !== '', NO_WORDS)
    .max(200, 'takes at most 200 characters')
    .refine((text) => !text.includes('\0') && text.isWellFormed(), 'holds a character that is no text')
    .optional()
    .describe(what)

/** Parameters that every list of rows takes. */
export const pageParams = z.strictObject({
  sort: once
    .regex(/^-?[a-z0-9_]+(,-?[a-z0-9_]+)*$/, 'takes columns, comma-separated, with - for descending: -revenue,year')
    .optional()
    .describe('Columns of the row, comma-separated, `-` for descending; unknown values last, ties broken by key'),
  fields: once
    .regex(/^[a-z0-9_]+(,[a-z0-9_]+)*$/, 'takes columns, comma-separated')
    .optional()
    .describe('Columns to show, comma-separated; all of them by default'),
  // A page is made in memory; what is larger is streamed, by asking without a limit.
  limit: wholeNumber(
    1,
    10_000,
    'Rows of a page: 100 by default and 1,000 at most in JSON, 10,000 in CSV and NDJSON, which stream all rows when it is absent',
  ),
  cursor: once
    .regex(/^[\w-]{1,4000}$/, 'is no cursor; take it from meta.next or the Link header')
    .optional()
    .describe('Where the page before ended (`meta.next`); it stays on the load of that page'),
  count: once
    .pipe(z.enum(['exact'], 'takes exact'))
    .optional()
    .describe('`exact` adds `meta.total`, the number of rows of all pages'),
  format: once
    .pipe(z.enum(['json', 'csv', 'ndjson'], 'takes json, csv or ndjson'))
    .optional()
    .describe('Overrides the Accept header'),
  as_of: once
    .regex(/^[\d\-:.TZ+]{1,40}$/, 'takes the number of a load, a date or an instant (RFC 3339)')
    .optional()
    .describe('The figures as readers saw them: a load’s number, an instant, or a date (its end, UTC)'),
  explain: yes(
    '`true`: instead of rows, what they mean and rest on: definitions, films counted and left out, coverage, SQL, load, checks, sources. JSON only',
  ),
})

export type PageParams = z.output<typeof pageParams>
