import { wholeCell } from './exact.ts'
import { isSelected, membersOf } from './oracle-dimensions.ts'
import { type FilmRecord, known } from './oracle-figures.ts'
import { counts, isWithin, suspicions } from './oracle-filters.ts'
import { type PriceIndexes, priced } from './oracle-prices.ts'
import { type DimensionName, filtersOf, type Params, REPORTS, type ReportName, withoutRows } from './oracle-reports.ts'

/** `meta.excluded`: films that no row counts though they pass every other filter, by reason. */
export function excluded(
  films: FilmRecord[],
  name: ReportName,
  params: Params,
  fileDate: string,
  prices: PriceIndexes,
): Record<string, string> {
  const { kind } = REPORTS[name]
  const { from, to, year, exclude_suspect, grain, ...others } = filtersOf(name, params)
  const years = { from, to, year }
  const filters = kind === 'film' ? others : withoutRows(others)
  const anyDate = !isOfPeriods(name, params) && from === undefined && to === undefined && year === undefined
  const passing = films.filter((film) => counts(film, filters, fileDate))
  const byMonth = (kind === 'cells' || kind === 'rankings') && (grain === 'quarter' || grain === 'month')
  const isSuspect = (film: FilmRecord) => suspicions(film, fileDate).length > 0
  const isUndated = (film: FilmRecord) => film.releaseDate === '' && !anyDate
  const isMonthUnknown = (film: FilmRecord) =>
    byMonth && film.releaseDate !== '' && film.releasePrecision === 'year' && isWithin(film, years)
  // Each reason counts what passes every other filter.
  const unsuspected = passing.filter((film) => !(exclude_suspect && isSuspect(film)))
  const suspected = passing.filter(
    (film) => isSuspect(film) && !isUndated(film) && !isMonthUnknown(film) && isWithin(film, years),
  )
  const isUnpriced = (film: FilmRecord) => {
    const { budget, revenue } = priced(film, params, prices)
    return (known(film.budget) !== null && budget === null) || (known(film.revenue) !== null && revenue === null)
  }
  const unpriced = () =>
    unsuspected.filter(
      (film) =>
        isWithin(film, years) &&
        !isUndated(film) &&
        !isMonthUnknown(film) &&
        isGrouped(film, name, params) &&
        isUnpriced(film),
    )
  return {
    undated: wholeCell(unsuspected.filter(isUndated).length),
    ...(byMonth ? { month_unknown: wholeCell(unsuspected.filter(isMonthUnknown).length) } : {}),
    ...(exclude_suspect ? { suspect: wholeCell(suspected.length) } : {}),
    ...(params.prices === 'real' ? { price_unknown: wholeCell(unpriced().length) } : {}),
  }
}

/** Whether each row is of a period, so that an undated film is in none. */
export const isOfPeriods = (name: ReportName, { by }: Params) => {
  const { kind } = REPORTS[name]
  if (kind === 'top-films') return by === undefined || by === 'year' || by === 'decade'
  return kind === 'cells' || kind === 'rankings' || (kind === 'ratings' && by === 'year')
}

/** Whether the film has what the report groups by. */
function isGrouped(film: FilmRecord, name: ReportName, params: Params): boolean {
  const { kind, by } = REPORTS[name]
  if (kind === 'roi' && params.by === 'budget_band') return known(film.budget) !== null
  const group = kind === 'roi' ? (params.by ?? 'genre') : params.by
  const dimensions: DimensionName[] =
    kind === 'rankings'
      ? [params.dimension ?? 'company']
      : (kind === 'roi' || kind === 'top-films') && (group === 'genre' || group === 'company')
        ? [group]
        : by
  return dimensions.every((dimension) =>
    membersOf(film, dimension, params).some((member) => isSelected(member, dimension, params)),
  )
}
