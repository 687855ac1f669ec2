import { sql, type Transaction } from 'kysely'
import type { MergeResult, MergeScope } from '../subject.ts'
import { Merging } from './merging.ts'
import { ratings } from './ratings.ts'
import { statuses } from './statuses.ts'
import { synopses } from './synopses.ts'
import { titles } from './titles.ts'

/** In the order in which they are merged: each rests on those before it. */
export const families = [titles, synopses, statuses, ratings]

/** From what was read to a snapshot. Everything is set-based, and the order of lines decides nothing but which record of one thing wins. */
export async function merge(trx: Transaction<unknown>, scope: MergeScope): Promise<MergeResult> {
  const merging = new Merging(trx, scope)
  for (const family of families) await family.merge(merging)
  const { base } = scope.part(titles)
  const until = base && base.fileDate > scope.fileDate ? base.fileDate : scope.fileDate
  const covered = await sql<{ data_through: string | null }>`
    select max(aired_from) as data_through from ${scope.table('title')} where aired_from <= ${until}::date`.execute(trx)
  return { rowCounts: merging.rowCounts, notes: [], dataThrough: covered.rows[0]?.data_through ?? null }
}
