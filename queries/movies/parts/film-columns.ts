import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import { quotient } from '../../quotient.ts'
import { column, type Scope } from '../../report.ts'
import type { PriceParams } from './film-params.ts'
import { hasRatings } from './measures.ts'
import { amountOf, indexByMonth, isReal, releaseMonth } from './prices.ts'
import { fact, type MoviesTables } from './tables.ts'

/** A film as it stands in the snapshot, and where it was read. */
export const filmColumns = {
  film_id: column.id('The film’s id in its source, or a registered one where the source has none'),
  title: column.text('Title'),
  release_date: column.date('Release date; 1 January where the source tells the year alone'),
  release_precision: column.text('How much of the release date the source tells: `day`, or `year` alone'),
  year: column.year('The calendar year of the release date'),
  status: column.optionalText('Released, Rumored, Post Production …'),
  original_language: column.optionalText('ISO 639-1 code'),
  content_rating: column.optionalText('Content rating, as the source has it'),
  collection_id: column.optionalId('Id of its collection (franchise)'),
  runtime: column.number('Running time', 'minutes'),
  budget: column.money('Budget; null is unknown'),
  revenue: column.money('Revenue; null is unknown'),
  profit: column.money('`revenue - budget`, an unknown one counted as 0; null when both are unknown'),
  popularity: column.number('The source’s popularity at the time of the load', 'score'),
  vote_average: column.number('The source’s vote average', 'points of 10'),
  vote_count: column.optionalCount('The source’s number of votes', 'votes'),
  rating_average: column.number('Mean of its MovieLens ratings, 6 decimals', 'stars of 5'),
  rating_count: column.optionalCount('Its MovieLens ratings; null when the load has no ratings at all', 'ratings'),
  suspect: column.texts('Why its figures are probably wrong; empty when nothing speaks against them'),
  source_file: column.text('File that the film was read from'),
  source_line: column.count(
    'Physical line where its record starts (header = 1; in a JSON array, the record’s place)',
    'line',
  ),
  load_id: column.id('The load whose snapshot this is'),
  source_load_id: column.id('The load that read the line'),
}

type Films = SelectQueryBuilder<MoviesTables & { f: MoviesTables['movies.film'] }, 'f', unknown>

/** What is told of each of the films, in the prices that are asked for. */
export function filmFacts<Q extends Films>(films: Q, scope: Scope, params: PriceParams = {}) {
  const [budget, revenue] = [amountOf('budget', params), amountOf('revenue', params)]
  // As it lies in the table, whole dollars need no trimming, and an index of the largest can be gone through in its order.
  const shown = (amount: RawBuilder<unknown>) =>
    isReal(params) ? sql<number | null>`trim_scale((${amount})::numeric)` : sql<number | null>`${amount}`
  const price = isReal(params) ? indexByMonth(scope, params) : sql`(select null::date as month)`
  return films
    .leftJoin(fact(scope, 'film_rating').as('rated'), (join) =>
      join.on('rated.load_id', '=', scope.load).onRef('rated.film_id', '=', 'f.film_id'),
    )
    .leftJoin(sql<{ month: string }>`${price}`.as('price'), (join) => join.on('price.month', '=', releaseMonth))
    .select([
      'f.film_id',
      'f.title',
      'f.release_date',
      'f.release_precision',
      'f.release_year as year',
      'f.status',
      'f.original_language',
      'f.content_rating',
      'f.collection_id',
      sql<number | null>`trim_scale(f.runtime)`.as('runtime'),
      shown(budget).as('budget'),
      shown(revenue).as('revenue'),
      sql<number | null>`trim_scale((
        case when ${budget} is not null or ${revenue} is not null
             then coalesce(${revenue}, 0)::numeric - coalesce(${budget}, 0) end)::numeric)`.as('profit'),
      sql<number | null>`trim_scale(f.popularity)`.as('popularity'),
      sql<number | null>`trim_scale(f.vote_average)`.as('vote_average'),
      'f.vote_count',
      quotient(sql`rated.rating_sum`, sql`rated.rating_count`, 6).as('rating_average'),
      sql<number | null>`case when ${hasRatings(scope)} then coalesce(rated.rating_count, 0) end`.as('rating_count'),
      'f.suspect',
      // Not joined: PostgreSQL takes the two columns for independent, and few films for left.
      sql<string>`(select name from reelhouse.load_file file where file.load_id = f.source_load_id and file.file_no = f.source_file_no)`.as(
        'source_file',
      ),
      'f.source_line',
      'f.load_id',
      'f.source_load_id',
    ])
}
