import { z } from 'zod'
import { list, requiredId, single, text } from '../cells.ts'
import type { FileFormat, Format } from '../subject.ts'
import { type Credits, credits } from './credits.ts'
import type { Film } from './film.ts'
import { films } from './films.ts'
import { priceIndexFiles } from './fred.ts'
import { type Keywords, keywords } from './keywords.ts'
import { movieLensFiles } from './movie-lens.ts'
import { readPythonLiteral } from './python-literal.ts'
import { TMDB_COLUMNS, tmdbCells, tmdbFilm, tmdbItems } from './tmdb.ts'

/** Lists are Python literals: read as JSON with swapped quotes, hundreds of names with apostrophes would be lost. */
const record = z
  .object({
    ...tmdbCells,
    imdb_id: text,
    poster_path: text,
    belongs_to_collection: single(readPythonLiteral, tmdbItems.named),
    production_companies: list(readPythonLiteral, tmdbItems.named),
    genres: list(readPythonLiteral, tmdbItems.named),
    production_countries: list(readPythonLiteral, tmdbItems.country),
    spoken_languages: list(readPythonLiteral, tmdbItems.language),
  })
  .transform(
    (cells): Film =>
      tmdbFilm(cells, {
        imdbId: cells.imdb_id,
        posterPath: cells.poster_path,
        collection: cells.belongs_to_collection,
        companies: cells.production_companies,
        genres: cells.genres,
        countries: cells.production_countries,
        languages: cells.spoken_languages,
      }),
  )

const filmsFile: FileFormat<Film> = {
  family: films,
  fileName: 'movies_metadata.csv',
  required: true,
  read: 'csv',
  columns: TMDB_COLUMNS,
  optional: Object.keys(record.in.shape).filter((column) => !TMDB_COLUMNS.includes(column)),
  telling: ['belongs_to_collection'],
  identity: ['id', 'title'],
  record,
}

const creditsFile: FileFormat<Credits> = {
  family: credits,
  fileName: 'credits.csv',
  required: false,
  read: 'csv',
  columns: ['id', 'cast', 'crew'],
  optional: [],
  telling: [],
  identity: ['id'],
  record: z
    .object({
      id: requiredId,
      cast: list(readPythonLiteral, tmdbItems.cast),
      crew: list(readPythonLiteral, tmdbItems.crew),
    })
    .transform(({ id, cast, crew }): Credits => ({ filmId: id, cast, crew })),
}

const keywordsFile: FileFormat<Keywords> = {
  family: keywords,
  fileName: 'keywords.csv',
  required: false,
  read: 'csv',
  columns: ['id', 'keywords'],
  optional: [],
  telling: [],
  identity: ['id'],
  record: z
    .object({ id: requiredId, keywords: list(readPythonLiteral, tmdbItems.named) })
    .transform(({ id, keywords }): Keywords => ({ filmId: id, keywords })),
}

export const theMoviesDataset: Format = {
  name: 'the-movies-dataset',
  summary:
    'The Movies Dataset: movies_metadata.csv, one line a film of TMDB, lists as Python literals; with credits.csv, keywords.csv, links.csv and ratings.csv, as far as they are there',
  idSpace: 'tmdb',
  identifiedBy: 'id',
  files: [filmsFile, creditsFile, keywordsFile, ...movieLensFiles, priceIndexFiles],
}
