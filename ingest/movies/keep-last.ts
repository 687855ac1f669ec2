import { type RawBuilder, sql } from 'kysely'
import type { Merging } from './merging.ts'

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

/** Table `kept`: the last record of each key. The others go to the ledger, where it says whether they differed. */
export async function keepLast({ trx, scope }: Merging, { stage, kept, key, thing }: Staged): Promise<void> {
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
export async function leaveKnown(merging: Merging, staged: Staged, known: RawBuilder<unknown>): Promise<void> {
  if (!merging.isReplay) return
  const { trx, scope } = merging
  await sql`
    with known as (delete from ${sql.table(staged.kept)} kept where ${known} returning record)
    insert into reelhouse.reject (load_id, file, line, code, severity, column_name, reason)
    select ${scope.loadId}, file.name, found.line, 'superseded', 'duplicate', null,
           format('%s is in the published load already; that one is kept', ${staged.thing})
    from known join ${sql.table(staged.stage)} found using (record)
    join reelhouse.load_file file on file.load_id = ${scope.loadId} and file.file_no = found.file_no`.execute(trx)
}

const absence = (film: RawBuilder<unknown>) => sql`format('the load has no film %s', ${film})`

/** Whether the film that was absent from an earlier load is one that this load brings, and tells nothing of by a record of its own. */
export const hasCome =
  ({ stage }: Staged) =>
  (baseId: number): RawBuilder<boolean> =>
    sql`
    waiting.code = 'film_absent' and waiting.reason in (
      select ${absence(sql`film_id`)} from stage_film come
      where film_id is not null
        and not exists (select from movies.film before where before.load_id = ${baseId} and before.film_id = come.film_id)
        and not exists (select from ${sql.table(stage)} own where own.film_id = come.film_id))`

/** Texts of unmatched records that are kept for a replay; all of them are entered and counted. */
const TEXTS_KEPT = 10_000

/** Sound records of films that the load does not have: they go to the ledger, with their text, so that a later load may have them. */
export async function leaveUnmatched(merging: Merging, { stage, kept }: Staged): Promise<void> {
  const { trx, scope } = merging
  const left = await sql<{ file: string; records: number }>`
    with absent as (
      delete from ${sql.table(kept)} kept
      where not exists (select from ${scope.table('film')} film where film.film_id = kept.film_id)
      returning record, film_id),
    placed as (
      select name as file, line, absent.film_id, text, row_number() over (partition by file_no order by line) as place
      from absent join ${sql.table(stage)} found using (record)
      join reelhouse.load_file file using (file_no) where file.load_id = ${scope.loadId}),
    entered as (
      insert into reelhouse.reject (load_id, file, line, code, severity, column_name, reason, record)
      select ${scope.loadId}, file, line, 'film_absent', 'unmatched', null, ${absence(sql`film_id`)},
             case when place <= ${TEXTS_KEPT} then text end
      from placed order by file, line)
    select file, count(*)::integer as records from placed group by file having count(*) > ${TEXTS_KEPT} order by file`.execute(
    trx,
  )
  for (const { file, records } of left.rows)
    merging.notes.push(
      `${file} has ${records.toLocaleString('en')} records of films that the load does not have; the texts of the first ${TEXTS_KEPT.toLocaleString('en')} are kept for a replay`,
    )
}
