import { z } from 'zod'

/** Kinds of query parameter. They arrive as text, and what they cannot be is said to whoever asked. */

/** A parameter's text. */
export const once = z.string('is given more than once; separate several values by commas')

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
