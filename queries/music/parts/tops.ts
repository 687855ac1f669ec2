import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { wholeNumber } from '../../params.ts'
import { column, type Scope } from '../../report.ts'
import { type Choice, choiceParams, chosen } from './params.ts'
import { plays } from './tables.ts'

/** What the reports of the most played have in common. */
export const topParams = z.strictObject({
  ...choiceParams,
  min_plays: wholeNumber(1, 999_999_999, 'Only those with at least so many plays'),
})

export const topColumns = {
  plays: column.count('Plays', 'plays'),
  listeners: column.count('Users who played it', 'users'),
  sessions: column.count('Sessions in which it was played', 'sessions'),
  matched_plays: column.count('Plays that match a song of the catalog', 'plays'),
  last_played: column.instant('When it was played last'),
}

/**
 * Plays added up by what the log calls the thing.
 * @param by columns of the log
 * @param more columns beside
 */
export const tops = (
  scope: Scope,
  { min_plays, ...choice }: Choice & { min_plays?: number | undefined },
  by: string[],
  more: RawBuilder<unknown>[],
): RawBuilder<Record<string, unknown>> => sql<Record<string, unknown>>`(
  select ${sql.join([...by.map((name) => sql.ref(name)), ...more])},
         count(*) as plays, count(distinct user_id) as listeners, count(distinct session_id) as sessions, count(song_id) as matched_plays,
         max(start_time) as last_played
  from ${plays(scope)} where ${chosen('play', choice)}
  group by ${sql.join(by.map((name) => sql.ref(name)))}
  having ${min_plays === undefined ? sql`true` : sql`count(*) >= ${min_plays}`})`
