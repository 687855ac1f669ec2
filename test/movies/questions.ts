import fc from 'fast-check'
import type { PageSize } from './asking.ts'
import { LARGEST_ID, piece } from './film-arbitraries.ts'
import { type Params, REPORTS, type ReportName } from './oracle.ts'
import { countsPeople, type Kind, type ParamName, RANKED } from './oracle-reports.ts'

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
const hardlyEver = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value })
const often = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value })
const some = <T>(values: T[]) =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3, comparator: (a, b) => same(a, b) })
const same = (a: unknown, b: unknown) => String(a).toLowerCase() === String(b).toLowerCase()

const ids = some([1, 2, 3, 4, 5, 99, LARGEST_ID])
const year = fc.constantFrom(987, 1874, 1990, 1995, 1996, 1997, 1999, 2017, 2020)

/** Part of a name, in any case. */
const part = fc.oneof(piece, fc.constantFrom('otter', 'OTTER', 'É', 'é', "mOM's", 'o', ' o', "'", '\\', '%'))

/** What each parameter may say, where a report takes it. */
const VALUES: { [Name in ParamName]-?: fc.Arbitrary<Params[Name]> } = {
  company_id: rarely(ids),
  genre_id: rarely(ids),
  collection_id: hardlyEver(ids),
  person_id: hardlyEver(ids),
  keyword_id: hardlyEver(ids),
  country: hardlyEver(some(['US', 'us', 'fr', 'GB', 'Xc', 'ZZ'])),
  language: hardlyEver(some(['en', 'EN', 'fr', 'xx', 'zz'])),
  status: hardlyEver(some(['Released', 'Rumored', 'Post Production', 'released'])),
  content_rating: hardlyEver(some(['R', 'PG-13', 'Not Rated'])),
  min_votes: hardlyEver(fc.constantFrom(0, 1, 100, 5415, 5416)),
  exclude_suspect: rarely(fc.boolean()),
  from: rarely(year),
  to: rarely(year),
  year: rarely(year),
  q: fc.option(part, { nil: undefined, freq: 2 }),
  min_releases: rarely(fc.integer({ min: 1, max: 4 })),
  job: often(some(['Director', 'Producer', 'Writer', 'cast', 'director'])),
  grain: often(fc.constantFrom('year', 'quarter', 'month', 'decade', 'all')),
  aggregate: rarely(fc.constantFrom('sum', 'mean', 'median')),
  attribution: rarely(fc.constantFrom('full', 'split')),
  prices: rarely(fc.constantFrom('nominal', 'real')),
  base_year: rarely(fc.constant(1996)),
  price_index: rarely(fc.constantFrom('CPIAUCSL', 'CUSR0000SS62031')),
  dimension: often(
    fc.constantFrom('company', 'genre', 'country', 'language', 'collection', 'person', 'content_rating', 'keyword'),
  ),
  measure: often(fc.constantFrom(...RANKED)),
  by: often(fc.constant('all')),
  n: rarely(fc.integer({ min: 1, max: 4 })),
}

/** What some reports say otherwise. */
const OTHERWISE: Partial<Record<Kind, Partial<typeof VALUES>>> = {
  'top-films': {
    by: often(fc.constantFrom('year', 'genre', 'company', 'decade', 'all')),
    measure: often(
      fc.constantFrom('revenue', 'profit', 'roi', 'popularity', 'vote_count', 'vote_average', 'rating_average'),
    ),
  },
  roi: { by: often(fc.constantFrom('genre', 'company', 'budget_band', 'all')) },
  ratings: { by: often(fc.constantFrom('film', 'genre', 'year')) },
}

/** Parameters of a report, among those that are named or all that it takes. */
export const params = (
  report: ReportName,
  names: ParamName[] = Object.keys(VALUES) as ParamName[],
): fc.Arbitrary<Params> => {
  const { kind, takes } = REPORTS[report]
  const values = { ...VALUES, ...OTHERWISE[kind] }
  const taken = names.filter((name) => takes.includes(name)).map((name) => [name, values[name]])
  const all = fc.record(Object.fromEntries(taken), { noNullPrototype: true }) as fc.Arbitrary<Params>
  // What is absent only clutters the report of a failure.
  return all.map((drawn) =>
    Object.fromEntries(Object.entries(allowed(report, drawn)).filter(([, value]) => value !== undefined)),
  )
}

/** Turns what is refused, and asked for elsewhere, into what is not. */
export function allowed(report: ReportName, drawn: Params): Params {
  const { from, to, attribution, job } = drawn
  const isReversed = from !== undefined && to !== undefined && from > to
  const people = countsPeople(report, drawn)
  return {
    ...drawn,
    ...(isReversed ? { from: to, to: from } : {}),
    ...(drawn.prices === 'real' ? {} : { base_year: undefined, price_index: undefined }),
    // A mean has no parts.
    ...(attribution === undefined ? {} : { aggregate: undefined }),
    // A film is no group.
    ...(report === 'ratings' && (drawn.by ?? 'film') === 'film' ? { min_releases: undefined } : {}),
    // A job is one of people, who are ranked by one.
    ...(people || drawn.person_id ? {} : { job: undefined }),
    ...(people && report === 'rankings' && job ? { job: job.slice(0, 1) } : {}),
  }
}

/** What cannot be sorted by. */
const UNSORTED = ['suspect']

const sort = (report: ReportName) =>
  fc
    .array(
      fc.tuple(
        fc.constantFrom('', '-'),
        fc.constantFrom(...REPORTS[report].columns.filter((column) => !UNSORTED.includes(column))),
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
