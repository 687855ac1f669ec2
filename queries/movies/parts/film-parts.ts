import { type RawBuilder, sql } from 'kysely'
import { quotient } from '../../quotient.ts'
import type { Facts, Parts, Scope } from '../../report.ts'
import { cast, crew, links } from './links.ts'
import { fact, type MoviesDb, STARS } from './tables.ts'

/** Films as what explains a row: what is told of each, whatever the report. */
export const filmParts = (
  parts: Pick<Parts, 'query' | 'restsOn'> & Partial<Pick<Parts, 'amounts' | 'elsewhere'>>,
): Parts => ({
  ...FILM_FACTS,
  amounts: () => [],
  // Votes may be asked for, and then decide which films count.
  figures: ({ min_votes }) => (min_votes === undefined ? FIGURES : FIGURES.filter((fact) => fact !== 'vote_count')),
  ...parts,
})

const FIGURES = [
  'budget',
  'revenue',
  'popularity',
  'vote_average',
  'vote_count',
  'rating_average',
  'rating_count',
  'stars',
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
  'stars',
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

/** How often it was rated how, but for stars that nobody gave; null when nobody rated it. */
const stars = sql`
  case when rated.film_id is not null then
    (select json_agg(row_to_json(one) order by one.stars)
     from (values ${sql.join(STARS.map((name) => sql`(${sql.lit(Number(name.replace(/^stars_/, '').replace('_', '.')))}, ${sql.ref(`rated.${name}`)})`))}) as one (stars, ratings)
     where one.ratings > 0) end`

const factsOfFilms = (db: MoviesDb, scope: Scope) =>
  db
    .selectFrom(fact(scope, 'film').as('f'))
    .leftJoin('movies.collection as within', (join) =>
      join.on('within.load_id', '=', scope.load).onRef('within.collection_id', '=', 'f.collection_id'),
    )
    .leftJoin(fact(scope, 'film_rating').as('rated'), (join) =>
      join.on('rated.load_id', '=', scope.load).onRef('rated.film_id', '=', 'f.film_id'),
    )
    .where('f.load_id', '=', scope.load)
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
      sql<{ stars: number; ratings: number }[] | null>`${stars}`.as('stars'),
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

/** Films, and all that is told of them. */
export const FILM_FACTS: Facts = { of: 'film', facts: factsOfFilms, told: TOLD }

/** What of its links makes a film another one; by table. */
const LINKS = {
  film_company: 'company_id',
  film_genre: 'genre_id',
  film_country: 'country_code',
  film_language: 'language_code',
  film_crew: 'person_id, job, department',
  film_cast: 'person_id, character, cast_order',
  film_keyword: 'keyword_id',
}

/** Films that are linked to others in one of the loads, by set: to make the lists of all films would take seconds. */
export function relinkedFilms(before: Scope, after: Scope): RawBuilder<unknown> {
  const of = (table: string, columns: string, scope: Scope) =>
    sql`select film_id, ${sql.raw(columns)} from ${fact(scope, table)} where load_id = ${scope.load}`
  const moved = Object.entries(LINKS).flatMap(([table, columns]) => {
    const [was, is] = [of(table, columns, before), of(table, columns, after)]
    return [sql`(${was} except ${is})`, sql`(${is} except ${was})`].map(
      (one) => sql`select film_id from ${one} as moved`,
    )
  })
  return sql.join(moved, sql` union all `)
}
