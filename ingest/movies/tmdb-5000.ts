import { z } from 'zod'
import { list, requiredId } from '../cells.ts'
import type { FileFormat, Format } from '../subject.ts'
import { type Credits, credits } from './credits.ts'
import type { Film } from './film.ts'
import { films } from './films.ts'
import { priceIndexFiles } from './fred.ts'
import { movieLensFiles } from './movie-lens.ts'
import { TMDB_COLUMNS, tmdbCells, tmdbFilm, tmdbItems } from './tmdb.ts'

/** V8's own message quotes the text in words that change from version to version. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new SyntaxError('no JSON', { cause })
  }
}

const record = z
  .object({
    ...tmdbCells,
    production_companies: list(readJson, tmdbItems.named),
    genres: list(readJson, tmdbItems.named),
    production_countries: list(readJson, tmdbItems.country),
    spoken_languages: list(readJson, tmdbItems.language),
    keywords: list(readJson, tmdbItems.named),
  })
  .transform(
    (cells): Film =>
      tmdbFilm(cells, {
        companies: cells.production_companies,
        genres: cells.genres,
        countries: cells.production_countries,
        languages: cells.spoken_languages,
        keywords: cells.keywords,
      }),
  )

const filmsFile: FileFormat<Film> = {
  family: films,
  fileName: 'tmdb_5000_movies.csv',
  required: true,
  read: 'csv',
  columns: TMDB_COLUMNS,
  optional: Object.keys(record.in.shape).filter((column) => !TMDB_COLUMNS.includes(column)),
  telling: ['keywords'],
  identity: ['id', 'title'],
  record,
  brings: ['film_keyword'],
}

const creditsFile: FileFormat<Credits> = {
  family: credits,
  fileName: 'tmdb_5000_credits.csv',
  required: false,
  read: 'csv',
  columns: ['movie_id', 'cast', 'crew'],
  optional: [],
  telling: [],
  identity: ['movie_id'],
  record: z
    .object({ movie_id: requiredId, cast: list(readJson, tmdbItems.cast), crew: list(readJson, tmdbItems.crew) })
    .transform(({ movie_id, cast, crew }): Credits => ({ filmId: movie_id, cast, crew })),
}

export const tmdb5000: Format = {
  name: 'tmdb-5000',
  summary:
    'TMDB 5000: tmdb_5000_movies.csv, one line a film of TMDB, lists as JSON, with tmdb_5000_credits.csv, if it is there; it has no IMDb ids and no collections',
  idSpace: 'tmdb',
  identifiedBy: 'id',
  files: [filmsFile, creditsFile, ...movieLensFiles, priceIndexFiles],
}
