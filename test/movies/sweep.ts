import { type Params, REPORTS, type ReportName } from './oracle.ts'
import { type ParamName, RANKED } from './oracle-reports.ts'
import { allowed, type Question } from './questions.ts'

/**
 * A walk through what can be asked of a report: each grain, aggregate, attribution, kind of prices and filter is met together
 * with each value of every other, in as few requests as that takes. All combinations would be thousands.
 */
export function sweep(report: ReportName): Question[] {
  const factors = factorsOf(report).map((values) => values.filter((value) => isTaken(report, value)))
  const walk = pairwise(factors.filter((values) => values.length > 1)).map((parts) =>
    allowed(report, Object.assign({}, ...parts)),
  )
  const distinct = new Map(walk.map((params) => [JSON.stringify(params), params]))
  return [...distinct.values()].map((params) => ({ report, params, sort: REPORTS[report].sort, limit: 1000 }))
}

const isTaken = (report: ReportName, params: Params) =>
  Object.keys(params).every((name) => (REPORTS[report].takes as string[]).includes(name))

const each = <Name extends ParamName>(name: Name, ...values: Params[Name][]): Params[] => [
  {},
  ...values.map((value) => ({ [name]: value })),
]

/** Of an untold parameter the default holds. */
function factorsOf(report: ReportName): Params[][] {
  const { kind } = REPORTS[report]
  const measures =
    kind === 'top-films'
      ? ['profit', 'roi', 'popularity', 'vote_count', 'vote_average', 'rating_average']
      : RANKED.filter((name) => name !== 'revenue')
  const groups = {
    'top-films': ['year', 'genre', 'company', 'decade', 'all'],
    roi: ['genre', 'company', 'budget_band', 'all'],
    ratings: ['film', 'genre', 'year'],
  }
  return [
    FILTERS,
    each('grain', 'quarter', 'month', 'decade', 'all'),
    each('aggregate', 'mean', 'median'),
    each('attribution', 'full', 'split'),
    [{}, { prices: 'real' }, { prices: 'real', price_index: 'CUSR0000SS62031', base_year: 1996 }],
    each('min_releases', 2),
    each('job', ['cast'], ['Producer'], ['Producer', 'cast']),
    each('dimension', 'genre', 'country', 'language', 'collection', 'person', 'content_rating', 'keyword'),
    each('measure', ...measures),
    each('by', ...(kind in groups ? groups[kind as keyof typeof groups] : [])),
    each('n', 1),
  ]
}

/** One filter at a time, and none. */
const FILTERS: Params[] = [
  {},
  { company_id: [1, 2] },
  { genre_id: [1] },
  { collection_id: [1, 2] },
  { person_id: [1, 2] },
  { keyword_id: [1, 2] },
  { country: ['us', 'FR'] },
  { language: ['EN'] },
  { status: ['Released', 'Rumored'] },
  { content_rating: ['R'] },
  { min_votes: 100 },
  { exclude_suspect: true },
  { from: 1995 },
  { from: 1995, to: 1996 },
]

/** Rows of one value of each factor, such that any two values of two factors stand in a row together. */
export function pairwise<Value>(factors: Value[][]): Value[][] {
  const [only] = factors
  if (factors.length < 2) return (only ?? []).map((value) => [value])
  const pairs = new Set<string>()
  for (const [a, first] of factors.entries())
    for (const [b, second] of factors.entries())
      if (a < b) for (const x of first.keys()) for (const y of second.keys()) pairs.add(`${a},${x},${b},${y}`)
  const rows: Value[][] = []
  for (const [pair] of pairs.entries()) {
    if (!pairs.has(pair)) continue
    const [a, x, b, y] = pair.split(',').map(Number) as [number, number, number, number]
    const row = new Map([
      [a, x],
      [b, y],
    ])
    const met = (factor: number, value: number) =>
      [...row].filter(([other, its]) =>
        pairs.has(factor < other ? `${factor},${value},${other},${its}` : `${other},${its},${factor},${value}`),
      ).length
    for (const [factor, values] of factors.entries()) {
      if (row.has(factor)) continue
      const best = [...values.keys()].reduce(
        (most, value) => (met(factor, value) > met(factor, most) ? value : most),
        0,
      )
      row.set(factor, best)
    }
    for (const [one, its] of row)
      for (const [other, value] of row) if (one < other) pairs.delete(`${one},${its},${other},${value}`)
    rows.push(factors.map((values, factor) => values[row.get(factor) as number] as Value))
  }
  return rows
}
