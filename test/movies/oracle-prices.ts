import { dividedBy, type Fraction, fraction, plus, times, whole, wholeCell } from './exact.ts'
import { type FilmRecord, known, type Portion, type Row } from './oracle-figures.ts'
import type { Params } from './oracle-reports.ts'

/** Money of other years in the prices of one. */

export interface PriceSeries {
  file: string
  /** Its digest, in hexadecimal. */
  sha256: string
  /** The load that read it. */
  loadId: number
  /** Month, `YYYY-MM`, to its value as the file writes it; blank or `.` where it has none. */
  months: Map<string, string>
}

/** By name. */
export type PriceIndexes = Map<string, PriceSeries>

const DEFAULT = 'CPIAUCSL'

function valueIn({ months }: PriceSeries, month: string): Fraction | null {
  const text = months.get(month) ?? ''
  return text === '' || text === '.' ? null : fraction(text)
}

const monthsOf = (year: number) =>
  Array.from({ length: 12 }, (_, index) => `${String(year).padStart(4, '0')}-${String(index + 1).padStart(2, '0')}`)

/** Years with all of their twelve values, in order. */
export const wholeYears = (series: PriceSeries): number[] =>
  [...new Set([...series.months.keys()].map((month) => Number(month.slice(0, 4))))]
    .filter((year) => monthsOf(year).every((month) => valueIn(series, month) !== null))
    .sort((a, b) => a - b)

interface Chosen {
  name: string
  series: PriceSeries
  baseYear: number
}

function chosen(indexes: PriceIndexes, { price_index = DEFAULT, base_year }: Params): Chosen {
  const series = indexes.get(price_index)
  const baseYear = base_year ?? (series && wholeYears(series).at(-1))
  if (!series || baseYear === undefined) throw new Error(`${price_index} is no series that can be asked for`)
  return { name: price_index, series, baseYear }
}

/** A film as it counts in full: in the dollars of its source, or in those of the base year, to the cent. */
export function priced(film: FilmRecord, params: Params, indexes: PriceIndexes): Portion {
  const value = (money: string): bigint | null => {
    const nominal = known(money)
    if (nominal === null || params.prices !== 'real') return nominal === null ? null : nominal * 100n
    if (film.releaseDate === '' || film.releasePrecision === 'year') return null
    const { series, baseYear } = chosen(indexes, params)
    const then = valueIn(series, film.releaseDate.slice(0, 7))
    if (then === null) return null
    const twelve = monthsOf(baseYear).map((month) => valueIn(series, month) as Fraction)
    const mean = dividedBy(twelve.reduce(plus), whole(12))
    return roundHalfUp(times(whole(nominal * 100n), dividedBy(mean, then)))
  }
  return { film, budget: value(film.budget), revenue: value(film.revenue), share: whole(1) }
}

/** @param number not below zero */
const roundHalfUp = ({ over, under }: Fraction): bigint => (2n * over + under) / (2n * under)

/** `meta.prices`. */
export function pricesMeta(params: Params, indexes: PriceIndexes): Row | undefined {
  if (params.prices !== 'real') return undefined
  const { name, series, baseYear } = chosen(indexes, params)
  const months = [...series.months.keys()].filter((month) => valueIn(series, month) !== null).sort()
  return {
    price_index: name,
    base_year: wholeCell(baseYear),
    from: months[0] as string,
    to: months.at(-1) as string,
    gaps: wholeCell(monthsBetween(months[0] as string, months.at(-1) as string) - months.length),
    load: wholeCell(series.loadId),
    file: series.file,
    sha256: series.sha256,
  }
}

/** How many there are, both counted. */
function monthsBetween(first: string, last: string): number {
  const number = (month: string) => Number(month.slice(0, 4)) * 12 + Number(month.slice(5))
  return number(last) - number(first) + 1
}
