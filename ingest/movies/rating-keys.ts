import { sql, type Transaction } from 'kysely'
import pg from 'pg'
import type { MergeScope } from '../subject.ts'

/** The primary key of a load's ratings, which is its partition's own, and what stands in its way. */

const UNIQUE_VIOLATION = '23505'

/** @returns false, with nothing changed, when a user rated a film twice */
export async function enterKeys(trx: Transaction<unknown>, { table }: MergeScope): Promise<boolean> {
  await sql`savepoint keys`.execute(trx)
  try {
    await sql`alter table ${table('rating')} add primary key (movielens_id, user_id)`.execute(trx)
    await sql`release savepoint keys`.execute(trx)
    return true
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION)) throw error
    await sql`rollback to savepoint keys`.execute(trx)
    return false
  }
}

/** Repeated ratings that are named one by one; of a file that was joined to itself there would be millions. */
const NAMED = 10_000

/**
 * Of a user's ratings of one film the last one stays. Rows lie in the order of the file's lines, as one COPY wrote them; `bulk_line`
 * says by how much the number of a row and that of its line part from a row on.
 */
export async function removeRepeated(trx: Transaction<unknown>, { table, loadId }: MergeScope): Promise<void> {
  const rating = table('rating')
  // Only a plain scan from the first page on meets the rows in their order.
  await sql`set local synchronize_seqscans = off`.execute(trx)
  await sql`set local max_parallel_workers_per_gather = 0`.execute(trx)
  await sql`
    create temporary table repeated on commit drop as
    with keys as materialized (
      select movielens_id, user_id from ${rating} group by movielens_id, user_id having count(*) > 1)
    select heap, nth, movielens_id, user_id, rating, rated_at,
           last_value(nth) over whole as last_nth, last_value((rating, rated_at)) over whole = (rating, rated_at) as same
    from (select ctid as heap, row_number() over () - 1 as nth, movielens_id, user_id, rating, rated_at from ${rating}) as read
    join keys using (movielens_id, user_id)
    window whole as (partition by movielens_id, user_id order by nth rows between unbounded preceding and unbounded following)`.execute(
    trx,
  )
  await sql`reset synchronize_seqscans`.execute(trx)
  await sql`reset max_parallel_workers_per_gather`.execute(trx)
  await sql`create index on bulk_line (first_row)`.execute(trx)
  await sql`delete from repeated where nth = last_nth`.execute(trx)
  await sql`delete from ${rating} where ctid in (select heap from repeated)`.execute(trx)
  const line = (nth: 'nth' | 'last_nth') => sql`
    ${sql.ref(nth)} + (select shift from bulk_line where first_row <= ${sql.ref(nth)} order by first_row desc limit 1)`
  await sql`
    insert into reelhouse.reject (load_id, file, line, code, severity, reason, records)
    with file as (select name from reelhouse.load_file where load_id = ${loadId} and file_no = (select min(file_no) from bulk_line)),
    placed as (
      select *, case when same then 'identical' else 'superseded' end as code, row_number() over (order by nth) as place from repeated)
    select ${loadId}::integer, name, ${line('nth')}, code, 'duplicate',
           format('the rating of MovieLens id %s by user %s stands again at line %s%s', movielens_id, user_id, ${line('last_nth')},
                  case when same then ', the same' else ', with other values; the last one is kept' end), 1
    from placed, file where place <= ${NAMED}
    union all
    select ${loadId}::integer, name, min(${line('nth')}), code, 'duplicate',
           format('from here on %s more ratings stand again further down', to_char(count(*), 'FM999,999,999,999')), count(*)
    from placed, file where place > ${NAMED} group by name, code`.execute(trx)
}
