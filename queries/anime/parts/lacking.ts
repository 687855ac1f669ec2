import { sql } from 'kysely'
import type { Rows, Scope } from '../../report.ts'
import type { AnimeDb } from './tables.ts'

/** Whether the load has ratings, so that a title without any has none and not an unknown number. */
export const hasRatings = ({ readBy }: Scope): boolean => readBy.ratings !== undefined

/** What reports on ratings lack where the load has none. */
export const lacking = (db: AnimeDb, scope: Scope): Rows<{ lacking: string[] }> | undefined =>
  hasRatings(scope)
    ? undefined
    : db.selectFrom(sql<{ lacking: string[] }>`(select array['ratings'] as lacking)`.as('found')).select('lacking')
