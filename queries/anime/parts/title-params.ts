import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { idList, names, once, year } from '../../params.ts'
import type { Scope } from '../../report.ts'
import { fact } from './tables.ts'

const SEASONS = ['winter', 'spring', 'summer', 'fall'] as const

/** Which titles count. Every report on titles takes these, and so does the list of titles, so that its rows add up to a figure. */
export const titleParams = {
  genre_id: idList('Titles of these genres'),
  studio_id: idList('Titles of these studios'),
  producer_id: idList('Titles of these producers'),
  licensor_id: idList('Titles of these licensors'),
  type: names('Titles of these types: `TV`, `Movie`, `OVA`, `Special`, `ONA`, `Music`'),
  season: once
    .pipe(z.enum(SEASONS, `takes ${SEASONS.join(', ')}`))
    .optional()
    .describe('Titles that came out in this season, of any year'),
  from: year('First year, inclusive'),
  to: year('Last year, inclusive'),
}

export type TitleParams = z.output<z.ZodObject<typeof titleParams>> & { year?: number | undefined }

export const LINKS = ['genre', 'studio', 'producer', 'licensor'] as const
export type Link = (typeof LINKS)[number]

/** Conditions on title `t`. @param but the list whose rows the report is of: its ids select rows, not titles */
export function counts(scope: Scope, params: TitleParams, but?: Link): RawBuilder<boolean> {
  const linked = LINKS.flatMap((link) => {
    const ids = params[`${link}_id`]
    if (ids === undefined || link === but) return []
    return sql`exists (
      select from ${fact(scope, `title_${link}`)} link
      where link.load_id = ${scope.load} and link.anime_id = t.anime_id and ${sql.ref(`link.${link}_id`)} = any(${ids}::bigint[]))`
  })
  const { type, season } = params
  const own = [
    ...(type === undefined ? [] : [sql`t.type = any(${type}::text[])`]),
    ...(season === undefined ? [] : [sql`t.season = ${season}`]),
    ...within(params),
  ]
  return all([...linked, ...own])
}

/** The years that are asked for. */
function within({ from, to, year }: TitleParams): RawBuilder<unknown>[] {
  return [
    ...(from === undefined ? [] : [sql`t.year >= ${from}`]),
    ...(to === undefined ? [] : [sql`t.year <= ${to}`]),
    ...(year === undefined ? [] : [sql`t.year = ${year}`]),
  ]
}

/** Whether the years would leave undated titles out. */
export const asksYears = (params: TitleParams): boolean => within(params).length > 0

export const all = (conditions: RawBuilder<unknown>[]): RawBuilder<boolean> =>
  conditions.length === 0 ? sql<boolean>`true` : sql<boolean>`${sql.join(conditions, sql` and `)}`
