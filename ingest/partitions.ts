import { sql, type Transaction } from 'kysely'
import type { Parts } from './families.ts'
import type { Subject } from './subject.ts'

/**
 * A load fills tables of its own, apart from those that readers use, and attaches them as partitions at the end of its
 * transaction. `create table … partition of` would be shorter, but it locks every reader out.
 */

/** Name of one load's partition of a fact table. */
export const partitionOf = (subject: Subject, fact: string, loadId: number) =>
  sql.table(`${subject.name}.${fact}_${loadId}`)

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
  for (const fact of facts) {
    const partition = partitionOf(subject, fact, loadId)
    await sql`
      alter table ${sql.table(`${subject.name}.${fact}`)} attach partition ${partition}
      for values in (${sql.lit(loadId)})`.execute(trx)
    await sql`analyze ${partition}`.execute(trx)
  }
}

/** Shows the plain tables to the planner. */
export async function analyzeDimensions(trx: Transaction<unknown>, subject: Subject): Promise<void> {
  for (const dimension of subject.families.flatMap(({ dimensions }) => dimensions))
    await sql`analyze ${sql.table(`${subject.name}.${dimension}`)}`.execute(trx)
}
