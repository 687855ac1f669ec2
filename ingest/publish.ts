import { type Kysely, sql, type Transaction } from 'kysely'
import { addToShown } from './append.ts'
import { enterDeed } from './audit.ts'
import type { Subject } from './subject.ts'

/**
 * Publishing is moving one pointer. Readers see the load before or the load after, never anything between, and nobody
 * waits: the row is locked for as long as this short transaction takes.
 */

/** The channel on which servers learn that a pointer moved; the payload is `{subject, load_id, action}`. */
export const PUBLICATIONS = 'reelhouse_publications'

/** A sentence for the person who asked for what cannot be done; `status` is its HTTP meaning. */
export class PublishError extends Error {
  readonly status: 404 | 409
  constructor(status: 404 | 409, message: string) {
    super(message)
    this.status = status
  }
}

interface LoadState {
  load_id: number
  subject: string
  state: string
  /** Null: nobody has seen it. */
  published_at: string | null
}

/**
 * Lets one publication after the other, until the transaction ends. Taken before any row is: the rows that a publication
 * changes differ from case to case, so their own locks would meet in any order. One lock for all subjects, so that numbers of
 * publications become visible in their order, which watchers rely on when they resume.
 */
export async function lockPointers(trx: Transaction<unknown>): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('reelhouse.pointer'))`.execute(trx)
}

/**
 * Moves the subject's pointer to a load whose rows are in place, inside the caller's transaction, which holds `lockPointers`.
 * In two statements: under a hundred readers each one waits for its turn.
 */
export async function movePointer(
  trx: Transaction<unknown>,
  { load_id: loadId, subject }: { load_id: number; subject: string },
  action: 'publish' | 'rollback',
  actor: string,
): Promise<void> {
  // By itself and first: two published loads at once is what a unique index forbids.
  await sql`update reelhouse.load set state = 'superseded'
            where subject = ${subject} and state = 'published' and load_id <> ${loadId}`.execute(trx)
  await sql`
    with moment as materialized (
      -- Never before the publication before it, whatever the clock does: as_of goes by these instants.
      select greatest(clock_timestamp(), max(at) + interval '1 microsecond') as at
      from reelhouse.publication where subject = ${subject}),
    published as (
      update reelhouse.load set state = 'published', published_at = coalesce(published_at, moment.at)
      from moment where load_id = ${loadId}),
    pointed as (
      insert into reelhouse.pointer (subject, load_id, published_at)
      select ${subject}, ${loadId}, at from moment
      on conflict (subject) do update set load_id = excluded.load_id, published_at = excluded.published_at),
    remembered as (
      insert into reelhouse.publication (subject, load_id, action, actor, at)
      select ${subject}, ${loadId}, ${action}, ${actor}, at from moment)
    select pg_notify(${PUBLICATIONS},
                     json_build_object('subject', ${subject}::text, 'load_id', ${loadId}::integer, 'action', ${action}::text)::text)`.execute(
    trx,
  )
}

/** A load that nobody has seen adds to what readers see now. @throws PublishError when it was made to be added to something else */
async function add(trx: Transaction<unknown>, subject: Subject, { load_id: loadId }: LoadState): Promise<void> {
  const added = await addToShown(trx, subject, loadId)
  if ('refused' in added) throw new PublishError(409, `It cannot be published as it is: ${added.refused}.`)
  const { removed, through } = added
  await sql`
    update reelhouse.load
    set data_through = greatest(data_through, ${through}::date),
        row_counts = (select coalesce(jsonb_object_agg(name, rows::bigint - coalesce((${JSON.stringify(removed)}::jsonb ->> name)::bigint, 0)), '{}')
                      from jsonb_each_text(row_counts) as counted (name, rows))
    where load_id = ${loadId}`.execute(trx)
}

/**
 * Makes a held, superseded or (with `force`) blocked load the one that readers see.
 * @returns its subject
 * @throws PublishError when there is no such load or its state does not allow it
 */
export async function publish(
  db: Kysely<unknown>,
  loadId: number,
  options: { actor: string; force?: boolean; subjects: Map<string, Subject> },
): Promise<string> {
  return await db.transaction().execute(async (trx) => {
    await lockPointers(trx)
    const load = await loadState(trx, loadId)
    if (!load) throw new PublishError(404, `There is no load ${loadId}.`)
    if (load.state === 'published') throw new PublishError(409, `Load ${loadId} is the published one already.`)
    if (load.state === 'blocked' && !options.force)
      throw new PublishError(409, `Load ${loadId} is blocked by its checks; publish it with force if you know better.`)
    if (!['held', 'superseded', 'blocked'].includes(load.state))
      throw new PublishError(409, `Load ${loadId} is ${load.state}, so it has no rows to show.`)
    const subject = options.subjects.get(load.subject)
    if (subject?.appendOnly && load.published_at === null) await add(trx, subject, load)
    await movePointer(trx, load, 'publish', options.actor)
    const detail = load.state === 'blocked' ? { although: 'blocked' } : {}
    await enterDeed(trx, { actor: options.actor, action: 'publish', subject: load.subject, loadId, detail })
    return load.subject
  })
}

/**
 * Goes back to an older load: `to`, or the one published before the current one in number order, or, where loads add to one another,
 * the one that the current one was added to; it never toggles.
 * @returns the number of the load that readers see now
 * @throws PublishError when there is no older load to go back to
 */
export async function rollBack(
  db: Kysely<unknown>,
  subject: string,
  options: { actor: string; to?: number },
): Promise<number> {
  return await db.transaction().execute(async (trx) => {
    await lockPointers(trx)
    const current = await sql<{ load_id: number }>`
      select load_id from reelhouse.pointer where subject = ${subject}`.execute(trx)
    const from = current.rows[0]?.load_id
    if (from === undefined)
      throw new PublishError(409, `Nothing of ${subject} is published, so there is no going back.`)
    const target = await sql<LoadState>`
      select load_id, subject, state, published_at from reelhouse.load
      where subject = ${subject} and state = 'superseded'
        and case when ${options.to ?? null}::integer is null then case when shows is null then load_id < ${from}
                      else load_id = (select previous_load_id from reelhouse.load where load_id = ${from}) end
             else load_id = ${options.to ?? null} end
      order by load_id desc limit 1`.execute(trx)
    const load = target.rows[0]
    if (!load)
      throw new PublishError(
        409,
        options.to === undefined
          ? `There is no load of ${subject} before load ${from} that was published and still has its rows.`
          : `Load ${options.to} is no superseded load of ${subject}, so it cannot be rolled back to.`,
      )
    await movePointer(trx, load, 'rollback', options.actor)
    const deed = { actor: options.actor, action: 'rollback', subject, loadId: load.load_id } as const
    await enterDeed(trx, { ...deed, detail: { from } })
    return load.load_id
  })
}

/** A load's subject and state; undefined when there is no such load. */
export async function loadState(trx: Transaction<unknown>, loadId: number): Promise<LoadState | undefined> {
  const found = await sql<LoadState>`
    select load_id, subject, state, published_at from reelhouse.load where load_id = ${loadId}`.execute(trx)
  return found.rows[0]
}
