import { type RawBuilder, sql, type Transaction } from 'kysely'
import pg from 'pg'
import type { MergeScope } from './subject.ts'

/** The primary key of a fact that was copied from a file, which is its partition's own, and what stands in its way. */
export interface Keyed {
  fact: string
  key: string[]
  /** The other columns that the file fills. */
  values: string[]
  /** What a row is, for a sentence, from its columns. */
  thing: RawBuilder<unknown>
  /** What rows are together: `ratings`. */
  things: string
}

const UNIQUE_VIOLATION = '23505'

const refs = (names: string[]) => sql.join(names.map((name) => sql.ref(name)))

/** @returns false, with nothing changed, when a key stands more than once */
export async function enterKeys(
  trx: Transaction<unknown>,
  { table }: MergeScope,
  { fact, key }: Keyed,
): Promise<boolean> {
  await sql`savepoint keys`.execute(trx)
  try {
    await sql`alter table ${table(fact)} add primary key (${refs(key)})`.execute(trx)
    await sql`release savepoint keys`.execute(trx)
    return true
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION)) throw error
    await sql`rollback to savepoint keys`.execute(trx)
    return false
  }
}

/** Runs a statement that numbers the rows of a copied fact as they lie: only a plain scan from the first page on meets them in the order of lines. */
export async function inOrderOfLines(trx: Transaction<unknown>, statement: RawBuilder<unknown>): Promise<void> {
  await sql`set local synchronize_seqscans = off`.execute(trx)
  await sql`set local max_parallel_workers_per_gather = 0`.execute(trx)
  await statement.execute(trx)
  await sql`reset synchronize_seqscans`.execute(trx)
  await sql`reset max_parallel_workers_per_gather`.execute(trx)
}

/** The line of a row, by a column that has its number among all that were copied. */
export const lineOf = (nth: string): RawBuilder<number> => sql<number>`
  ${sql.ref(nth)} + (select shift from bulk_line where first_row <= ${sql.ref(nth)} order by first_row desc limit 1)`

/** The file that was copied, by its name. */
export const copiedFile = (loadId: number): RawBuilder<unknown> => sql`
  select name from reelhouse.load_file where load_id = ${loadId} and file_no = (select min(file_no) from bulk_line)`

/** Repeated records that are named one by one; of a file that was joined to itself there would be millions. */
const NAMED = 10_000

/**
 * Of the rows of one key the last one stays. Rows lie in the order of the file's lines, as one COPY wrote them; `bulk_line`
 * says by how much the number of a row and that of its line part from a row on.
 */
export async function removeRepeated(
  trx: Transaction<unknown>,
  { table, loadId }: MergeScope,
  { fact, key, values, thing, things }: Keyed,
): Promise<void> {
  const rows = table(fact)
  const row = refs([...key, ...values])
  await findRepeated(trx, rows, key)
  // Nearly always few: known to be, they are what all rows are held against.
  await sql`analyze repeated_key`.execute(trx)
  await inOrderOfLines(
    trx,
    sql`
    create temporary table repeated on commit drop as
    select heap, nth, ${row},
           last_value(nth) over whole as last_nth, last_value(row(${refs(values)})) over whole = row(${refs(values)}) as same
    from (select ctid as heap, row_number() over () - 1 as nth, ${row} from ${rows}) as read
    join repeated_key using (${refs(key)})
    window whole as (partition by ${refs(key)} order by nth rows between unbounded preceding and unbounded following)`,
  )
  await sql`delete from repeated where nth = last_nth`.execute(trx)
  await sql`delete from ${rows} where ctid in (select heap from repeated)`.execute(trx)
  await sql`
    insert into reelhouse.reject (load_id, file, line, code, severity, reason, records)
    with file as (${copiedFile(loadId)}),
    placed as (
      select *, case when same then 'identical' else 'superseded' end as code, row_number() over (order by nth) as place from repeated)
    select ${loadId}::integer, name, ${lineOf('nth')}, code, 'duplicate',
           format('%s stands again at line %s%s', ${thing}, ${lineOf('last_nth')},
                  case when same then ', the same' else ', with other values; the last one is kept' end), 1
    from placed, file where place <= ${NAMED}
    union all
    select ${loadId}::integer, name, min(${lineOf('nth')}), code, 'duplicate',
           format('from here on %s more %s stand again further down', to_char(count(*), 'FM999,999,999,999'), ${things}::text), count(*)
    from placed, file where place > ${NAMED} group by name, code`.execute(trx)
}

/**
 * Table `repeated_key`. An index, and a walk along it, take half the time of gathering all keys in a table of hashes: most of them are
 * there once, so that table would be as large as the fact.
 */
async function findRepeated(trx: Transaction<unknown>, rows: RawBuilder<unknown>, key: string[]): Promise<void> {
  await sql`create index on ${rows} (${refs(key)})`.execute(trx)
  const others = ['seqscan', 'bitmapscan', 'hashagg', 'sort']
  for (const way of others) await sql`set local ${sql.raw(`enable_${way}`)} = off`.execute(trx)
  await sql`
    create temporary table repeated_key on commit drop as
    select ${refs(key)} from ${rows} group by ${refs(key)} having count(*) > 1`.execute(trx)
  for (const way of others) await sql`set local ${sql.raw(`enable_${way}`)} = default`.execute(trx)
  const made = await sql<{ index: string }>`
    select indexrelid::regclass::text as index from pg_index where indrelid = ${rows.compile(trx).sql}::regclass`.execute(
    trx,
  )
  for (const { index } of made.rows) await sql`drop index ${sql.raw(index)}`.execute(trx)
}
