import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql, type Transaction } from 'kysely'
import pg from 'pg'
import { enterDeed } from './audit.ts'
import { kyselyOn } from './ledger.ts'
import { loadState, lockPointers, PublishError } from './publish.ts'
import { factsOf, type Subject } from './subject.ts'

/**
 * Taking a snapshot away. First it is marked, which is what readers see: 410. Its tables go afterwards, a step at a time, in
 * steps that can be repeated by anybody at any time, so that a process that dies in between leaves nothing for long.
 *
 * No reader waits for it. A partition is detached concurrently and emptied, both of which only this load's readers could
 * notice, and there are none any more. What would lock the tables that others read is done in a moment in which nobody reads them,
 * without queueing for it, and is otherwise left for another time: dropping an empty table, whose foreign keys have triggers there, and
 * detaching one that others refer to, concurrently or not, since each of these loses a constraint.
 */

/** States of loads that have rows but are not what readers see. */
const DROPPABLE = ['superseded', 'held', 'blocked']

/** First keys of advisory locks: held by whoever reads a snapshot in order to build on it; by whoever takes tables away. */
const IN_USE = 0x42415345
const SWEEPING = 0x53574550

/**
 * Keeps a snapshot from being dropped until the transaction ends.
 * @returns whether its rows are (still) there
 */
export async function keepInUse(trx: Transaction<unknown>, loadId: number): Promise<boolean> {
  await sql`select pg_advisory_xact_lock_shared(${IN_USE}::integer, ${loadId}::integer)`.execute(trx)
  const load = await loadState(trx, loadId)
  return load !== undefined && load.state !== 'dropped'
}

/**
 * Marks a load as dropped; from here on nobody is answered from it.
 * @returns its subject
 * @throws PublishError when there is no such load, readers see it, or it has no rows or is being built on
 */
export async function markDropped(db: Kysely<unknown>, loadId: number, actor: string): Promise<string> {
  return await db.transaction().execute(async (trx) => {
    await lockPointers(trx)
    const load = await loadState(trx, loadId)
    if (!load) throw new PublishError(404, `There is no load ${loadId}.`)
    const { subject, state } = load
    if (state === 'published') throw new PublishError(409, `Readers see load ${loadId}; publish another one first.`)
    if (!DROPPABLE.includes(state))
      throw new PublishError(409, `Load ${loadId} is ${state}, so it has no rows to drop.`)
    const { rows: parts } = await sql<{ load_id: number }>`
      select load_id from reelhouse.load
      where shows @> ${loadId}::integer and load_id <> ${loadId} and state = any(${[...DROPPABLE, 'published']}) order by load_id limit 1`.execute(
      trx,
    )
    if (parts[0])
      throw new PublishError(
        409,
        `The rows of load ${loadId} are a part of load ${parts[0].load_id}; drop that one first.`,
      )
    const free = await sql<{ free: boolean }>`
      select pg_try_advisory_xact_lock(${IN_USE}::integer, ${loadId}::integer) as free`.execute(trx)
    if (!free.rows[0]?.free) throw new PublishError(409, `A load that runs is built on load ${loadId}.`)
    await sql`update reelhouse.load set state = 'dropped' where load_id = ${loadId}`.execute(trx)
    await enterDeed(trx, { actor, action: 'drop', subject, loadId })
    return subject
  })
}

/**
 * Marks all but the newest snapshots of a subject as dropped; what readers see stays, however old. Those that were published and those
 * that never were are counted apart: a row of held or blocked loads must not take away what there is to go back to.
 * @returns the numbers of those that were dropped
 */
export async function retire(db: Kysely<unknown>, subject: string, keep: number): Promise<number[]> {
  const beyond = await sql<{ load_id: number }>`
    select load_id
    from (select load_id, row_number() over (partition by published_at is null order by load_id desc) as place
          from reelhouse.load where subject = ${subject} and state = any(${[...DROPPABLE, 'published']})) as kept
    where place > ${keep} order by load_id desc`.execute(db)
  const dropped: number[] = []
  for (const { load_id } of beyond.rows)
    try {
      await markDropped(db, load_id, 'retention')
      dropped.push(load_id)
    } catch (error) {
      // The one that readers see, or one that is being built on: next time, if it is still in the way.
      if (!(error instanceof PublishError)) throw error
    }
  return dropped
}

