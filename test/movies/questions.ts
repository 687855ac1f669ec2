import fc from 'fast-check'
import type { PageSize } from './asking.ts'
import { LARGEST_ID, piece } from './film-arbitraries.ts'
import { type Params, REPORTS, type ReportName } from './oracle.ts'

/** A request for a report: what is asked, in which order, and which columns show. */
export interface Question {
  report: ReportName
  params: Params
  sort?: string | undefined
  fields?: string[] | undefined
  limit: number
}

/** Mostly absent: with every filter set at once nothing would be left to compare. */
const rarely = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value })

const ids = fc.uniqueArray(fc.constantFrom(1, 2, 3, 4, 5, 99, LARGEST_ID), { minLength: 1, maxLength: 3 })
const year = fc.constantFrom(987, 1874, 1995, 1996, 1997, 2017, 2020)

/** Part of a name, in any case. */
const part = fc.oneof(piece, fc.constantFrom('otter', 'OTTER', 'É', 'é', "mOM's", 'o', ' ', "'", '\\', '%'))

/** Parameters of a report. */
export const params = (report: ReportName): fc.Arbitrary<Params> => {
  const { grain } = REPORTS[report]
  const only = <T>(holds: boolean, value: fc.Arbitrary<T>) => (holds ? rarely(value) : fc.constant(undefined))
  const all = fc.record({
    company_id: rarely(ids),
    genre_id: rarely(ids),
    collection_id: rarely(ids),
    person_id: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, ids),
    from: rarely(year),
    to: rarely(year),
    exclude_suspect: rarely(fc.boolean()),
    year: only(grain === 'film', year),
    q: grain === 'year' ? fc.constant(undefined) : fc.option(part, { nil: undefined, freq: 2 }),
    min_releases: only(grain !== 'film', fc.integer({ min: 1, max: 4 })),
  })
  // What is absent only clutters the report of a failure.
  return all.map((some) => Object.fromEntries(Object.entries(inOrder(some)).filter(([, value]) => value !== undefined)))
}

/** An interval that ends before it begins is refused, and asked for elsewhere. */
function inOrder<T extends { from: number | undefined; to: number | undefined }>(years: T): T {
  const { from, to } = years
  return from !== undefined && to !== undefined && from > to ? { ...years, from: to, to: from } : years
}

/** What cannot be sorted by. */
const LISTS = ['suspect']

const sort = (report: ReportName) =>
  fc
    .array(
      fc.tuple(
        fc.constantFrom('', '-'),
        fc.constantFrom(...REPORTS[report].columns.filter((column) => !LISTS.includes(column))),
      ),
      { minLength: 1, maxLength: 3 },
    )
    .map((keys) => keys.map((key) => key.join('')).join(','))

export const question = (...reports: ReportName[]): fc.Arbitrary<Question> =>
  fc.constantFrom(...reports).chain((report) =>
    fc.record(
      {
        report: fc.constant(report),
        params: params(report),
        sort: fc.option(sort(report), { nil: undefined }),
        fields: rarely(fc.subarray(REPORTS[report].columns, { minLength: 1 })),
        limit: fc.integer({ min: 1, max: 12 }),
      },
      { noNullPrototype: true },
    ),
  )

export const pageSize: fc.Arbitrary<PageSize> = fc.record({
  limit: fc.integer({ min: 1, max: 7 }),
  format: fc.constantFrom('json', 'csv', 'ndjson'),
})

/** A question as the query of a URL. */
export function queryOf({ params, sort, fields }: Partial<Question>): Record<string, string> {
  const all = { ...params, sort, fields }
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  )
}
