import { type ColumnType, type Generated, type RawBuilder, sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { type Scope, tableOfLoad } from '../../report.ts'

export type MoviesDb = ReadonlyKysely<MoviesTables>

/** The tables that reports on films read. */
export interface MoviesTables {
  'movies.film': FilmTable
  'movies.film_text': {
    load_id: number
    film_id: number
    overview: string | null
    tagline: string | null
    homepage: string | null
    poster_path: string | null
  }
  'movies.film_company': { load_id: number; film_id: number; company_id: number }
  'movies.film_genre': { load_id: number; film_id: number; genre_id: number }
  'movies.film_country': { load_id: number; film_id: number; country_code: string }
  'movies.film_language': { load_id: number; film_id: number; language_code: string }
  'movies.film_crew': { load_id: number; film_id: number; person_id: number; job: string; department: string }
  'movies.film_cast': {
    load_id: number
    film_id: number
    person_id: number
    character: string
    cast_order: number | null
  }
  'movies.film_keyword': { load_id: number; film_id: number; keyword_id: number }
  'movies.film_rating': { load_id: number; film_id: number; rating_count: number; rating_sum: number } & Stars
  'movies.company': { load_id: number; company_id: number; name: string }
  'movies.genre': { load_id: number; genre_id: number; name: string }
  'movies.collection': { load_id: number; collection_id: number; name: string }
  'movies.person': { load_id: number; person_id: number; name: string }
  'movies.country': { load_id: number; country_code: string; name: string | null }
  'movies.language': { load_id: number; language_code: string; name: string | null }
  'movies.keyword': { load_id: number; keyword_id: number; name: string }
  'movies.price_index': { load_id: number; series: string; month: string; value: number | null; source_load_id: number }
  'reelhouse.load_file': { load_id: number; file_no: number; name: string }
}

/** Their rows by the name of the table alone. */
type RowOf<Name extends string> = `movies.${Name}` extends keyof MoviesTables ? MoviesTables[`movies.${Name}`] : unknown

/**
 * A fact of the load that is read, by the name of the load's own table. By the fact's name PostgreSQL would find the same rows, but it has no
 * statistics of all loads together, so of joins and groups it would think that one in two hundred values differs; and it would lock, for each
 * reader, the table that loads are attached to.
 */
export const fact = <Name extends string>(scope: Scope, name: Name): RawBuilder<RowOf<Name>> =>
  sql<RowOf<Name>>`${sql.table(`movies.${tableOfLoad(name, scope.loadId)}`)}`

/** Half a star to five stars: how often each was given. */
export const STARS = ['0_5', '1_0', '1_5', '2_0', '2_5', '3_0', '3_5', '4_0', '4_5', '5_0'].map(
  (stars) => `stars_${stars}` as const,
)

type Stars = Record<(typeof STARS)[number], number>

interface FilmTable {
  load_id: number
  film_id: number
  title: string
  original_title: string | null
  imdb_id: string | null
  release_date: ColumnType<string | null>
  release_precision: Generated<string>
  release_year: Generated<number | null>
  status: string | null
  original_language: string | null
  collection_id: number | null
  content_rating: string | null
  runtime: number | null
  budget: number | null
  revenue: number | null
  popularity: number | null
  vote_average: number | null
  vote_count: number | null
  suspect: string[]
  source_load_id: number
  source_file_no: number
  source_line: number
}
