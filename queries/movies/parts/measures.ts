import { type AliasedRawBuilder, type RawBuilder, sql } from 'kysely'
import { quotient } from '../../quotient.ts'
import { column, factsOf, type Scope } from '../../report.ts'
import { isSplit } from './cells.ts'
import type { CellParams } from './film-params.ts'
import { isReal } from './prices.ts'

/**
 * The measures of every report on films, over films `f` in their cells. Unknown is never 0: sums are over known values and null when
 * there are none, and `*_known` says how many there are. All arithmetic is PostgreSQL's exact `numeric`.
 */
export const measureColumns = {
  releases: column.share('Distinct films; with `attribution=split` the sum of their shares'),
  budget: column.money('Sum (or mean, or median) of the known budgets; null when none is known'),
  budget_known: column.share('Films whose budget is known'),
  revenue: column.money('Sum (or mean, or median) of the known revenues; null when none is known'),
  revenue_known: column.share('Films whose revenue is known'),
  profit: column.money(
    '`revenue - budget`, an unknown sum counted as 0; null when both are unknown. As mean or median: of films with both known',
  ),
  matched_releases: column.share('Films whose budget and revenue are both known'),
  matched_budget: column.money('Sum of budgets over films with both known'),
  matched_revenue: column.money('Sum of revenues over films with both known'),
  matched_profit: column.money('`matched_revenue - matched_budget`'),
  roi: column.number('`matched_profit / matched_budget`, 6 decimals', 'ratio'),
  popularity: column.number('Mean of the source’s popularity at the time of the load, 10 decimals', 'score'),
  popularity_known: column.share('Films whose popularity is known'),
  vote_average: column.number('Mean of the films’ vote averages, weighted by their votes, 6 decimals', 'points of 10'),
  vote_count: column.optionalCount('Sum of the known votes', 'votes'),
  rating_average: column.number('Mean of the MovieLens ratings of the films, 6 decimals', 'stars of 5'),
  rating_count: column.optionalCount(
    'MovieLens ratings of the films; null when the load has no ratings at all',
    'ratings',
  ),
}

/** Measures that count films, which become shares where films are shared out. */
export const FILM_COUNTS = ['releases', 'budget_known', 'revenue_known', 'matched_releases', 'popularity_known']

/** How many decimals the measures have: money is whole dollars and counts are whole, unless something divides them. */
export const measureDecimals = (params: CellParams): Record<string, number | undefined> => {
  const cents = params.aggregate !== undefined || isSplit(params) || isReal(params)
  const most = (decimals: number) => (decimals === 2 ? (cents ? 2 : 0) : isSplit(params) ? decimals : 0)
  return Object.fromEntries(
    Object.entries(measureColumns).map(([name, type]) => {
      const { decimals, sql: kind } = factsOf(type)
      return [name, kind === 'bigint' ? 0 : decimals && most(decimals)]
    }),
  )
}

/** Whether the load has ratings, so that a film without any has none and not an unknown number. */
export const hasRatings = (scope: Scope) => sql<boolean>`
  (select exists (select from reelhouse.load_family where load_id = ${scope.load} and family = 'ratings'))`

const bothKnown = sql`f.budget is not null and f.revenue is not null`
const known = (name: string) => sql`${sql.ref(`f.${name}`)} is not null`
const profit = sql`(f.revenue - f.budget)`

/**
 * The two middle values added up; they are one where there is an odd number of them. They are picked from the cell's values, and not by
 * an aggregate of its own, which would prepare to sort in each of the many cells that have none.
 */
const middle = (values: RawBuilder<unknown>) => sql`
  case when ${values} is not null then (
    select percentile_disc(0.5) within group (order by value::numeric) + percentile_disc(0.5) within group (order by value::numeric desc)
    from unnest(${values}) as value) end`

/**
 * What is added up of the films `f` of a cell. The measures are made of it a level above, where PostgreSQL computes them for the
 * rows of a page alone: exact quotients take longer than sums. Shares are rounded there, too, so that sums can be added up further.
 */
