import { fraction, numberCell, wholeCell } from './exact.ts'
import {
  type FilmRecord,
  integer,
  known,
  lifetime,
  measures,
  type Named,
  orNull,
  period,
  type Row,
  yearOf,
} from './oracle-figures.ts'
import { byCodePoint, inOrder } from './oracle-order.ts'

/**
 * An independent calculator of the reports on films: plain loops over records, exact arithmetic, and nothing of the program's.
 * What it says a figure means is what DESIGN.md says; where the program disagrees, one of the two is wrong.
 */

export interface Params {
  company_id?: number[] | undefined
  genre_id?: number[] | undefined
  collection_id?: number[] | undefined
  person_id?: number[] | undefined
  from?: number | undefined
  to?: number | undefined
  year?: number | undefined
  q?: string | undefined
  exclude_suspect?: boolean | undefined
  min_releases?: number | undefined
}

const MEASURES =
  'releases budget budget_known revenue revenue_known profit matched_releases matched_budget matched_revenue matched_profit roi popularity popularity_known vote_average vote_count'
const FILM =
  'film_id title release_date release_precision year status original_language content_rating collection_id runtime budget revenue profit popularity vote_average vote_count suspect source_file source_line load_id source_load_id'
const report = (
  by: ('company' | 'genre')[],
  grain: 'year' | 'life' | 'film',
  columns: string,
  key: string,
  sort = key,
) => ({
  by,
  grain,
  columns: columns.split(' '),
  key: key.split(','),
  sort,
})
const COMPANY = 'company_id company'
const GENRE = 'genre_id genre'
const LIFE = 'first_year last_year undated'

export const REPORTS = {
  'company-years': report(['company'], 'year', `${COMPANY} period year ${MEASURES}`, 'company_id,year'),
  'genre-years': report(['genre'], 'year', `${GENRE} period year ${MEASURES}`, 'genre_id,year'),
  'company-genre-years': report(
    ['company', 'genre'],
    'year',
    `${COMPANY} ${GENRE} period year ${MEASURES}`,
    'company_id,genre_id,year',
  ),
  years: report([], 'year', `period year ${MEASURES}`, 'year'),
  companies: report(['company'], 'life', `${COMPANY} ${LIFE} ${MEASURES}`, 'company_id', 'company,company_id'),
  genres: report(['genre'], 'life', `${GENRE} ${LIFE} ${MEASURES}`, 'genre_id', 'genre,genre_id'),
  films: report([], 'film', FILM, 'film_id'),
}

export type ReportName = keyof typeof REPORTS

export class Oracle {
  /** The last record of each id. */
  readonly films: FilmRecord[]
  readonly #named: Partial<Record<'companies' | 'genres' | 'crew' | 'collection', Map<number, string>>> = {}
  readonly #at: { fileName: string; fileDate: string; loadId: number }

  constructor(records: FilmRecord[], at: { fileName: string; fileDate: string; loadId: number }) {
    this.films = [...new Map(records.map((record) => [record.id, record])).values()]
    this.#at = at
  }

  /** All rows with all columns, in the order of `sort`. */
  rows(name: ReportName, params: Params, sort = REPORTS[name].sort): Row[] {
    const rows = REPORTS[name].grain === 'film' ? this.#filmRows(params) : this.#rows(name, params)
    return inOrder(rows, sort, REPORTS[name].key)
  }

