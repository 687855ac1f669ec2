import { wholeCell } from './exact.ts'
import type { FilmRecord } from './oracle-figures.ts'
import { counts, isWithin, suspicions } from './oracle-filters.ts'
import { filtersOf, type Params, REPORTS, type ReportName, withoutRows } from './oracle-reports.ts'

/** `meta.excluded`: films that no row counts though they pass every other filter, by reason; for the reports that have it. */
export function excluded(
  films: FilmRecord[],
  name: ReportName,
  params: Params,
  fileDate: string,
): Record<string, string> | undefined {
  const { kind } = REPORTS[name]
  if (!['cells', 'film', 'rankings'].includes(kind)) return undefined
  const { from, to, year, exclude_suspect, grain, ...others } = filtersOf(name, params)
  const years = { from, to, year }
  const filters = kind === 'film' ? others : withoutRows(others)
  const anyDate = kind === 'film' && from === undefined && to === undefined && year === undefined
  const passing = films.filter((film) => counts(film, filters, fileDate))
  const byMonth = kind === 'cells' && (grain === 'quarter' || grain === 'month')
  const isSuspect = (film: FilmRecord) => suspicions(film, fileDate).length > 0
  const isUndated = (film: FilmRecord) => film.releaseDate === '' && !anyDate
  const isMonthUnknown = (film: FilmRecord) =>
    byMonth && film.releaseDate !== '' && film.releasePrecision === 'year' && isWithin(film, years)
  // Each reason counts what passes every other filter.
  const unsuspected = passing.filter((film) => !(exclude_suspect && isSuspect(film)))
  const suspected = passing.filter(
    (film) => isSuspect(film) && !isUndated(film) && !isMonthUnknown(film) && isWithin(film, years),
  )
  return {
    undated: wholeCell(unsuspected.filter(isUndated).length),
    ...(byMonth ? { month_unknown: wholeCell(unsuspected.filter(isMonthUnknown).length) } : {}),
    ...(exclude_suspect ? { suspect: wholeCell(suspected.length) } : {}),
  }
}
