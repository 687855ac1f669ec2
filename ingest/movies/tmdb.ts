import { z } from 'zod'
import { count, decimal, isoDate, key, LONGEST_KEY, money, requiredId, requiredText, text } from '../cells.ts'
import type { Film } from './film.ts'

/**
 * What the files that were drawn from TMDB share: one line a film, the same names for the same columns. They differ in how they
 * write lists, and in which columns they have.
 */
export const tmdbCells = {
  id: requiredId,
  title: requiredText,
  original_title: text,
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
}

/** Columns on which identity and every report rest. */
export const TMDB_COLUMNS = ['id', 'title', 'release_date', 'budget', 'revenue', 'genres', 'production_companies']

/** What only some of the files tell. */
type More = Pick<Film, 'companies' | 'genres' | 'countries' | 'languages'> &
  Partial<Pick<Film, 'imdbId' | 'posterPath' | 'collection' | 'keywords'>>

/** One literal with all that a film has: to spread others into it takes ten microseconds a film, fifty times as long. */
export const tmdbFilm = (cells: z.output<z.ZodObject<typeof tmdbCells>>, more: More): Film => ({
  id: cells.id,
  key: null,
  title: cells.title,
  originalTitle: cells.original_title,
  imdbId: more.imdbId ?? null,
  releaseDate: cells.release_date,
  releasePrecision: 'day',
  status: cells.status,
  originalLanguage: cells.original_language,
  contentRating: null,
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
  posterPath: more.posterPath ?? null,
  collection: more.collection ?? null,
  companies: more.companies,
  genres: more.genres,
  countries: more.countries,
  languages: more.languages,
  crew: [],
  keywords: more.keywords ?? [],
  suspect: [],
})

const name = z
  .string()
  .refine((value) => !value.includes('\0') && value.isWellFormed(), 'holds a character that is no text')
/** A part or a job: it is in a key, which cannot take a text of any length, so a long one is cut where the mark is. */
const label = name.nullish().transform((value) => {
  const text = (value ?? '').trim()
  return text.length > LONGEST_KEY ? `${text.slice(0, LONGEST_KEY - 1).replace(/\p{Surrogate}$/u, '')}…` : text
})
const INT4_MAX = 2 ** 31 - 1
const code = name.min(1).max(LONGEST_KEY)
const coded = ({ code, name }: { code: string; name: string }) => ({ code, name: name || null })

/** Items of its lists, whatever the notation. */
export const tmdbItems = {
  named: z.object({ id: z.int().positive(), name }),
  cast: z.object({
    id: z.int().positive(),
    name,
    character: label,
    order: z
      .int()
      .min(0)
      .max(INT4_MAX)
      .nullish()
      .transform((order) => order ?? null),
  }),
  crew: z.object({ id: z.int().positive(), name, job: label, department: label }),
  country: z.object({ iso_3166_1: code, name }).transform(({ iso_3166_1, name }) => coded({ code: iso_3166_1, name })),
  language: z.object({ iso_639_1: code, name }).transform(({ iso_639_1, name }) => coded({ code: iso_639_1, name })),
}