  /** `meta.excluded`, for the reports that have it. */
  excluded(name: ReportName, params: Params): Record<string, string> | undefined {
    const { grain } = REPORTS[name]
    if (grain === 'life') return undefined
    const { from, to, year, exclude_suspect, q, ...others } = params
    const title = grain === 'film' ? q : undefined
    const anyDate = grain === 'film' && from === undefined && to === undefined && year === undefined
    const passing = this.films.filter((film) => this.#counts(film, { ...others, q: title }))
    const undated = anyDate
      ? []
      : passing.filter((film) => film.releaseDate === '' && !(exclude_suspect && this.suspect(film).length > 0))
    const suspect = passing.filter(
      (film) =>
        this.suspect(film).length > 0 && (anyDate || film.releaseDate !== '') && isWithin(film, { from, to, year }),
    )
    return { undated: wholeCell(undated.length), ...(exclude_suspect ? { suspect: wholeCell(suspect.length) } : {}) }
  }

  /** The latest release date, not after the file's own, among films with status Released or none. */
  dataThrough(): string | null {
    const dates = this.films
      .filter(({ status, releaseDate }) => ['', 'Released'].includes(status) && releaseDate <= this.#at.fileDate)
      .map(({ releaseDate }) => releaseDate)
    return dates.sort().at(-1) || null
  }

  /** Film filters; `q` is part of the title here. */
  #counts(film: FilmRecord, params: Params): boolean {
    const { company_id, genre_id, collection_id, person_id, q, exclude_suspect } = params
    const among = (things: Named[], ids: number[] | undefined) => !ids || things.some(({ id }) => ids.includes(id))
    return (
      among(film.companies, company_id) &&
      among(film.genres, genre_id) &&
      among(film.collection ? [film.collection] : [], collection_id) &&
      among(film.crew, person_id) &&
      isWithin(film, params) &&
      holds(film.title, q) &&
      !(exclude_suspect && this.suspect(film).length > 0)
    )
  }

  /** Why its figures are probably wrong. */
  suspect({ budget, revenue, releaseDate }: FilmRecord): string[] {
    const cost = known(budget)
    const income = known(revenue)
    const flags: string[] = []
    if (cost !== null && cost < 1000n) flags.push('budget_under_1000')
    if (income !== null && income < 1000n) flags.push('revenue_under_1000')
    if (cost !== null && cost < 1000n && income !== null && income > 1_000_000n)
      flags.push('revenue_over_1000000_on_budget_under_1000')
    if (releaseDate > this.#at.fileDate) flags.push('released_after_file')
    return flags
  }

  /** The films in each cell of a report, whatever cells show. */
  cells(name: ReportName, params: Params): { company: number; genre: number; films: FilmRecord[] }[] {
    const { by, grain } = REPORTS[name]
    const { q, min_releases, ...filters } = params
    // An id of a dimension that the report groups by selects rows; any other selects films.
    const { company_id: wantedCompanies, genre_id: wantedGenres } = filters
    if (by.includes('company')) delete filters.company_id
    if (by.includes('genre')) delete filters.genre_id
    const cells = new Map<string, { company: number; genre: number; films: FilmRecord[] }>()
    for (const film of this.films) {
      if (!this.#counts(film, filters) || (grain === 'year' && film.releaseDate === '')) continue
      const companies = by.includes('company') ? distinctIds(film.companies, wantedCompanies) : [0]
      const genres = by.includes('genre') ? distinctIds(film.genres, wantedGenres) : [0]
      for (const company of companies)
        for (const genre of genres) {
          const key = [company, genre, grain === 'year' ? yearOf(film) : ''].join(' ')
          const cell = cells.get(key)
          if (cell) cell.films.push(film)
          else cells.set(key, { company, genre, films: [film] })
        }
    }
    return [...cells.values()]
  }

  #rows(name: ReportName, params: Params): Row[] {
    const { by, grain } = REPORTS[name]
    const { q, min_releases } = params
    const rows: Row[] = []
    for (const { company, genre, films } of this.cells(name, params)) {
      const names = {
        company: by.includes('company') ? this.name('companies', company) : '',
        genre: by.includes('genre') ? this.name('genres', genre) : '',
      }
      if (films.length < (min_releases ?? 1) || !holds(names.company || names.genre, q)) continue
      rows.push({
        ...(by.includes('company') ? { company_id: wholeCell(company), company: names.company } : {}),
        ...(by.includes('genre') ? { genre_id: wholeCell(genre), genre: names.genre } : {}),
        ...(grain === 'year' ? period(films[0] as FilmRecord) : lifetime(films)),
        ...measures(films),
      })
    }
    return rows
  }

  /** The name that most films give, ties by code point. */
  name(list: 'companies' | 'genres' | 'crew' | 'collection', id: number): string {
    this.#named[list] ??= this.#names(list)
    return this.#named[list].get(id) as string
  }

  #names(list: 'companies' | 'genres' | 'crew' | 'collection'): Map<number, string> {
    const counted = new Map<number, Map<string, number>>()
    for (const film of this.films)
      for (const pair of new Set(listOf(film, list).map(({ id, name }) => JSON.stringify([id, name])))) {
        const [id, name] = JSON.parse(pair) as [number, string]
        const names = counted.get(id) ?? new Map<string, number>()
        counted.set(id, names.set(name, (names.get(name) ?? 0) + 1))
      }
    const first = (names: Map<string, number>) =>
      [...names].sort(([a, many], [b, more]) => more - many || byCodePoint(a, b))[0] as [string, number]
    return new Map([...counted].map(([id, names]) => [id, first(names)[0]]))
  }

  #filmRows(params: Params): Row[] {
    return this.films
      .filter((film) => this.#counts(film, params))
      .map((film) => {
        const [cost, income] = [known(film.budget), known(film.revenue)]
        const year = film.releaseDate === '' ? null : wholeCell(yearOf(film))
        return {
          film_id: wholeCell(film.id),
          title: film.title,
          release_date: film.releaseDate || null,
          release_precision: 'day',
          year,
          status: film.status || null,
          original_language: film.originalLanguage || null,
          content_rating: film.contentRating || null,
          collection_id: film.collection && wholeCell(film.collection.id),
          runtime: film.runtime === '' || Number(film.runtime) === 0 ? null : numberCell(fraction(film.runtime), 60),
          budget: orNull(cost),
          revenue: orNull(income),
          profit: cost === null && income === null ? null : wholeCell((income ?? 0n) - (cost ?? 0n)),
          popularity: film.popularity === '' ? null : numberCell(fraction(film.popularity), 60),
          vote_average: film.voteAverage === '' ? null : numberCell(fraction(film.voteAverage), 60),
          vote_count: film.voteCount === '' ? null : wholeCell(integer(film.voteCount)),
          suspect: this.suspect(film),
          source_file: this.#at.fileName,
          source_line: wholeCell(film.line),
          load_id: wholeCell(this.#at.loadId),
          source_load_id: wholeCell(this.#at.loadId),
        }
      })
  }
}

const listOf = (film: FilmRecord, list: 'companies' | 'genres' | 'crew' | 'collection'): Named[] =>
  list === 'collection' ? (film.collection ? [film.collection] : []) : film[list]

const holds = (text: string, part: string | undefined) =>
  part === undefined || text.toLowerCase().includes(part.toLowerCase())
const distinctIds = (things: Named[], wanted: number[] | undefined) =>
  [...new Set(things.map(({ id }) => id))].filter((id) => !wanted || wanted.includes(id))

function isWithin(film: FilmRecord, { from, to, year }: Params): boolean {
  if (from === undefined && to === undefined && year === undefined) return true
  if (film.releaseDate === '') return false
  const released = yearOf(film)
  return released >= (from ?? 0) && released <= (to ?? 9999) && released === (year ?? released)
}
