import { sql, type Transaction } from 'kysely'
import type { MergeResult, MergeScope } from '../subject.ts'
import { credits } from './credits.ts'
import { films } from './films.ts'
import { identifyByName } from './identify.ts'
import { keywords } from './keywords.ts'
import { links } from './links.ts'
import { Merging } from './merging.ts'
import { priceIndexes } from './price-indexes.ts'
import { ratings } from './ratings.ts'

/** In the order in which they are merged: each rests on those before it. */
export const families = [films, credits, keywords, links, ratings, priceIndexes]

/**
 * From what was read to a snapshot: one record of each thing survives, names become ids where the source has none, and what is left
 * over is entered in the ledger. Everything is set-based, and the order of lines decides nothing but which record of one thing wins.
 */
export async function merge(trx: Transaction<unknown>, scope: MergeScope): Promise<MergeResult> {
  await identifyByName(trx, scope.format)
  const merging = new Merging(trx, scope, films)
  for (const family of families) await family.merge(merging)
  const { base } = scope.part(films)
  const until = base && base.fileDate > scope.fileDate ? base.fileDate : scope.fileDate
  const covered = await sql<{ data_through: string | null }>`
    select max(release_date) as data_through from ${scope.table('film')}
    where release_date <= ${until}::date and (status is null or status = 'Released')`.execute(trx)
  return {
    rowCounts: merging.rowCounts,
    notes: merging.notes,
    dataThrough: covered.rows[0]?.data_through ?? null,
  }
}
