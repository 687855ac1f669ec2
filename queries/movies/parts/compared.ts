import { sql } from 'kysely'
import type { Compared, Scope } from '../../report.ts'
import { type Cells, filmsInCells, isSplit } from './cells.ts'
import { dimensionNamed } from './dimensions.ts'
import type { CellParams } from './film-params.ts'
import { filmParts } from './film-parts.ts'
import { FILM_COUNTS } from './measures.ts'
import { periodOf } from './periods.ts'
import { priceMeta } from './prices.ts'
import { sharedNamesOf } from './shared-names.ts'
import type { MoviesDb } from './tables.ts'

/**
 * How reports that add up films are compared between two loads, and which films explain a change: the films in the report's own
 * cells, with what each gives to its measures.
 */
export function comparedByFilms(report: {
  cells: Cells
  names: string[]
  aliases?: string[]
  lifetime?: boolean
}): Compared {
  const { cells, names, aliases = [], lifetime = false } = report
  return {
    names,
    aliases,
    additive: (params) => [...additive(params as CellParams), ...(lifetime ? ['undated'] : [])],
    choosesRows: ['min_releases', 'q'],
    meta: priceMeta,
    ...(cells.by[0] === 'company' && {
      metaOfRows: (db: MoviesDb, scope: Scope, _: CellParams, keys: string[][]) =>
        sharedNamesOf(
          db,
          scope,
          keys.map(([id]) => id as string),
        ),
    }),
    parts: filmParts({
      query: (db: MoviesDb, scope, params: CellParams) => {
        const key = [
          ...cells.by.flatMap((name) => dimensionNamed(name).ids.map((id) => sql.ref(`f.${id}`))),
          ...(cells.periods ? periodOf(scope, params, sql.ref('f.bucket')).slice(0, 1) : []),
        ]
        const measures = [...given(params), ...(lifetime ? givenToLifetime() : [])]
        const films = sql<Record<string, unknown>>`(
          select ${sql.join([...key, sql`f.film_id`, ...measures])}
          from (${filmsInCells(scope, params, cells)}) as f)`
        return db.selectFrom(films.as('part')).selectAll()
      },
      amounts: () => ['popularity'],
      restsOn: () => RESTS_ON,
    }),
  }
}

const SUMS = ['matched_budget', 'matched_revenue', 'matched_profit', 'vote_count', 'rating_count']

/** Means and medians are no sums, and shares are rounded once they are added up. */
const additive = (params: CellParams) => [
  ...(isSplit(params) ? [] : FILM_COUNTS),
  ...(params.aggregate ? [] : ['budget', 'revenue', 'profit']),
  ...SUMS,
]

export const MONEY = ['budget', 'revenue']

/** Facts of a film that each measure of measures.ts rests on. */
export const RESTS_ON: Record<string, string[]> = {
  budget: ['budget'],
  budget_known: ['budget'],
  revenue: ['revenue'],
  revenue_known: ['revenue'],
  profit: MONEY,
  matched_releases: MONEY,
  matched_budget: MONEY,
  matched_revenue: MONEY,
  matched_profit: MONEY,
  roi: MONEY,
  popularity: ['popularity'],
  popularity_known: ['popularity'],
  vote_average: ['vote_average', 'vote_count'],
  vote_count: ['vote_count'],
  rating_average: ['rating_average', 'rating_count'],
  rating_count: ['rating_count'],
}

const bothKnown = sql`f.budget is not null and f.revenue is not null`
const oneIf = (condition: ReturnType<typeof sql>) => sql<number | null>`case when ${condition} then 1 end`
const ifMatched = (amount: ReturnType<typeof sql>) => sql<number | null>`case when ${bothKnown} then ${amount} end`

/** What one film gives to each measure of measures.ts. In `numeric`: the difference of two amounts may not fit a bigint. */
export const given = (params: CellParams) => [
  (isSplit(params) ? sql<number>`f.share` : sql<number>`1`).as('releases'),
  sql<number | null>`f.budget::numeric`.as('budget'),
  oneIf(sql`f.budget is not null`).as('budget_known'),
  sql<number | null>`f.revenue::numeric`.as('revenue'),
  oneIf(sql`f.revenue is not null`).as('revenue_known'),
  sql<number | null>`
    case when f.revenue is not null or f.budget is not null
         then coalesce(f.revenue, 0)::numeric - coalesce(f.budget, 0) end`.as('profit'),
  oneIf(bothKnown).as('matched_releases'),
  ifMatched(sql`f.budget::numeric`).as('matched_budget'),
  ifMatched(sql`f.revenue::numeric`).as('matched_revenue'),
  ifMatched(sql`f.revenue::numeric - f.budget`).as('matched_profit'),
  ifMatched(sql`array[f.budget, f.revenue]`).as('roi'),
  sql<number | null>`f.popularity`.as('popularity'),
  oneIf(sql`f.popularity is not null`).as('popularity_known'),
  sql<number[] | null>`case when f.vote_average is not null and f.vote_count > 0
                            then array[f.vote_average, f.vote_count] end`.as('vote_average'),
  sql<number | null>`f.vote_count::numeric`.as('vote_count'),
  sql<number[] | null>`case when f.rating_count > 0 then array[f.rating_sum, f.rating_count] end`.as('rating_average'),
  sql<number | null>`nullif(f.rating_count, 0)::numeric`.as('rating_count'),
]

const givenToLifetime = () => [
  sql<number | null>`f.release_year`.as('first_year'),
  sql<number | null>`f.release_year`.as('last_year'),
  oneIf(sql`f.release_year is null`).as('undated'),
]
