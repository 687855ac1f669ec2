import { z } from 'zod'
import { calendarDate, shown, text } from '../cells.ts'
import type { Day, Season } from './title.ts'

/** When a title was on air, and in which season it came out, as the site writes it. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const SEASONS: Season[] = ['winter', 'spring', 'summer', 'fall']

export interface Aired {
  from: Day | null
  /** Null while it goes on, and where one day is told. */
  to: Day | null
}

/** `Apr 3, 1998 to Apr 24, 1999`, `Oct 4, 2015 to ?`, `Jul 2000`, `2001`. */
export const aired = text.transform((value, context): Aired => {
  if (value === null || value === 'Not available') return { from: null, to: null }
  const [from, to, ...more] = value.split(' to ').map(dayOf)
  if (from !== undefined && to !== undefined && more.length === 0) return { from, to }
  if (from !== undefined && !value.includes(' to ')) return { from, to: null }
  context.addIssue({
    code: 'custom',
    message: `${shown(value)} is not a time on air, such as Apr 3, 1998 to Apr 24, 1999`,
    params: { code: 'bad_aired' },
  })
  return z.NEVER
})

/** Null for `?`, undefined for what is no day. */
function dayOf(text: string): Day | null | undefined {
  if (text === '?') return null
  const [, name, day, year] = /^(?:([A-Z][a-z]{2}),? )?(?:(\d{1,2}), )?(\d{4})$/.exec(text) ?? []
  if (year === undefined || (day !== undefined && name === undefined)) return undefined
  const month = name === undefined ? 1 : MONTHS.indexOf(name) + 1
  const date = calendarDate(Number(year), month, Number(day ?? 1))
  if (date === null) return undefined
  return { date, precision: day !== undefined ? 'day' : name !== undefined ? 'month' : 'year' }
}

interface Premiere {
  year: number
  season: Season | null
}

/** `Spring 1998`. */
export const premiered = text.transform((value, context): Premiere | null => {
  if (value === null) return null
  const [, season = '', year] = /^([A-Za-z]+) ([1-9]\d{3})$/.exec(value) ?? []
  const known = SEASONS.find((name) => name === season.toLowerCase())
  if (known && year !== undefined) return { year: Number(year), season: known }
  context.addIssue({
    code: 'custom',
    message: `${shown(value)} is not a season and a year, such as Spring 1998`,
    params: { code: 'bad_premiered' },
  })
  return z.NEVER
})

/** The year and season of a title: of its premiere, or else of the day on which it began. */
export function premiereOf(
  premiered: Premiere | null,
  from: Day | null,
): { year: number | null; season: Season | null } {
  if (premiered) return premiered
  if (!from) return { year: null, season: null }
  const month = Number(from.date.slice(5, 7))
  const season = from.precision === 'year' ? null : (SEASONS[Math.floor((month - 1) / 3)] as Season)
  return { year: Number(from.date.slice(0, 4)), season }
}