export function sums(params: CellParams): AliasedRawBuilder<unknown, string>[] {
  const counted = (which?: RawBuilder<unknown>) => {
    const filter = which ? sql`filter (where ${which})` : sql``
    return isSplit(params) ? sql`coalesce(sum(f.share) ${filter}, 0)` : sql`count(*) ${filter}`
  }
  const told = (name: string) => (isSplit(params) ? counted(known(name)) : sql`count(${sql.ref(`f.${name}`)})`)
  const matched = (value: RawBuilder<unknown>) => sql`sum(${value}) filter (where ${bothKnown})`
  const all = (value: RawBuilder<unknown>, which: RawBuilder<unknown>) =>
    sql`array_agg(${value}) filter (where ${which})`
  const values =
    params.aggregate === 'median'
      ? [
          all(sql`f.budget`, known('budget')).as('budget_values'),
          all(sql`f.revenue`, known('revenue')).as('revenue_values'),
          all(profit, bothKnown).as('profit_values'),
        ]
      : []
  return [
    counted().as('releases'),
    sql`sum(f.budget)`.as('budget'),
    told('budget').as('budget_known'),
    sql`sum(f.revenue)`.as('revenue'),
    told('revenue').as('revenue_known'),
    counted(bothKnown).as('matched_releases'),
    matched(sql`f.budget`).as('matched_budget'),
    matched(sql`f.revenue`).as('matched_revenue'),
    sql`sum(f.popularity)`.as('popularity_sum'),
    sql`count(f.popularity)`.as('popularities'),
    told('popularity').as('popularity_known'),
    sql`sum(f.vote_average * f.vote_count)`.as('weighted_votes'),
    sql`sum(f.vote_count) filter (where f.vote_average is not null)`.as('averaged_votes'),
    sql`sum(f.vote_count)`.as('vote_count'),
    sql`sum(f.rating_sum)`.as('rating_sum'),
    sql`sum(f.rating_count)`.as('rating_count'),
    ...values,
  ]
}

/** All measures by name, of the sums of `cell`. */
export function measures(scope: Scope, params: CellParams): AliasedRawBuilder<unknown, string>[] {
  const of = (name: string) => sql.ref(`cell.${name}`)
  const plain = (value: RawBuilder<unknown>) => sql`trim_scale((${value})::numeric)`
  const films = (name: string) => plain(isSplit(params) ? sql`round(${of(name)}, 6)` : of(name))
  const amount = (name: string, sum: RawBuilder<unknown>, counted: RawBuilder<unknown>, asSum: RawBuilder<unknown>) => {
    if (params.aggregate === 'median') return quotient(middle(of(`${name}_values`)), sql`2`, 2)
    // Indexes of the rollup of companies hold this expression to the letter.
    if (params.aggregate === 'mean') return quotient(sum, sql`nullif(${counted}, 0)`, 2)
    return plain(asSum)
  }
  const matchedProfit = sql`${of('matched_revenue')} - ${of('matched_budget')}`
  const difference = sql`
    case when coalesce(${of('budget')}, ${of('revenue')}) is not null
         then coalesce(${of('revenue')}, 0) - coalesce(${of('budget')}, 0) end`
  return [
    films('releases').as('releases'),
    amount('budget', of('budget'), of('budget_known'), of('budget')).as('budget'),
    films('budget_known').as('budget_known'),
    amount('revenue', of('revenue'), of('revenue_known'), of('revenue')).as('revenue'),
    films('revenue_known').as('revenue_known'),
    amount('profit', sql`(${matchedProfit})`, of('matched_releases'), difference).as('profit'),
    films('matched_releases').as('matched_releases'),
    plain(of('matched_budget')).as('matched_budget'),
    plain(of('matched_revenue')).as('matched_revenue'),
    plain(matchedProfit).as('matched_profit'),
    quotient(sql`(${matchedProfit})`, sql`nullif(${of('matched_budget')}, 0)`, 6).as('roi'),
    quotient(of('popularity_sum'), sql`nullif(${of('popularities')}, 0)`, 10).as('popularity'),
    films('popularity_known').as('popularity_known'),
    quotient(of('weighted_votes'), sql`nullif(${of('averaged_votes')}, 0)`, 6).as('vote_average'),
    of('vote_count').as('vote_count'),
    quotient(of('rating_sum'), sql`nullif(${of('rating_count')}, 0)`, 6).as('rating_average'),
    sql`case when ${hasRatings(scope)} then ${of('rating_count')} end`.as('rating_count'),
  ]
}

/** Which rows show: those of enough films, as `releases` tells it. @param releases films of the cell, or the sum of their shares */
export const enoughReleases = (
  params: CellParams,
  releases = isSplit(params) ? sql<number>`sum(f.share)` : sql<number>`count(*)`,
) => sql<boolean>`${isSplit(params) ? sql`round(${releases}, 6)` : releases} >= ${params.min_releases}`

/** What a lifetime tells beside its measures. */
export const lifetimeColumns = {
  first_year: column.year('The earliest release year; null when no film is dated'),
  last_year: column.year('The latest release year; null when no film is dated'),
  undated: column.count('Films among the releases that have no release date, and so are in no yearly row'),
}

export const lifetimes = () =>
  [
    sql<number | null>`min(f.release_year)`.as('first_year'),
    sql<number | null>`max(f.release_year)`.as('last_year'),
    sql<number>`count(*) - count(f.release_year)`.as('undated'),
  ] as const
