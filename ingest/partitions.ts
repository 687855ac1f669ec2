import { sql, type Transaction } from 'kysely'
import { tableOfLoad } from '../queries/report.ts'
import type { Parts } from './families.ts'
import type { Subject } from './subject.ts'

/**
 * A load fills tables of its own, apart from those that readers use, and attaches them as partitions at the end of its
 * transaction. `create table … partition of` would be shorter, but it locks every reader out.
 */

/** Name of one load's partition of a fact table. */
export const partitionOf = (subject: Subject, fact: string, loadId: number) =>
  sql.table(`${subject.name}.${tableOfLoad(fact, loadId)}`)

/** The facts that a load has partitions of, each after those that it references. */
export const factsOfLoad = (parts: Parts) =>
  [...parts].flatMap(([family, { read }]) => [...family.facts, ...(read ? family.heavyFacts : [])])

/** Makes the empty tables: no keys or indexes yet, they are built once, over the finished rows. */
export async function createPartitions(
  trx: Transaction<unknown>,
  subject: Subject,
  loadId: number,
  facts: string[],
): Promise<void> {
  for (const fact of facts) {
    const partition = partitionOf(subject, fact, loadId)
    await sql`
      create table ${partition} (like ${sql.table(`${subject.name}.${fact}`)}
        including defaults including constraints including generated including storage)`.execute(trx)
    // For the rows of files that are copied as they are.
    await sql`alter table ${partition} alter column load_id set default ${sql.lit(loadId)}`.execute(trx)
    // Lets the attachment trust the rows instead of reading them again.
    await sql`alter table ${partition} add constraint of_one_load check (load_id = ${sql.lit(loadId)})`.execute(trx)
  }
}

/**
 * Shows the filled tables to the planner and attaches them; PostgreSQL builds the keys and indexes of the parent and
 * checks its foreign keys on the way. Readers of other loads go on meanwhile.
 */
export async function attachPartitions(
  trx: Transaction<unknown>,
  subject: Subject,
  loadId: number,
  facts: string[],
): Promise<void> {
  if (facts.length === 0) return
  const searchesKeys = (await loadsKept(trx, subject, facts)) > FEW_LOADS
  for (const fact of facts) {
    const partition = partitionOf(subject, fact, loadId)
    if (searchesKeys) await planJoins(trx, 'off')
    await sql`
      alter table ${sql.table(`${subject.name}.${fact}`)} attach partition ${partition}
      for values in (${sql.lit(loadId)})`.execute(trx)
    if (searchesKeys) await planJoins(trx, 'default')
    const columns = subject.rollups[fact]?.map((name) => sql.ref(name))
    await sql`analyze ${partition} ${columns ? sql`(${sql.join(columns)})` : sql``}`.execute(trx)
  }
}

/**
 * PostgreSQL checks a foreign key by a join with the films of all loads, as its statement does not name this one. To read those of five loads
 * takes as long as to search for each key, for which it opens this load's partition alone: its planner does not see that, and would
 * read all of thirteen loads for each of seven keys.
 */
const FEW_LOADS = 4

async function planJoins(trx: Transaction<unknown>, whole: 'off' | 'default'): Promise<void> {
  for (const join of ['hashjoin', 'mergejoin'])
    await sql`set local ${sql.raw(`enable_${join}`)} = ${sql.raw(whole)}`.execute(trx)
}

async function loadsKept(trx: Transaction<unknown>, subject: Subject, [fact]: string[]): Promise<number> {
  const found = await sql<{ loads: number }>`
    select count(*)::integer as loads from pg_inherits where inhparent = ${`${subject.name}.${fact}`}::regclass`.execute(
    trx,
  )
  return found.rows[0]?.loads ?? 0
}

/** Shows the plain tables to the planner. */
export async function analyzeDimensions(trx: Transaction<unknown>, subject: Subject): Promise<void> {
  for (const dimension of subject.families.flatMap(({ dimensions }) => dimensions))
    await sql`analyze ${sql.table(`${subject.name}.${dimension}`)}`.execute(trx)
}
