import { z } from 'zod'
import { names, text } from '../cells.ts'
import type { FileFormat, Format } from '../subject.ts'
import { companyNames } from './company-names.ts'
import { countryCode } from './country-codes.ts'
import type { Film } from './film.ts'
import { films } from './films.ts'
import { priceIndexFiles } from './fred.ts'
import { languageCode } from './language-codes.ts'
import { movieLensFiles } from './movie-lens.ts'
import { TMDB_COLUMNS, tmdbCells, tmdbFilm } from './tmdb.ts'

/** No genre, country or language of TMDB has a comma in its name. */
const byComma = (value: string) => value.split(',')
const onlyNames = (found: string[]) => found.map((name) => ({ id: null, name }))

const record = z
  .object({
    ...tmdbCells,
    imdb_id: text,
    poster_path: text,
    production_companies: names(companyNames),
    genres: names(byComma),
    production_countries: names(byComma),
    spoken_languages: names(byComma),
    keywords: names(byComma),
  })
  .transform(
    (cells): Film =>
      tmdbFilm(cells, {
        imdbId: cells.imdb_id,
        posterPath: cells.poster_path,
        companies: onlyNames(cells.production_companies),
        genres: onlyNames(cells.genres),
        countries: cells.production_countries.map((name) => ({ code: countryCode(name), name })),
        languages: cells.spoken_languages.map((name) => ({ code: languageCode(name), name })),
        keywords: onlyNames(cells.keywords),
      }),
  )

const filmsFile: FileFormat<Film> = {
  family: films,
  fileName: 'TMDB_movie_dataset_v11.csv',
  required: true,
  read: 'csv',
  columns: TMDB_COLUMNS,
  optional: Object.keys(record.in.shape).filter((column) => !TMDB_COLUMNS.includes(column)),
  telling: ['backdrop_path'],
  identity: ['id', 'title'],
  record,
  brings: ['film_keyword'],
}

export const tmdbV11: Format = {
  name: 'tmdb-v11',
  summary:
    'The TMDB dump: TMDB_movie_dataset_v11.csv, one line a film of TMDB, names split by commas; companies and genres are known by name alone, so companies that share a name are one here',
  // Its films have TMDB's ids, its companies and genres have not.
  idSpace: 'tmdb+names',
  identifiedBy: 'id',
  files: [filmsFile, ...movieLensFiles, priceIndexFiles],
}
