import { type RawBuilder, sql } from 'kysely'
import type { Staged } from '../keep-last.ts'
import type { Merging } from './merging.ts'

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
