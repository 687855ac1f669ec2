import { type RawBuilder, sql } from 'kysely'
import { calendarDate } from '../../../ingest/cells.ts'
import { idList, names, once } from '../../params.ts'

/** A year, month or day, such as it is written: its first day, and the first that is not its any more. */
const span = (text: string): [from: string, before: string] => {
  const [year = 0, month, day] = text.split('-').map(Number)
  const next = (y: number, m: number, d: number) => new Date(Date.UTC(y, m - 1, d)).toISOString().slice(0, 10)
  const first = next(year, month ?? 1, day ?? 1)
  if (month === undefined) return [first, next(year + 1, 1, 1)]
  return day === undefined ? [first, next(year, month + 1, 1)] : [first, next(year, month, day + 1)]
}

const moment = (what: string) =>
  once
    .regex(/^\d{4}(-\d{2}(-\d{2})?)?$/, 'takes a year, a month or a day: 2018, 2018-11 or 2018-11-15')
    .refine((text) => {
      const [year = 0, month = 1, day = 1] = text.split('-').map(Number)
      return calendarDate(year, month, day) !== null
    }, 'is not in the calendar')
    .optional()
    .describe(what)

export interface Choice {
  from?: string | undefined
  to?: string | undefined
  level?: string[] | undefined
  location?: string[] | undefined
  agent_family?: string[] | undefined
  user_id?: number[] | undefined
}

/** Parameters by which events are chosen. */
export const choiceParams = {
  from: moment('First year, month or day (UTC)'),
  to: moment('Last year, month or day, inclusive'),
  level: names('Level of the user at that time: `free`, `paid`'),
  // Places have commas of their own.
  location: once
    .min(1, 'takes at least one character')
    .max(2000, 'takes at most 2,000 characters')
    .refine((text) => !text.includes('\0') && text.isWellFormed(), 'holds a character that is no text')
    .transform((text) => text.split('|').sort())
    .optional()
    .describe('Where the user was; several separated by `|` (any of them)'),
  agent_family: names('Browser of the user: `Chrome`'),
  user_id: idList('Users'),
}

/** Conditions on an event, by the name of its table. */
export function chosen(
  alias: string,
  { from, to, level, location, agent_family, user_id }: Choice,
): RawBuilder<boolean> {
  const at = (column: string) => sql.ref(`${alias}.${column}`)
  const midnight = (date: string) => sql`${date}::timestamp at time zone 'UTC'`
  const conditions = [
    sql`true`,
    ...(from === undefined ? [] : [sql`${at('start_time')} >= ${midnight(span(from)[0])}`]),
    ...(to === undefined ? [] : [sql`${at('start_time')} < ${midnight(span(to)[1])}`]),
    ...(level === undefined ? [] : [sql`${at('level')} = any(${level}::text[])`]),
    ...(location === undefined ? [] : [sql`${at('location')} = any(${location}::text[])`]),
    ...(agent_family === undefined ? [] : [sql`${at('agent_family')} = any(${agent_family}::text[])`]),
    ...(user_id === undefined ? [] : [sql`${at('user_id')} = any(${user_id}::bigint[])`]),
  ]
  return sql<boolean>`(${sql.join(conditions, sql` and `)})`
}

export const contradiction = ({ from, to }: Pick<Choice, 'from' | 'to'>) =>
  from !== undefined && to !== undefined && span(from)[0] >= span(to)[1]
    ? { parameter: 'from', detail: 'is after to, so nothing is between them' }
    : undefined