/**
 * How long a step may queue where that keeps nobody waiting, and how often dropping is tried. Two steps together take less than the second
 * after which PostgreSQL looks for deadlocks: were there one, it would be the other who is broken off, a load or a reader.
 */
const PATIENCE_MS = 400
const TRIES = 40
const BETWEEN_TRIES_MS = 25

/**
 * Takes away the tables and rows of loads that are marked as dropped.
 * @returns names of the tables that are still there, emptied or in use, for another time
 */
export async function sweep(
  connect: (applicationName: string) => Promise<pg.Client>,
  subject: Subject,
): Promise<string[]> {
  const client = await connect(`reelhouse sweep of ${subject.name}`)
  try {
    const db = kyselyOn(client)
    const mine = await sql<{ mine: boolean }>`
      select pg_try_advisory_lock(${SWEEPING}::integer, hashtext(${subject.name})) as mine`.execute(db)
    // Whoever is at it sees the same marks.
    if (!mine.rows[0]?.mine) return []
    await sql`select set_config('lock_timeout', ${String(PATIENCE_MS)}, false)`.execute(db)
    // What is marked while this goes on keeps its rows in the dimensions for another time: its facts still name them.
    const loads = await droppedLoads(db, subject)
    const partitions = await partitionsOf(db, subject, loads)
    const emptied: Partition[] = []
    for (const partition of partitions) {
      const { load_id, referenced } = partition
      const others = partitions.filter((other) => other.load_id === load_id && !other.referenced)
      if (referenced ? others.every((other) => emptied.includes(other)) : await detachAndEmpty(db, partition))
        emptied.push(partition)
    }
    const gone = emptied.length > 0 && (await dropUnseen(db, emptied)) ? emptied : []
    const left = partitions.filter((partition) => !gone.includes(partition)).map(({ name }) => name)
    if (left.length === 0) await deleteDimensions(db, subject, loads)
    return left
  } finally {
    await client.end()
  }
}

interface Partition {
  load_id: number
  schema: string
  name: string
  fact: string
  attached: boolean
  /** Left behind by a detachment that was broken off. */
  pending: boolean
  /** Whether others refer to it: it is detached when they are gone, in the moment in which it is dropped. */
  referenced: boolean
}

async function droppedLoads(db: Kysely<unknown>, subject: Subject): Promise<number[]> {
  const found = await sql<{ load_id: number }>`
    select load_id from reelhouse.load where subject = ${subject.name} and state = 'dropped'`.execute(db)
  return found.rows.map(({ load_id }) => load_id)
}

/** Referencing tables before those that they reference; without heavy facts to which a load that is kept refers. */
async function partitionsOf(db: Kysely<unknown>, subject: Subject, loads: number[]): Promise<Partition[]> {
  const heavy = subject.families.flatMap(({ name, heavyFacts }) => heavyFacts.map((fact) => ({ fact, family: name })))
  const found = await sql<Partition>`
    select load_id, ${subject.name}::text as schema, c.relname as name, fact,
           i.inhrelid is not null as attached, coalesce(i.inhdetachpending, false) as pending,
           exists (select from pg_constraint where contype = 'f' and confrelid = i.inhparent) as referenced
    from unnest(${loads}::integer[]) as dropped (load_id)
    cross join unnest(${[...factsOf(subject.families), ...Object.keys(subject.rollups)]}::text[]) with ordinality as facts (fact, place)
    join pg_class c on c.relname = format('%s_%s', fact, load_id) and c.relnamespace = to_regnamespace(${subject.name})
    left join pg_inherits i on i.inhrelid = c.oid
    where not exists (
      select from unnest(${heavy.map(({ fact }) => fact)}::text[], ${heavy.map(({ family }) => family)}::text[]) as heavy (name, family)
      join reelhouse.load_family used on used.family = heavy.family and used.source_load_id = dropped.load_id
      join reelhouse.load keeper on keeper.load_id = used.load_id and keeper.state <> 'dropped'
      where heavy.name = fact)
    order by coalesce(i.inhdetachpending, false) desc, load_id, place desc`.execute(db)
  return found.rows
}

