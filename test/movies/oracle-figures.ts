import { dividedBy, type Fraction, fraction, numberCell, plus, times, whole, wholeCell, zero } from './exact.ts'

/** What a film is to the oracle, and what films add up to. Money is cents in bigint and all else are fractions, so nothing is lost on the way. */

/** A sound record as its file tells it: cells are text, blank where the file does not tell (or tells what cannot be read). */
export interface FilmRecord {
  id: number
  line: number
  title: string
  releaseDate: string
  /** `year`: the month and day of the release date are made up. */
  releasePrecision: 'day' | 'year'
  status: string
  originalLanguage: string
  contentRating: string
  runtime: string
  budget: string
  revenue: string
  popularity: string
  voteAverage: string
  voteCount: string
  collection: Named | null
  companies: Named[]
  genres: Named[]
  countries: Coded[]
  /** Spoken languages: they have the names of codes. */
  spoken: Coded[]
  keywords: Named[]
  cast: Named[]
  crew: (Named & { job: string })[]
}

export interface Named {
  id: number
  name: string
}

export interface Coded {
  code: string
  /** Blank where the source has a code alone. */
  name: string
}

/** What sources tell of films that have only figures, companies and genres. */
export const nothingMore: Pick<
  FilmRecord,
  'releasePrecision' | 'collection' | 'countries' | 'spoken' | 'keywords' | 'cast' | 'crew'
> = { releasePrecision: 'day', collection: null, countries: [], spoken: [], keywords: [], cast: [], crew: [] }

/** Text, null, a number cell (see exact.ts), a truth, or a list of texts. */
export type Cell = string | null | boolean | string[]
export type Row = Record<string, Cell>

/** Ratings of half a star, one star, … five stars of each film that has any; null where the load has no ratings at all. */
export type Ratings = Map<number, number[]> | null

/** A film in a cell, or its share there. */
export interface Portion {
  film: FilmRecord
  /** Cents of the budget and of the revenue that count here; null where unknown. */
  budget: bigint | null
  revenue: bigint | null
  share: Fraction
}

export type Aggregate = 'sum' | 'mean' | 'median'

/** 0 and blank are unknown. */
export const known = (money: string): bigint | null => (money === '' || Number(money) === 0 ? null : integer(money))
/** Counts and dollars may be written with a fraction of zeros: `5415.0`. */
export const integer = (text: string) => BigInt(text.split('.')[0] as string)
export const yearOf = ({ releaseDate }: FilmRecord) => Number(releaseDate.slice(0, 4))
export const dollars = (cents: bigint): string => numberCell({ over: cents, under: 100n }, 2)
export const dollarsOrNull = (cents: bigint | null) => (cents === null ? null : dollars(cents))
/** A decimal number as the source tells it. */
export const decimalOrNull = (text: string) => (text === '' ? null : numberCell(fraction(text), 60))
export const sum = (values: bigint[]) => values.reduce((total, value) => total + value, 0n)

/** A film as it counts in full, in the dollars of its source. */
export function inFull(film: FilmRecord): Portion {
  const cents = (money: string) => {
    const value = known(money)
    return value === null ? null : value * 100n
  }
  return { film, budget: cents(film.budget), revenue: cents(film.revenue), share: whole(1) }
}

export function lifetime(films: FilmRecord[]): Row {
  const years = films.filter(({ releaseDate }) => releaseDate !== '').map(yearOf)
  return {
    first_year: years.length > 0 ? wholeCell(Math.min(...years)) : null,
    last_year: years.length > 0 ? wholeCell(Math.max(...years)) : null,
    undated: wholeCell(films.length - years.length),
  }
}

