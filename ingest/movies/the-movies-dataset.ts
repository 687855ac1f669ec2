import { z } from 'zod'
import {
  count,
  decimal,
  isoDate,
  key,
  LONGEST_KEY,
  list,
  money,
  requiredId,
  requiredText,
  single,
  text,
} from '../cells.ts'
import type { Format } from '../subject.ts'
import { type Film, untold } from './film.ts'
import { readPythonLiteral } from './python-literal.ts'

const name = z
  .string()
  .refine((value) => !value.includes('\0') && value.isWellFormed(), 'holds a character that is no text')
const id = z.int().positive()
const named = z.object({ id, name })
const code = name.min(1).max(LONGEST_KEY)
const country = z.object({ iso_3166_1: code, name })
const language = z.object({ iso_639_1: code, name })

/** Lists are Python literals: read as JSON with swapped quotes, hundreds of names with apostrophes would be lost. */
const record = z
  .object({
    id: requiredId,
    title: requiredText,
    original_title: text,
    imdb_id: text,
    release_date: isoDate,
    status: text,
    original_language: key,
    runtime: decimal({ min: 0, max: 100_000 }),
    budget: money,
    revenue: money,
    popularity: decimal({ min: 0, max: 1e12 }),
    vote_average: decimal({ min: 0, max: 10 }),
    vote_count: count,
    overview: text,
    tagline: text,
    homepage: text,
    poster_path: text,
    belongs_to_collection: single(readPythonLiteral, named),
    production_companies: list(readPythonLiteral, named),
    genres: list(readPythonLiteral, named),
    production_countries: list(readPythonLiteral, country),
    spoken_languages: list(readPythonLiteral, language),
  })
  .transform(
    (cells): Film => ({
      ...untold,
      id: cells.id,
      title: cells.title,
      originalTitle: cells.original_title,
      imdbId: cells.imdb_id,
      releaseDate: cells.release_date,
      status: cells.status,
      originalLanguage: cells.original_language,
      // The source writes 0 where it does not know.
      runtime: Number(cells.runtime) === 0 ? null : cells.runtime,
      budget: cells.budget,
      revenue: cells.revenue,
      popularity: cells.popularity,
      voteAverage: cells.vote_average,
      voteCount: cells.vote_count,
      overview: cells.overview,
      tagline: cells.tagline,
      homepage: cells.homepage,
      posterPath: cells.poster_path,
      collection: cells.belongs_to_collection,
      companies: cells.production_companies,
      genres: cells.genres,
      countries: cells.production_countries.map(({ iso_3166_1, name }) => ({ code: iso_3166_1, name: name || null })),
      languages: cells.spoken_languages.map(({ iso_639_1, name }) => ({ code: iso_639_1, name: name || null })),
    }),
  )

export const theMoviesDataset: Format<Film> = {
  name: 'the-movies-dataset',
  summary: 'The Movies Dataset: movies_metadata.csv, one line a film of TMDB, lists as Python literals',
  idSpace: 'tmdb',
  files: [
    {
      family: 'films',
      fileName: 'movies_metadata.csv',
      required: true,
      read: 'csv',
      columns: Object.keys(record.in.shape),
      identity: ['id', 'title'],
      record,
    },
  ],
}
