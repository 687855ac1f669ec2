import { z } from 'zod'
import { calendarDate, count, decimal, key, money, requiredKey, shown, text } from '../cells.ts'
import type { FileFormat, Format } from '../subject.ts'
import { type Film, untold } from './film.ts'
import { films } from './films.ts'
import { priceIndexFiles } from './fred.ts'
import { titleKey } from './title-key.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `Jun 12 1998`. */
const americanDate = text.transform((value, context): string | null => {
  if (value === null) return null
  const [, month, day, year] = /^([A-Z][a-z]{2}) (\d{1,2}) (\d{4})$/.exec(value) ?? []
  const date = calendarDate(Number(year), MONTHS.indexOf(month ?? '') + 1, Number(day))
  if (date) return date
  context.addIssue({
    code: 'custom',
    message: `${shown(value)} is not a date of the form Jun 12 1998`,
    params: { code: 'bad_date' },
  })
  return z.NEVER
})

const record = z
  .object({
    Title: requiredKey,
    'Release Date': americanDate,
    'Production Budget': money,
    'Worldwide Gross': money,
    'MPAA Rating': text,
    'Running Time min': decimal({ min: 0, max: 100_000 }),
    Distributor: key,
    'Major Genre': key,
    Director: key,
    'IMDB Rating': decimal({ min: 0, max: 10 }),
    'IMDB Votes': count,
  })
  .transform(
    (cells): Film => ({
      ...untold,
      key: titleKey(cells.Title, cells['Release Date']),
      title: cells.Title,
      releaseDate: cells['Release Date'],
      contentRating: cells['MPAA Rating'],
      runtime: Number(cells['Running Time min']) === 0 ? null : cells['Running Time min'],
      budget: cells['Production Budget'],
      revenue: cells['Worldwide Gross'],
      voteAverage: cells['IMDB Rating'],
      voteCount: cells['IMDB Votes'],
      companies: onlyName(cells.Distributor),
      genres: onlyName(cells['Major Genre']),
      crew: onlyName(cells.Director).map((director) => ({ ...director, job: 'Director' })),
    }),
  )

const onlyName = (name: string | null) => (name === null ? [] : [{ id: null, name }])

const COLUMNS = ['Title', 'Release Date']

const filmsFile: FileFormat<Film> = {
  family: films,
  fileName: 'movies.json',
  required: true,
  read: 'json',
  columns: COLUMNS,
  optional: Object.keys(record.in.shape).filter((column) => !COLUMNS.includes(column)),
  telling: [],
  identity: ['Title'],
  record,
  brings: ['film_crew'],
}

export const vegaMovies: Format = {
  name: 'vega-movies',
  summary:
    'movies.json of vega-datasets: a JSON array of films by title; company is the distributor, genre the major genre',
  idSpace: 'reelhouse',
  identifiedBy: 'key',
  files: [filmsFile, priceIndexFiles],
}
