import { z } from 'zod'
import { list, single, text } from '../cells.ts'
import type { Format } from '../subject.ts'
import type { Film } from './film.ts'
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
    (cells): Film => ({
      ...tmdbFilm(cells),
      imdbId: cells.imdb_id,
      posterPath: cells.poster_path,
      collection: cells.belongs_to_collection,
      companies: cells.production_companies,
      genres: cells.genres,
      countries: cells.production_countries,
      languages: cells.spoken_languages,
    }),
  )

export const theMoviesDataset: Format<Film> = {
  name: 'the-movies-dataset',
  summary: 'The Movies Dataset: movies_metadata.csv, one line a film of TMDB, lists as Python literals',
  idSpace: 'tmdb',
  identifiedBy: 'id',
  files: [
    {
      family: 'films',
      fileName: 'movies_metadata.csv',
      required: true,
      read: 'csv',
      columns: TMDB_COLUMNS,
      optional: Object.keys(record.in.shape).filter((column) => !TMDB_COLUMNS.includes(column)),
      telling: ['belongs_to_collection'],
      identity: ['id', 'title'],
      record,
    },
  ],
}
