import { sql } from 'kysely'
import type { Compared, Scope } from '../../report.ts'
import { type Cells, filmsInCells, isSplit } from './cells.ts'
import { dimensionNamed } from './dimensions.ts'
import type { CellParams } from './film-params.ts'
import { cast, crew, links } from './links.ts'
import { quotient } from './measures.ts'
import { periodOf } from './periods.ts'
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
    parts: {
      of: 'film',
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
      amounts: ['popularity'],
      restsOn: RESTS_ON,
      facts: filmsTold,
      told: TOLD,
    },
  }
}

const COUNTS = ['releases', 'budget_known', 'revenue_known', 'matched_releases', 'popularity_known']
const SUMS = ['matched_budget', 'matched_revenue', 'matched_profit', 'vote_count', 'rating_count']

/** Means and medians are no sums, and shares are rounded once they are added up. */
const additive = (params: CellParams) => [
  ...(isSplit(params) ? [] : COUNTS),
  ...(params.aggregate ? [] : ['budget', 'revenue', 'profit']),
  ...SUMS,
]

const MONEY = ['budget', 'revenue']
const RESTS_ON = {
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
const given = (params: CellParams) => [
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

/** All that is known of a film but prose, on which no figure rests, and the line that it was read from, which is no change. */
const TOLD = [
  'title',
  'original_title',
  'imdb_id',
  'release_date',
  'release_precision',
  'status',
  'original_language',
  'content_rating',
  'runtime',
  'budget',
  'revenue',
  'popularity',
  'vote_average',
  'vote_count',
  'rating_average',
  'rating_count',
  'suspect',
  'collection',
  'companies',
  'genres',
  'countries',
  'languages',
  'crew',
  'cast',
  'keywords',
]

const filmsTold = (db: MoviesDb, scope: Scope) =>
  db
    .selectFrom('movies.film as f')
    .leftJoin('movies.collection as within', (join) =>
      join.on('within.load_id', '=', scope.loadId).onRef('within.collection_id', '=', 'f.collection_id'),
    )
    .leftJoin('movies.film_rating as rated', (join) =>
      join.on('rated.load_id', '=', scope.loadId).onRef('rated.film_id', '=', 'f.film_id'),
    )
    .where('f.load_id', '=', scope.loadId)
    .select([
      'f.film_id',
      'f.title',
      'f.original_title',
      'f.imdb_id',
      'f.release_date',
      'f.release_precision',
      'f.status',
      'f.original_language',
      'f.content_rating',
      sql<number | null>`trim_scale(f.runtime)`.as('runtime'),
      'f.budget',
      'f.revenue',
      sql<number | null>`trim_scale(f.popularity)`.as('popularity'),
      sql<number | null>`trim_scale(f.vote_average)`.as('vote_average'),
      'f.vote_count',
      quotient(sql`rated.rating_sum`, sql`rated.rating_count`, 6).as('rating_average'),
      'rated.rating_count',
      'f.suspect',
      sql<{ collection_id: number; name: string } | null>`
        (select row_to_json(one) from (select within.collection_id, within.name
                                       where within.collection_id is not null) as one)`.as('collection'),
      links(scope, 'company', 'company_id').as('companies'),
      links(scope, 'genre', 'genre_id').as('genres'),
      links(scope, 'country', 'country_code').as('countries'),
      links(scope, 'language', 'language_code').as('languages'),
      crew(scope).as('crew'),
      cast(scope).as('cast'),
      links(scope, 'keyword', 'keyword_id').as('keywords'),
    ])