/** The figures of a cell over the films in it. */
export function measures(portions: Portion[], ratings: Ratings = null, aggregate: Aggregate = 'sum'): Row {
  const withBudget = portions.filter(({ budget }) => budget !== null)
  const withRevenue = portions.filter(({ revenue }) => revenue !== null)
  const matched = withBudget.filter(({ revenue }) => revenue !== null)
  const popular = portions.filter(({ film }) => film.popularity !== '')
  const budgets = withBudget.map(({ budget }) => budget as bigint)
  const revenues = withRevenue.map(({ revenue }) => revenue as bigint)
  const cost = sum(matched.map(({ budget }) => budget as bigint))
  const income = sum(matched.map(({ revenue }) => revenue as bigint))
  const gains = matched.map(({ budget, revenue }) => (revenue as bigint) - (budget as bigint))
  const both = matched.length > 0
  const profit = budgets.length + revenues.length > 0 ? dollars(sum(revenues) - sum(budgets)) : null
  return {
    releases: shares(portions),
    budget: figure(budgets, aggregate),
    budget_known: shares(withBudget),
    revenue: figure(revenues, aggregate),
    revenue_known: shares(withRevenue),
    profit: aggregate === 'sum' ? profit : figure(gains, aggregate),
    matched_releases: shares(matched),
    matched_budget: both ? dollars(cost) : null,
    matched_revenue: both ? dollars(income) : null,
    matched_profit: both ? dollars(income - cost) : null,
    roi: both && cost > 0n ? numberCell(dividedBy(whole(income - cost), whole(cost)), 6) : null,
    popularity:
      popular.length > 0
        ? numberCell(
            dividedBy(popular.map(({ film }) => fraction(film.popularity)).reduce(plus), whole(popular.length)),
            10,
          )
        : null,
    popularity_known: shares(popular),
    ...votes(portions.map(({ film }) => film)),
    ...rated(
      portions.map(({ film }) => film),
      ratings,
    ),
  }
}

const shares = (portions: Portion[]) => numberCell(portions.map(({ share }) => share).reduce(plus, zero), 6)

/** Sum, mean or median of cents, in dollars. */
function figure(cents: bigint[], aggregate: Aggregate): Cell {
  if (cents.length === 0) return null
  if (aggregate === 'sum') return dollars(sum(cents))
  if (aggregate === 'mean') return numberCell({ over: sum(cents), under: 100n * BigInt(cents.length) }, 2)
  const sorted = cents.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const middle = [sorted[Math.floor((cents.length - 1) / 2)], sorted[Math.ceil((cents.length - 1) / 2)]] as bigint[]
  return numberCell({ over: sum(middle), under: 200n }, 2)
}

function votes(films: FilmRecord[]): Row {
  const counts = films.filter(({ voteCount }) => voteCount !== '').map(({ voteCount }) => integer(voteCount))
  let points = zero
  let weight = 0n
  for (const { voteAverage, voteCount } of films) {
    if (voteCount === '' || voteAverage === '') continue
    points = plus(points, times(fraction(voteAverage), whole(integer(voteCount))))
    weight += integer(voteCount)
  }
  return {
    vote_average: weight > 0n ? numberCell(dividedBy(points, whole(weight)), 6) : null,
    vote_count: counts.length > 0 ? wholeCell(sum(counts)) : null,
  }
}

/** How often each number of stars was given to the films: half a star first. */
export const starsOf = (films: FilmRecord[], ratings: Map<number, number[]>): number[] =>
  Array.from({ length: 10 }, (_, step) =>
    films.reduce((total, { id }) => total + ((ratings.get(id)?.[step] as number | undefined) ?? 0), 0),
  )

export function rated(films: FilmRecord[], ratings: Ratings): Row {
  if (ratings === null) return { rating_average: null, rating_count: null }
  const stars = starsOf(films, ratings)
  const count = stars.reduce((total, many) => total + many, 0)
  const halves = stars.reduce((total, many, step) => total + many * (step + 1), 0)
  return {
    rating_average: count > 0 ? numberCell({ over: BigInt(halves), under: 2n * BigInt(count) }, 6) : null,
    rating_count: wholeCell(count),
  }
}
