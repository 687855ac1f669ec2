import { dividedBy, type Fraction, fraction, numberCell, plus, times, whole, wholeCell, zero } from './exact.ts'

/** What a film is to the oracle, and what films add up to. Money is bigint and all else are fractions, so nothing is lost on the way. */

/** A sound record as its file tells it: cells are text, blank where the file does not tell (or tells what cannot be read). */
export interface FilmRecord {
  id: number
  line: number
  title: string
  releaseDate: string
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
  crew: Named[]
}

export interface Named {
  id: number
  name: string
}

/** Text, null, a number cell (see exact.ts), or a list of texts. */
export type Cell = string | null | string[]
export type Row = Record<string, Cell>

/** 0 and blank are unknown. */
export const known = (money: string): bigint | null => (money === '' || Number(money) === 0 ? null : integer(money))
/** Counts and dollars may be written with a fraction of zeros: `5415.0`. */
export const integer = (text: string) => BigInt(text.split('.')[0] as string)
export const orNull = (value: bigint | null) => (value === null ? null : wholeCell(value))
export const yearOf = ({ releaseDate }: FilmRecord) => Number(releaseDate.slice(0, 4))
export const period = (film: FilmRecord): Row => ({
  period: film.releaseDate.slice(0, 4),
  year: wholeCell(yearOf(film)),
})

export function lifetime(films: FilmRecord[]): Row {
  const years = films.filter(({ releaseDate }) => releaseDate !== '').map(yearOf)
  return {
    first_year: years.length > 0 ? wholeCell(Math.min(...years)) : null,
    last_year: years.length > 0 ? wholeCell(Math.max(...years)) : null,
    undated: wholeCell(films.length - years.length),
  }
}

/** The figures of a cell over its films. */
export function measures(films: FilmRecord[]): Row {
  const budgets: bigint[] = []
  const revenues: bigint[] = []
  const matched: [budget: bigint, revenue: bigint][] = []
  const popularities: Fraction[] = []
  const votes: bigint[] = []
  let points = zero
  let weight = 0n
  for (const film of films) {
    const [budget, revenue] = [known(film.budget), known(film.revenue)]
    if (budget !== null) budgets.push(budget)
    if (revenue !== null) revenues.push(revenue)
    if (budget !== null && revenue !== null) matched.push([budget, revenue])
    if (film.popularity !== '') popularities.push(fraction(film.popularity))
    if (film.voteCount !== '') votes.push(integer(film.voteCount))
    if (film.voteCount === '' || film.voteAverage === '') continue
    points = plus(points, times(fraction(film.voteAverage), whole(integer(film.voteCount))))
    weight += integer(film.voteCount)
  }
  const sum = (values: bigint[]) => values.reduce((total, value) => total + value, 0n)
  const sumOrNull = (values: bigint[]) => (values.length > 0 ? wholeCell(sum(values)) : null)
  const [cost, income] = [sum(matched.map(([budget]) => budget)), sum(matched.map(([, revenue]) => revenue))]
  const both = matched.length > 0
  return {
    releases: wholeCell(films.length),
    budget: sumOrNull(budgets),
    budget_known: wholeCell(budgets.length),
    revenue: sumOrNull(revenues),
    revenue_known: wholeCell(revenues.length),
    profit: budgets.length + revenues.length > 0 ? wholeCell(sum(revenues) - sum(budgets)) : null,
    matched_releases: wholeCell(matched.length),
    matched_budget: both ? wholeCell(cost) : null,
    matched_revenue: both ? wholeCell(income) : null,
    matched_profit: both ? wholeCell(income - cost) : null,
    roi: both ? numberCell(dividedBy(whole(income - cost), whole(cost)), 6) : null,
    popularity:
      popularities.length > 0 ? numberCell(dividedBy(popularities.reduce(plus), whole(popularities.length)), 10) : null,
    popularity_known: wholeCell(popularities.length),
    vote_average: weight > 0n ? numberCell(dividedBy(points, whole(weight)), 6) : null,
    vote_count: sumOrNull(votes),
  }
}
