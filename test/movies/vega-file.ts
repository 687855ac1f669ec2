import fc from 'fast-check'
import { voteCount } from './film-arbitraries.ts'
import { type FilmRecord, type Named, nothingMore } from './oracle-figures.ts'

/** Small files of the format vega-movies: films without ids, companies, genres and people by name alone. */
export interface VegaFilm {
  Title: string
  'Release Date': string | null
  'Production Budget': number | null
  'Worldwide Gross': number | null
  'MPAA Rating': string | null
  'Running Time min': number | null
  Distributor: string | null
  'Major Genre': string | null
  Director: string | null
  'IMDB Rating': number | null
  'IMDB Votes': number | null
}

/** As the file writes them, and as a report shows them. */
const DATES = new Map([
  ['Jun 12 1998', '1998-06-12'],
  ['Aug 7 1998', '1998-08-07'],
  ['Feb 29 2000', '2000-02-29'],
  ['Dec 31 2046', '2046-12-31'],
])

const orNull = <T>(...values: T[]) => fc.constantFrom<T | null>(null, ...values)

const vegaFilm: fc.Arbitrary<VegaFilm> = fc.record({
  // Some differ by case and spacing alone, and so are one film where the date is the same.
  Title: fc.constantFrom('Slam', 'SLAM', ' slam', "Let's  Talk", "Let's Talk", 'Été', 'É\u0301t\u00e9', '映画', '300'),
  'Release Date': orNull(...DATES.keys()),
  'Production Budget': orNull(0, 500, 250000, 2787965087),
  'Worldwide Gross': orNull(0, 999, 1087521, 9007199254740991),
  'MPAA Rating': orNull('R', 'Not Rated'),
  'Running Time min': orNull(0, 99),
  Distributor: orNull('Trimark', ' Trimark', "Mom's", 'Ａ', '🎬'),
  'Major Genre': orNull('Drama', 'Comedy', 'É'),
  Director: orNull('Otter', 'Bear'),
  'IMDB Rating': orNull(0, 6.1, 7.75),
  'IMDB Votes': voteCount.map((votes) => (votes === '' ? null : Number(votes))),
})

export const vegaFilms = fc.array(vegaFilm, { minLength: 1, maxLength: 12 })

export const writeVega = (films: VegaFilm[]): string => JSON.stringify(films)

/** What tells a film from all others where there is no id. */
export const vegaKey = (title: string, releaseDate: string | null): string =>
  JSON.stringify([title.normalize('NFC').toLowerCase().split(/\s+/).filter(Boolean).join(' '), releaseDate])

/** Ids that the program gave, by what they stand for. */
export interface VegaIds {
  films: Map<string, number>
  companies: Map<string, number>
  genres: Map<string, number>
  people: Map<string, number>
}

/** The films as records for the oracle. */
export const vegaRecords = (films: VegaFilm[], ids: VegaIds): FilmRecord[] =>
  films.map((film, index) => {
    const releaseDate = DATES.get(film['Release Date'] ?? '') ?? null
    const named = (name: string | null, known: Map<string, number>): Named[] =>
      name === null ? [] : [{ id: known.get(name.trim()) as number, name: name.trim() }]
    return {
      ...nothingMore,
      id: ids.films.get(vegaKey(film.Title, releaseDate)) as number,
      line: index + 1,
      title: film.Title.trim(),
      releaseDate: releaseDate ?? '',
      status: '',
      originalLanguage: '',
      contentRating: film['MPAA Rating'] ?? '',
      runtime: textOf(film['Running Time min']),
      budget: textOf(film['Production Budget']),
      revenue: textOf(film['Worldwide Gross']),
      popularity: '',
      voteAverage: textOf(film['IMDB Rating']),
      voteCount: textOf(film['IMDB Votes']),
      companies: named(film.Distributor, ids.companies),
      genres: named(film['Major Genre'], ids.genres),
      crew: named(film.Director, ids.people).map((person) => ({ ...person, job: 'Director' })),
    }
  })

const textOf = (value: number | null) => (value === null ? '' : String(value))
