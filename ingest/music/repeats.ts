import { type RawBuilder, sql, type Transaction } from 'kysely'
import type { MergeScope } from '../subject.ts'

/** Whether a row's load is one of these. */
export const shows = (column: string, loads: string): RawBuilder<boolean> =>
  sql<boolean>`${sql.ref(column)} <@ ${loads}::int4multirange`

/**
 * Enters as duplicates what a statement takes away.
 * @param taken a statement that returns (file_no, line, code, reason)
 * @returns how many
 */
export async function enterRepeats(
  trx: Transaction<unknown>,
  { loadId }: Pick<MergeScope, 'loadId'>,
  taken: RawBuilder<unknown>,
): Promise<number> {
  const { numAffectedRows } = await sql`
    with taken as (${taken})
    insert into reelhouse.reject (load_id, file, line, code, severity, column_name, reason)
    select ${loadId}, file.name, taken.line, taken.code, 'duplicate', null, taken.reason
    from taken join reelhouse.load_file file on file.load_id = ${loadId} and file.file_no = taken.file_no`.execute(trx)
  return Number(numAffectedRows ?? 0)
}
