import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { assertAllKept, assertAnswerable, orGone } from './answer.ts'
import type { WholeFormat } from './format.ts'
import type { Question } from './question.ts'
import { scopeOfSnapshot } from './snapshots.ts'
import type { Sum } from './sum.ts'
import type { Warehouse } from './warehouse.ts'

/** Rows that a cursor of the database hands over at a time. */
const BATCH_ROWS = 1000
/** After which a statement that goes on is cancelled once more. */
const AGAIN_MS = 50

// biome-ignore lint/suspicious/noExplicitAny: the rows of any report
type AnyDb = ReadonlyKysely<any>

/**
 * All rows, written as they come; memory holds what the format writes at once. When it is done, `sum` tells what it has counted.
 * @param signal ends the statement, even if it has not given a row yet
 */
export async function* streamAll(
  warehouse: Warehouse,
  whole: WholeFormat,
  question: Question,
  sum: Sum,
  signal: AbortSignal,
): AsyncGenerator<string | Uint8Array> {
  const { served, snapshot, params, page } = question
  const { report } = served
  const scope = scopeOfSnapshot(snapshot)
  await assertAnswerable(warehouse.reader, report, scope, params)
  const query = (db: AnyDb) => whole.rows(db, report, report.query(db, scope, params), page)
  yield* whole.write(keptBatches(warehouse, [snapshot.id], query, signal), question, sum)
}

/**
 * Rows in batches.
 * @param loadIds loads that the query reads
 * @throws Problem 410 when the loads' rows are gone, before there is any of them
 */
export async function* keptBatches(
  warehouse: Warehouse,
  loadIds: number[],
  query: (db: AnyDb) => Stream,
  signal: AbortSignal,
  // biome-ignore lint/suspicious/noExplicitAny: the rows of any report
): AsyncGenerator<any[]> {
  const batches = inBatches(warehouse, query, signal)
  try {
    // Once it has begun a statement sees all rows to its end, and not before may a dropped load's be found missing.
    const first = await orGone(warehouse.reader, loadIds, () => batches.next())
    await assertAllKept(warehouse.reader, loadIds)
    if (first.done) return
    yield first.value
    yield* batches
  } finally {
    await batches.return(undefined)
  }
}

interface Stream {
  // biome-ignore lint/suspicious/noExplicitAny: the rows of any report
  stream(options: { chunkSize: number }): AsyncIterable<any>
}

/**
 * Kysely's own signal stops a stream between two batches only, and a sort gives its first one late. So the session is
 * known by its number, and its statement is cancelled.
 */
async function* inBatches(
  { exporter, writer, statementTimeoutMs }: Warehouse,
  query: (db: AnyDb) => Stream,
  signal: AbortSignal,
  // biome-ignore lint/suspicious/noExplicitAny: the rows of any report
): AsyncGenerator<any[]> {
  const session = await exporter.startTransaction().execute()
  let cancelled: Promise<unknown> = Promise.resolve()
  let cancel = () => {}
  let ended = false
  let waiting: NodeJS.Timeout | undefined
  /** Of the database alone: how long a client takes over the rows that it has is no concern of this. */
  const startWaiting = () => {
    waiting = setTimeout(() => cancel(), statementTimeoutMs)
  }
  try {
    const [own] = await session.selectNoFrom(sql<number>`pg_backend_pid()`.as('pid')).execute()
    cancel = () => {
      cancelled = (async () => {
        // Until it has ended: what reaches a session before its statement does is lost.
        for (; !ended; await sleep(AGAIN_MS))
          await sql`select pg_cancel_backend(${own?.pid})`.execute(writer).catch(() => {})
      })()
    }
    signal.throwIfAborted()
    signal.addEventListener('abort', cancel, { once: true })
    let batch = []
    startWaiting()
    for await (const row of query(session).stream({ chunkSize: BATCH_ROWS })) {
      batch.push(row)
      if (batch.length < BATCH_ROWS) continue
      clearTimeout(waiting)
      yield batch
      batch = []
      startWaiting()
    }
    clearTimeout(waiting)
    if (batch.length > 0) yield batch
  } finally {
    clearTimeout(waiting)
    signal.removeEventListener('abort', cancel)
    ended = true
    // Not given back before that: the next one's statement would be cancelled.
    await cancelled
    await session
      .rollback()
      .execute()
      .catch(() => {})
  }
}
