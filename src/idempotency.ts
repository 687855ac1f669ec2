import { createHash } from 'node:crypto'
import { type Kysely, sql, type Transaction } from 'kysely'
import { Problem } from './errors.ts'

/** How long a request may be sent again under its key. */
const HOURS = 24

/**
 * The key that a client gave its request so that sending it again starts nothing twice.
 * @throws Problem 400 when it is none
 */
export function idempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined
  if (typeof header === 'string' && /^[\x21-\x7e]{1,255}$/.test(header)) return header
  const detail = 'takes 1 to 255 visible ASCII characters'
  throw new Problem(400, `Idempotency-Key ${detail}.`, { errors: [{ parameter: 'Idempotency-Key', detail }] })
}

/**
 * Enters a load once for all requests of one admin with the same key.
 * @param request what is asked for: the same key with something else is refused
 * @returns the load's number, and whether an earlier request had entered it
 * @throws Problem 422 when the key stands for another request
 */
export async function enterOnce(
  db: Kysely<unknown>,
  { actor, key, request }: { actor: string; key: string | undefined; request: unknown },
  enter: (trx: Transaction<unknown>) => Promise<number>,
): Promise<{ loadId: number; again: boolean }> {
  return await db.transaction().execute(async (trx) => {
    if (key === undefined) return { loadId: await enter(trx), again: false }
    const digest = createHash('sha256').update(JSON.stringify(request)).digest('hex')
    // The second of two at the same moment waits here for the first.
    await sql`select pg_advisory_xact_lock(hashtext('reelhouse.idempotency'), hashtext(${`${actor} ${key}`}))`.execute(
      trx,
    )
    await sql`delete from reelhouse.idempotency where at < clock_timestamp() - make_interval(hours => ${HOURS})`.execute(
      trx,
    )
    const known = await sql<{ request_digest: string; load_id: number }>`
      select request_digest, load_id from reelhouse.idempotency where actor = ${actor} and key = ${key}`.execute(trx)
    if (known.rows[0]) {
      if (known.rows[0].request_digest === digest) return { loadId: known.rows[0].load_id, again: true }
      throw new Problem(
        422,
        `The Idempotency-Key was used for another request, which started load ${known.rows[0].load_id}.`,
      )
    }
    const loadId = await enter(trx)
    await sql`
      insert into reelhouse.idempotency (actor, key, request_digest, load_id)
      values (${actor}, ${key}, ${digest}, ${loadId})`.execute(trx)
    return { loadId, again: false }
  })
}
