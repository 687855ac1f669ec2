import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { jsonRows, textRows } from '../queries/page.ts'
import { assertAllKept, assertAnswerable } from './answer.ts'
import { csvLine, csvRow } from './csv.ts'
import type { Question } from './question.ts'
import { scopeOfSnapshot } from './snapshots.ts'
import type { Warehouse } from './warehouse.ts'

/** Rows that a cursor of the database hands over at a time. */
const BATCH_ROWS = 1000

// biome-ignore lint/suspicious/noExplicitAny: the rows of any report
type AnyDb = ReadonlyKysely<any>

/**
 * All rows, written as they come; memory holds one batch. When it is done, `sum` tells how many rows there were and the digest
 * of all bytes but NDJSON's last record.
 * @param signal ends the statement, even if it has not given a row yet
 */
export async function* streamAll(
  warehouse: Warehouse,
  { served: { report }, snapshot, params, page, format }: Question,
  sum: Sum,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const scope = scopeOfSnapshot(snapshot)
  await assertAnswerable(warehouse.reader, report, scope, params)
  const rows = (db: AnyDb) => report.query(db, scope, params)
  if (format === 'ndjson') {
    for await (const batch of ofKept(warehouse, [snapshot.id], (db) => jsonRows(db, report, rows(db), page), signal))
      yield sum.add(batch.map(({ json }) => `${json}\n`).join(''), batch.length)
    yield endRecord(sum)
    return
  }
  const lines = { columns: page.fields, query: (db: AnyDb) => textRows(db, report, rows(db), page) }
  yield* streamCsv(warehouse, [snapshot.id], lines, sum, signal)
}

/**
 * All rows as CSV, written as they come.
 * @param loadIds loads that the query reads
 * @param query gives rows of texts by column
 */
export async function* streamCsv(
  warehouse: Warehouse,
  loadIds: number[],
  { columns, query }: { columns: string[]; query: (db: AnyDb) => Stream },
  sum: Sum,
  signal: AbortSignal,
): AsyncGenerator<string> {
  // With the first rows and not before: what fails until then is still a problem with a status of its own.
  let header = csvLine(columns)
  for await (const batch of ofKept(warehouse, loadIds, query, signal)) {
    yield sum.add(header + batch.map((row) => csvRow(row, columns)).join(''), batch.length)
    header = ''
  }
  if (header) yield sum.add(header, 0)
}

/** Rows and digest of a stream so far. */
export class Sum {
  rows = 0
  readonly #hash = createHash('sha256')
  #digest: string | undefined

  /** @returns the text, counted */
  add(text: string, rows: number): string {
    this.#hash.update(text)
    this.rows += rows
    return text
  }

  /** Final: nothing can be added once it has been asked for. */
  digest(): string {
    this.#digest ??= `sha-256=${this.#hash.digest('base64')}`
    return this.#digest
  }
}

/** Last record of NDJSON: without it, a part could pass for the whole. */
export const endRecord = (sum: Sum) => `${JSON.stringify({ end: true, rows: sum.rows, digest: sum.digest() })}\n`

/** Rows in batches. @throws Problem 410 when the loads' rows are gone, before there is any of them */
async function* ofKept(
  warehouse: Warehouse,
  loadIds: number[],
  query: (db: AnyDb) => Stream,
  signal: AbortSignal,
  // biome-ignore lint/suspicious/noExplicitAny: the rows of any report
): AsyncGenerator<any[]> {
  let begun = false
  for await (const batch of inBatches(warehouse, query, signal)) {
    // Once it has begun a statement sees all rows to its end, and not before may a dropped load's be found missing.
    if (!begun) await assertAllKept(warehouse.reader, loadIds)
    begun = true
    yield batch
  }
  if (!begun) await assertAllKept(warehouse.reader, loadIds)
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
  { exporter, writer }: Warehouse,
  query: (db: AnyDb) => Stream,
  signal: AbortSignal,
  // biome-ignore lint/suspicious/noExplicitAny: the rows of any report
): AsyncGenerator<any[]> {
  const session = await exporter.startTransaction().execute()
  let cancelled: Promise<unknown> = Promise.resolve()
  let cancel = () => {}
  try {
    const [own] = await session.selectNoFrom(sql<number>`pg_backend_pid()`.as('pid')).execute()
    cancel = () => {
      cancelled = sql`select pg_cancel_backend(${own?.pid})`.execute(writer).catch(() => {})
    }
    signal.throwIfAborted()
    signal.addEventListener('abort', cancel, { once: true })
    let batch = []
    for await (const row of query(session).stream({ chunkSize: BATCH_ROWS })) {
      batch.push(row)
      if (batch.length < BATCH_ROWS) continue
      yield batch
      batch = []
    }
    if (batch.length > 0) yield batch
  } finally {
    signal.removeEventListener('abort', cancel)
    // Not given back before that: the next one's statement would be cancelled.
    await cancelled
    await session
      .rollback()
      .execute()
      .catch(() => {})
  }
}
