import { sql } from 'kysely'
import { wholeNumber } from '../../params.ts'
import { column } from '../../report.ts'

/**
 * The measures of every yearly report, over films as `f`. Unknown is never 0: sums are over known values and null when there
 * are none, and `*_known` says how many there are. All arithmetic is PostgreSQL's exact `numeric`.
 */
export const measureColumns = {
  releases: column.count('Distinct films'),
  budget: column.money('Sum of the known budgets; null when none is known'),
  budget_known: column.count('Films whose budget is known'),
  revenue: column.money('Sum of the known revenues; null when none is known'),
  revenue_known: column.count('Films whose revenue is known'),
  profit: column.money('`revenue - budget`, an unknown sum counted as 0; null when both are unknown'),
  matched_releases: column.count('Films whose budget and revenue are both known'),
  matched_budget: column.money('Sum of budgets over films with both known'),
  matched_revenue: column.money('Sum of revenues over films with both known'),
  matched_profit: column.money('`matched_revenue - matched_budget`'),
  roi: column.number('`matched_profit / matched_budget`, 6 decimals', 'ratio'),
  popularity: column.number('Mean of the source’s popularity at the time of the load, 10 decimals', 'score'),
  popularity_known: column.count('Films whose popularity is known'),
  vote_average: column.number('Mean of the films’ vote averages, weighted by their votes, 6 decimals', 'points of 10'),
  vote_count: column.optionalCount('Sum of the known votes', 'votes'),
}

const bothKnown = sql`f.budget is not null and f.revenue is not null`
const matchedProfit = sql`(sum(f.revenue) filter (where ${bothKnown}) - sum(f.budget) filter (where ${bothKnown}))`

/**
 * A quotient, rounded half up. PostgreSQL divides to about 16 digits, or to as many decimals as the dividend has: too few behind
 * the point of a large quotient, and a value near a half would be rounded twice. With 40 decimals it is exact.
 */
const quotient = (over: ReturnType<typeof sql>, under: ReturnType<typeof sql>, decimals: number) =>
  sql<number | null>`trim_scale(round(round(${over}, 40) / ${under}, ${sql.lit(decimals)}))`

export const measures = () =>
  [
    sql<number>`count(*)`.as('releases'),
    sql<number | null>`sum(f.budget)`.as('budget'),
    sql<number>`count(f.budget)`.as('budget_known'),
    sql<number | null>`sum(f.revenue)`.as('revenue'),
    sql<number>`count(f.revenue)`.as('revenue_known'),
    sql<number | null>`
    case when count(f.revenue) + count(f.budget) > 0
         then coalesce(sum(f.revenue), 0) - coalesce(sum(f.budget), 0) end`.as('profit'),
    sql<number>`count(*) filter (where ${bothKnown})`.as('matched_releases'),
    sql<number | null>`sum(f.budget) filter (where ${bothKnown})`.as('matched_budget'),
    sql<number | null>`sum(f.revenue) filter (where ${bothKnown})`.as('matched_revenue'),
    sql<number | null>`${matchedProfit}`.as('matched_profit'),
    quotient(matchedProfit, sql`sum(f.budget) filter (where ${bothKnown})`, 6).as('roi'),
    quotient(sql`sum(f.popularity)`, sql`nullif(count(f.popularity), 0)`, 10).as('popularity'),
    sql<number>`count(f.popularity)`.as('popularity_known'),
    quotient(
      sql`sum(f.vote_average * f.vote_count)`,
      sql`nullif(sum(f.vote_count) filter (where f.vote_average is not null), 0)`,
      6,
    ).as('vote_average'),
    sql<number | null>`sum(f.vote_count)`.as('vote_count'),
  ] as const

/** The period of a row of yearly grain. */
export const yearColumns = {
  period: column.text('The release year as text: `1995`'),
  year: column.year('The calendar year of the release date'),
}

export const yearPeriod = () =>
  [sql<string>`lpad(f.release_year::text, 4, '0')`.as('period'), sql<number | null>`f.release_year`.as('year')] as const

/** Which cells show. */
export const cellParams = { min_releases: wholeNumber(1, 1_000_000, 'Only rows of at least so many films') }

export const enoughReleases = (least: number) => sql<boolean>`count(*) >= ${least}`

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
