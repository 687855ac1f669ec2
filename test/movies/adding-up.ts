import { fraction, numberCell, plain, plus, times, whole, wholeCell, zero } from './exact.ts'
import type { Params } from './oracle.ts'
import type { FilmRecord, Row } from './oracle-figures.ts'
import { periodOf } from './oracle-periods.ts'
import { REPORTS, type ReportName } from './oracle-reports.ts'

/** From rows of films to the cell that they are behind. */

/** What `films` is asked for those in a cell. */
export function drillThrough({ min_releases, q, ...params }: Params, cell: Row): Params {
  const taken = Object.entries(params).filter(([name]) => (REPORTS.films.takes as string[]).includes(name))
  const ids = ['company_id', 'genre_id', 'collection_id', 'person_id']
    .filter((column) => column in cell)
    .map((column) => [column, [Number(plain(cell[column] as string))]])
  const codes = [
    ['country', 'country_code'],
    ['language', 'language_code'],
    ['content_rating', 'content_rating'],
  ].filter(([, column]) => (column as string) in cell)
  return Object.fromEntries([
    ...taken,
    ...ids,
    ...codes.map(([name, column]) => [name as string, [cell[column as string]]]),
    ...('job' in cell ? [['job', [cell.job]]] : []),
  ])
}

/** Those of the films that are in the cell's period. */
export function within(
  films: Row[],
  report: ReportName,
  { grain = 'year' }: Params,
  cell: Row,
  known: FilmRecord[],
): Row[] {
  return films.filter((row) => {
    const film = known.find(({ id }) => wholeCell(id) === row.film_id) as FilmRecord
    return REPORTS[report].kind === 'life' || periodOf(film, grain) === cell.period
  })
}

/** What rows of films add up to, in the columns of a cell. */
export function sums(films: Row[]): Row {
  const known = (...columns: string[]) => films.filter((film) => columns.every((column) => film[column] !== null))
  const sum = (column: string, rows = known(column)) => (rows.length === 0 ? null : total(rows, column))
  const matched = known('budget', 'revenue')
  return {
    releases: wholeCell(films.length),
    budget: sum('budget'),
    budget_known: wholeCell(known('budget').length),
    revenue: sum('revenue'),
    revenue_known: wholeCell(known('revenue').length),
    profit: sum('profit'),
    matched_releases: wholeCell(matched.length),
    matched_budget: sum('budget', matched),
    matched_revenue: sum('revenue', matched),
    matched_profit: sum('profit', matched),
    popularity_known: wholeCell(known('popularity').length),
    vote_count: sum('vote_count'),
    rating_count: sum('rating_count'),
  }
}

/** Sum of a column, unknown counted as 0. */
export const total = (rows: Row[], column: string): string =>
  numberCell(rows.map((row) => amount(row[column] as string | null)).reduce(plus, zero), 6)

const amount = (cell: string | null) => (cell === null ? zero : fraction(plain(cell)))

/** rows - overlap + other + without */
export const accounted = ({ rows, overlap, other, without }: Row): string =>
  numberCell(
    [
      amount(rows as string),
      times(whole(-1), amount(overlap as string)),
      amount(other as string),
      amount(without as string),
    ].reduce(plus),
    6,
  )

export const isNear = (a: string, b: string, distance: number): boolean =>
  Math.abs(Number(plain(a)) - Number(plain(b))) <= distance
