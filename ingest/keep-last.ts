import { type RawBuilder, sql, type Transaction } from 'kysely'
import type { MergeScope } from './subject.ts'

/** Columns by which a staged record is known, and found again in its file. */
export const recordColumns = { record: 'bigint', file_no: 'smallint', line: 'bigint', digest: 'text' }

/** Staged records of a family, and the table that will name those that count. */
export interface Staged {
  stage: string
  kept: string
  /** Columns that say what a record is of. */
  key: string[]
  /** What a record is of, for a sentence, from the staged row `found`. */
  thing: RawBuilder<unknown>
}

/** The transaction of a load, and what it fills. */
export interface Merge {
  trx: Transaction<unknown>
  scope: MergeScope
}

/** Whether records that another load rejected, or had nothing for, are read again. */
export const isReplay = ({ sourceLoadId, loadId }: MergeScope): boolean => sourceLoadId !== loadId

/** Table `kept`: the last record of each key. The others go to the ledger, where it says whether they differed. */
export async function keepLast({ trx, scope }: Merge, { stage, kept, key, thing }: Staged): Promise<void> {
  const columns = sql.join(key.map((column) => sql.ref(column)))
  await sql`
    create temporary table ${sql.table(kept)} on commit drop as
    select distinct on (${columns}) record, ${columns} from ${sql.table(stage)} order by ${columns}, record desc`.execute(
    trx,
  )
  await sql`create unique index on ${sql.table(kept)} (record)`.execute(trx)
  await sql`create unique index on ${sql.table(kept)} (${columns})`.execute(trx)
  await sql`analyze ${sql.table(kept)}`.execute(trx)
  await sql`
    insert into reelhouse.reject (load_id, file, line, code, severity, column_name, reason)
    select ${scope.loadId}, file.name, found.line,
           case when found.digest = last.digest then 'identical' else 'superseded' end, 'duplicate', null,
           format('%s stands again at line %s%s', ${thing}, last.line,
                  case when found.digest = last.digest then ', the same' else ', with other values; the last one is kept' end)
    from ${sql.table(stage)} found
    join ${sql.table(kept)} kept using (${columns})
    join ${sql.table(stage)} last on last.record = kept.record
    join reelhouse.load_file file on file.load_id = ${scope.loadId} and file.file_no = found.file_no
    where found.record <> kept.record`.execute(trx)
}

/**
 * Of replayed records, those of what the published load has already are left: it may have them from a later file.
 * @param known a condition on `kept`
 */
export async function leaveKnown({ trx, scope }: Merge, staged: Staged, known: RawBuilder<unknown>): Promise<void> {
  if (!isReplay(scope)) return
  await sql`
    with known as (delete from ${sql.table(staged.kept)} kept where ${known} returning record)
    insert into reelhouse.reject (load_id, file, line, code, severity, column_name, reason)
    select ${scope.loadId}, file.name, found.line, 'superseded', 'duplicate', null,
           format('%s is in the published load already; that one is kept', ${staged.thing})
    from known join ${sql.table(staged.stage)} found using (record)
    join reelhouse.load_file file on file.load_id = ${scope.loadId} and file.file_no = found.file_no`.execute(trx)
}
