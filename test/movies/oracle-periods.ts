import type { FilmRecord } from './oracle-figures.ts'
import type { Grain, Params } from './oracle-reports.ts'

/** Periods as rows name them: `1995`, `1995-Q4`, `1995-11`, `1990s`, `all`. */

/** @returns null for a film that is in no period of the grain */
export function periodOf({ releaseDate, releasePrecision }: FilmRecord, grain: Grain): string | null {
  if (releaseDate === '') return null
  if (releasePrecision === 'year' && (grain === 'quarter' || grain === 'month')) return null
  return periodAt(releaseDate, grain)
}

function periodAt(date: string, grain: Grain): string {
  const year = date.slice(0, 4)
  const month = Number(date.slice(5, 7))
  if (grain === 'quarter') return `${year}-Q${Math.ceil(month / 3)}`
  if (grain === 'month') return date.slice(0, 7)
  if (grain === 'decade') return `${year.slice(0, 3)}0s`
  return grain === 'all' ? 'all' : year
}

/** The calendar year that it lies in; null for decades and all. */
export const yearOfPeriod = (period: string): number | null =>
  period === 'all' || period.endsWith('s') ? null : Number(period.slice(0, 4))

function lastDayOf(period: string): string {
  if (period.endsWith('s')) return `${period.slice(0, 3)}9-12-31`
  const year = period.slice(0, 4)
  const month = period.includes('Q') ? Number(period.slice(6)) * 3 : Number(period.slice(5, 7) || '12')
  return `${year}-${twoDigits(month)}-${daysIn(Number(year), month)}`
}

const twoDigits = (number: number) => String(number).padStart(2, '0')
const isLeap = (year: number) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
const daysIn = (year: number, month: number) =>
  month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31

/** Whether the data or the years asked for end within it, or the years asked for begin there. */
export function isPartial(period: string, { from, to }: Params, dataThrough: string | null): boolean {
  if (period === 'all') return false
  if (period.endsWith('s')) {
    const first = Number(period.slice(0, 4))
    if ((from !== undefined && from > first) || (to !== undefined && to < first + 9)) return true
  }
  return dataThrough !== null && lastDayOf(period) > dataThrough
}

/** The first period that ends after a date: that of the next day. */
export function partialFrom(dataThrough: string | null, grain: Grain): string | null {
  if (dataThrough === null || grain === 'all') return null
  const [year, month, day] = dataThrough.split('-').map(Number) as [number, number, number]
  const next = day < daysIn(year, month) ? [year, month, day + 1] : month < 12 ? [year, month + 1, 1] : [year + 1, 1, 1]
  const [nextYear, nextMonth, nextDay] = next as [number, number, number]
  return periodAt(`${String(nextYear).padStart(4, '0')}-${twoDigits(nextMonth)}-${twoDigits(nextDay)}`, grain)
}
