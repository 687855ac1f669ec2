import { z } from 'zod'
import { count, decimal, key, money, names, requiredKey, shown, text, year } from '../cells.ts'
import type { FileFormat, Format } from '../subject.ts'
import { countryCode } from './country-codes.ts'
import { type Film, untold } from './film.ts'
import { films } from './films.ts'
import { priceIndexFiles } from './fred.ts'
import { languageCode } from './language-codes.ts'
import { titleKey } from './title-key.ts'

/** The id of IMDb in a link to it: `http://www.imdb.com/title/tt0499549/?ref_=fn_tt_tt_1`. */
const imdbId = text.transform((value, context): string | null => {
  if (value === null) return null
  const id = /\/title\/(tt\d{7,10})(?![\da-z])/.exec(value)?.[1]
  if (id) return id
  context.addIssue({
    code: 'custom',
    message: `${shown(value)} is no link to a title of IMDb`,
    params: { code: 'bad_link' },
  })
  return z.NEVER
})

/** Budgets stand in the currency of the country. Outside the USA none was so high in dollars. */
const NOT_DOLLARS = 300_000_000n

const record = z
  .object({
    movie_title: requiredKey,
    movie_imdb_link: imdbId,
    title_year: year,
    budget: money,
    gross: money,
    genres: names((value) => value.split('|')),
    director_name: key,
    duration: decimal({ min: 0, max: 100_000 }),
    content_rating: text,
    country: key,
    language: key,
    imdb_score: decimal({ min: 0, max: 10 }),
    num_voted_users: count,
  })
  .transform((cells): Film => {
    const {
      movie_title: title,
      movie_imdb_link: imdbId,
      title_year: released,
      country,
      language,
      director_name,
    } = cells
    const foreign = country !== 'USA' && cells.budget !== null && BigInt(cells.budget) >= NOT_DOLLARS
    return {
      ...untold,
      key: imdbId ?? titleKey(title, released),
      title,
      imdbId,
      releaseDate: released === null ? null : `${released}-01-01`,
      releasePrecision: released === null ? 'day' : 'year',
      originalLanguage: language === null ? null : languageCode(language),
      contentRating: cells.content_rating,
      runtime: Number(cells.duration) === 0 ? null : cells.duration,
      budget: cells.budget,
      revenue: cells.gross,
      voteAverage: cells.imdb_score,
      voteCount: cells.num_voted_users,
      genres: cells.genres.map((name) => ({ id: null, name })),
      countries: country === null ? [] : [{ code: countryCode(country), name: country }],
      languages: language === null ? [] : [{ code: languageCode(language), name: language }],
      crew: director_name === null ? [] : [{ id: null, name: director_name, job: 'Director' }],
      suspect: foreign ? ['budget_probably_not_dollars'] : [],
    }
  })

const COLUMNS = ['movie_title', 'movie_imdb_link', 'title_year', 'budget', 'gross', 'genres']

const filmsFile: FileFormat<Film> = {
  family: films,
  fileName: 'movie_metadata.csv',
  required: true,
  read: 'csv',
  columns: COLUMNS,
  optional: Object.keys(record.in.shape).filter((column) => !COLUMNS.includes(column)),
  telling: [],
  identity: ['movie_title'],
  record,
  brings: ['film_crew'],
}

export const imdb5000: Format = {
  name: 'imdb-5000',
  summary:
    'IMDB 5000: movie_metadata.csv, one line a film, genres split by |, no companies; it tells years and no dates, revenue is the gross in the USA alone, and budgets of other countries may be in their currency',
  // Its films are IMDb's, whereas those of other formats without ids are known by title and date.
  idSpace: 'imdb+names',
  identifiedBy: 'key',
  files: [filmsFile, priceIndexFiles],
}
