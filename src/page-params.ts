import { z } from 'zod'
import { once, wholeNumber, yes } from '../queries/params.ts'
import { MOST_ROWS } from './format.ts'
import { formatNames, listed, streamed } from './formats.ts'

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
  limit: wholeNumber(
    1,
    MOST_ROWS,
    `Rows of a page: 100 by default and 1,000 at most in JSON, 10,000 in ${streamed}, which stream all rows when it is absent`,
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
    .pipe(z.enum(formatNames, `takes ${listed(formatNames, 'or')}`))
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
