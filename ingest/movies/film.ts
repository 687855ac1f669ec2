import type { Stager, StageTables } from '../stage.ts'

/**
 * A film as any format tells it, ready for staging. Numbers are text (PostgreSQL reads them, so no digit is lost); what the
 * source does not tell is null, and a list that it does not tell is empty.
 */
export interface Film {
  /** The source's own id; null where the format has none and `key` is the identity. */
  id: number | null
  key: string | null
  title: string
  originalTitle: string | null
  imdbId: string | null
  /** YYYY-MM-DD; 1 January where the source tells the year alone. */
  releaseDate: string | null
  releasePrecision: 'day' | 'year'
  status: string | null
  /** ISO 639-1. */
  originalLanguage: string | null
  contentRating: string | null
  /** Minutes. */
  runtime: string | null
  /** Whole US dollars. */
  budget: string | null
  revenue: string | null
  popularity: string | null
  voteAverage: string | null
  voteCount: string | null
  overview: string | null
  tagline: string | null
  homepage: string | null
  posterPath: string | null
  collection: Named | null
  companies: Named[]
  genres: Named[]
  countries: Coded[]
  languages: Coded[]
  crew: (Named & { job: string })[]
  /** Why its figures are probably wrong, as far as only its format can tell. */
  suspect: string[]
}

/** A dimension member; without an id its trimmed name is its identity. */
export interface Named {
  id: number | null
  name: string
}

export interface Coded {
  code: string
  name: string | null
}

/** A film of which nothing but its title is told: formats override what they know. */
export const untold: Omit<Film, 'title'> = {
  id: null,
  key: null,
  originalTitle: null,
  imdbId: null,
  releaseDate: null,
  releasePrecision: 'day',
  status: null,
  originalLanguage: null,
  contentRating: null,
  runtime: null,
  budget: null,
  revenue: null,
  popularity: null,
  voteAverage: null,
  voteCount: null,
  overview: null,
  tagline: null,
  homepage: null,
  posterPath: null,
  collection: null,
  companies: [],
  genres: [],
  countries: [],
  languages: [],
  crew: [],
  suspect: [],
}

/** Films and their lists as they were read, duplicates included; `record` is the order of reading. */
export const stageTables: StageTables = {
  stage_film: {
    record: 'bigint',
    file_no: 'smallint',
    line: 'bigint',
    digest: 'text',
    film_id: 'bigint',
    key: 'text',
    title: 'text',
    original_title: 'text',
    imdb_id: 'text',
    release_date: 'date',
    release_precision: 'text',
    status: 'text',
    original_language: 'text',
    collection_id: 'bigint',
    content_rating: 'text',
    runtime: 'numeric',
    budget: 'bigint',
    revenue: 'bigint',
    popularity: 'numeric',
    vote_average: 'numeric',
    vote_count: 'bigint',
    overview: 'text',
    tagline: 'text',
    homepage: 'text',
    poster_path: 'text',
    suspect: 'text[]',
  },
  stage_company: { record: 'bigint', company_id: 'bigint', name: 'text' },
  stage_genre: { record: 'bigint', genre_id: 'bigint', name: 'text' },
  stage_collection: { record: 'bigint', collection_id: 'bigint', name: 'text' },
  stage_country: { record: 'bigint', country_code: 'text', name: 'text' },
  stage_language: { record: 'bigint', language_code: 'text', name: 'text' },
  stage_crew: { record: 'bigint', person_id: 'bigint', name: 'text', job: 'text' },
}

export function stageFilm(
  stager: Stager,
  film: Film,
  at: { record: number; line: number; fileNo: number; digest: string },
): void {
  const { record } = at
  stager.add('stage_film', [
    record,
    at.fileNo,
    at.line,
    at.digest,
    film.id,
    film.key,
    film.title,
    film.originalTitle,
    film.imdbId,
    film.releaseDate,
    film.releasePrecision,
    film.status,
    film.originalLanguage,
    film.collection?.id,
    film.contentRating,
    film.runtime,
    film.budget,
    film.revenue,
    film.popularity,
    film.voteAverage,
    film.voteCount,
    film.overview,
    film.tagline,
    film.homepage,
    film.posterPath,
    `{${film.suspect.join(',')}}`,
  ])
  if (film.collection) stager.add('stage_collection', [record, film.collection.id, film.collection.name])
  for (const { id, name } of film.companies) stager.add('stage_company', [record, id, name])
  for (const { id, name } of film.genres) stager.add('stage_genre', [record, id, name])
  for (const { code, name } of film.countries) stager.add('stage_country', [record, code, name])
  for (const { code, name } of film.languages) stager.add('stage_language', [record, code, name])
  for (const { id, name, job } of film.crew) stager.add('stage_crew', [record, id, name, job])
}
