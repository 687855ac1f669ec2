import { z } from 'zod'
import { list } from '../cells.ts'
import type { Format } from '../subject.ts'
import type { Film } from './film.ts'
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
  })
  .transform(
    (cells): Film => ({
      ...tmdbFilm(cells),
      companies: cells.production_companies,
      genres: cells.genres,
      countries: cells.production_countries,
      languages: cells.spoken_languages,
    }),
  )

export const tmdb5000: Format<Film> = {
  name: 'tmdb-5000',
  summary:
    'TMDB 5000: tmdb_5000_movies.csv, one line a film of TMDB, lists as JSON; it has no IMDb ids and no collections',
  idSpace: 'tmdb',
  identifiedBy: 'id',
  files: [
    {
      family: 'films',
      fileName: 'tmdb_5000_movies.csv',
      required: true,
      read: 'csv',
      columns: TMDB_COLUMNS,
      optional: Object.keys(record.in.shape).filter((column) => !TMDB_COLUMNS.includes(column)),
      telling: ['keywords'],
      identity: ['id', 'title'],
      record,
    },
  ],
}