/** @returns whether it is done; not while a reader from before the mark is still at it */
async function detachAndEmpty(db: Kysely<unknown>, { schema, name, fact, attached, pending }: Partition) {
  const table = sql.table(`${schema}.${name}`)
  const parent = sql.table(`${schema}.${fact}`)
  return await unlessLocked(async () => {
    if (pending) await sql`alter table ${parent} detach partition ${table} finalize`.execute(db)
    else if (attached) await sql`alter table ${parent} detach partition ${table} concurrently`.execute(db)
    await sql`truncate ${table}`.execute(db)
  })
}

/**
 * Drops tables, empty or referred to by empty ones only, in a moment in which nobody reads any that this touches.
 * @returns whether there was such a moment
 */
async function dropUnseen(db: Kysely<unknown>, partitions: Partition[]): Promise<boolean> {
  const names = partitions.map(({ schema, name }) => `${schema}.${name}`)
  const touched = await sql<{ name: string }>`
    with gone as (select unnest(${names}::regclass[]) as oid),
         foreign_key as (select conrelid, confrelid from pg_constraint where contype = 'f')
    select format('%s.%s', nspname, relname) as name
    from pg_class c join pg_namespace n on n.oid = relnamespace
    where c.oid in (
      select oid from gone
      union select confrelid from foreign_key join gone on oid = conrelid
      union select conrelid from foreign_key join gone on oid = confrelid
      union select inhparent from pg_inherits join gone on oid = inhrelid)
    order by name`.execute(db)
  for (let tries = 0; tries < TRIES; tries++) {
    const dropped = await unlessLocked(() =>
      db.transaction().execute(async (trx) => {
        // Without waiting: behind a lock that waits for a reader, all later readers would wait too.
        for (const { name } of touched.rows)
          await sql`lock table only ${sql.table(name)} in access exclusive mode nowait`.execute(trx)
        for (const partition of partitions) if (partition.referenced) await detach(trx, partition)
        for (const name of names) await sql`drop table ${sql.table(name)}`.execute(trx)
      }),
    )
    if (dropped) return true
    await sleep(BETWEEN_TRIES_MS)
  }
  return false
}

async function detach(trx: Transaction<unknown>, { schema, name, fact, pending }: Partition): Promise<void> {
  const table = sql.table(`${schema}.${name}`)
  const finalize = pending ? sql`finalize` : sql``
  await sql`alter table ${sql.table(`${schema}.${fact}`)} detach partition ${table} ${finalize}`.execute(trx)
}

async function deleteDimensions(db: Kysely<unknown>, subject: Subject, loads: number[]): Promise<void> {
  for (const dimension of subject.families.flatMap(({ dimensions }) => dimensions)) {
    const table = sql.table(`${subject.name}.${dimension}`)
    const dropped = sql`load_id = any(${loads}::integer[])`
    // Looked for first: a delete locks the table against others' maintenance even when it finds nothing.
    const some = await sql`select from ${table} where ${dropped} limit 1`.execute(db)
    if (some.rows.length > 0) await sql`delete from ${table} where ${dropped}`.execute(db)
  }
}

const LOCK_NOT_AVAILABLE = '55P03'

/** Somebody has a lock; or another partition's detachment was broken off, and must be finished before the next can begin. */
const NOT_NOW = new Set([LOCK_NOT_AVAILABLE, '55000'])

async function unlessLocked(work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof pg.DatabaseError && NOT_NOW.has(error.code ?? '')) return false
    throw error
  }
}
