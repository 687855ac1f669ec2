import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { z } from 'zod'
import {
  areSortValues,
  type JsonRow,
  jsonRows,
  keptLoads,
  type Page,
  PageError,
  rowCount,
  shownFields,
  sortKeys,
  textRows,
} from '../queries/page.ts'
import { type PageParams, pageParams } from '../queries/params.ts'
import type { Report, Rows, Scope } from '../queries/report.ts'
import { csvLine, csvRow } from './csv.ts'
import { badParameter, Problem } from './errors.ts'
import { makeCursor, NO_CURSOR, readCursor } from './page-cursor.ts'
import type { ServedReport } from './reports.ts'
import type { Snapshot } from './snapshots.ts'
import { endRecord, Sum } from './stream.ts'

/**
 * A question is a request for a report, understood: which rows of which load, in which order and notation. Two requests that
 * mean the same are the same question, and have the same fingerprint.
 */
export interface Question {
  served: ServedReport
  snapshot: Snapshot
  /** The report's own parameters, parsed. */
  params: Record<string, unknown>
  page: Page
  format: Format
  count: boolean
  /** Whether what the rows rest on is asked for, instead of them. */
  explain: boolean
  /** Names everything that the answer depends on but its encoding. */
  fingerprint: string
  /** Names the rows, whatever their page: a cursor is of use with the same ones only. */
  rowsFingerprint: string
}

export type Format = 'json' | 'csv' | 'ndjson'

export const DEFAULT_LIMIT = 100
export const MAX_JSON_LIMIT = 1000
/** Raised when what surrounds the rows changes, so that no cache keeps the old shape. */
const ENVELOPE = 2

// biome-ignore lint/suspicious/noExplicitAny: the rows of any report
type AnyDb = ReadonlyKysely<any>

/** All parameters of a report: its own, and those that fit its kind. */
export function paramsOf({ report, single }: ServedReport): z.ZodObject {
  const shared = single ? pageParams.pick({ fields: true, as_of: true, explain: true }).shape : pageParams.shape
  return z.strictObject({ ...report.params.shape, ...shared })
}

/**
 * @param query all parameters, validated by `paramsOf`
 * @param find gives the load to read: of the cursor, of `as_of`, or the current one
 * @throws Problem 400 naming the parameter
 */
export async function understand(
  served: ServedReport,
  query: Record<string, unknown>,
  format: Format,
  find: (where: { loadId?: number; asOf?: string }) => Promise<Snapshot>,
): Promise<Question> {
  const { report, single } = served
  const {
    sort,
    fields,
    limit,
    cursor,
    count,
    format: _,
    as_of,
    explain,
    ...params
  } = query as PageParams & Record<string, unknown>
  if (explain && format !== 'json') throw badParameter('explain', 'is answered in JSON only')
  assertPossible(report, params, limit, format)
  const page = asParameterProblem(() => ({
    sort: sortKeys(report, sort ?? report.defaultSort),
    fields: shownFields(report, fields),
    limit: limit ?? (format === 'json' || cursor !== undefined ? DEFAULT_LIMIT : null),
  }))
  const rowsFingerprint = digest([served.name, report.version, params, page.sort, as_of ?? null])
  const start = cursor === undefined ? undefined : readCursor(cursor, rowsFingerprint)
  if (start && !areSortValues(report, page.sort, start.after)) throw NO_CURSOR()
  const snapshot = await find({
    ...(start ? { loadId: start.loadId } : {}),
    ...(as_of !== undefined ? { asOf: as_of } : {}),
  })
  return {
    served,
    snapshot,
    params,
    page: { ...page, after: start?.after ?? null },
    format,
    count: count === 'exact' && !single,
    explain: explain === true,
    rowsFingerprint,
    fingerprint: digest([
      ENVELOPE,
      // The number alone would name another load in a warehouse that was made anew.
      snapshot.id,
      snapshot.published_at,
      rowsFingerprint,
      page.fields,
      page.limit,
      start?.after ?? null,
      count ?? null,
      format,
    ]),
  }
}

/** @throws Problem 400 for what each parameter allows but not all of them together */
export function assertPossible(
  report: Report,
  params: Record<string, unknown>,
  limit: number | undefined,
  format: Format,
): void {
  if (format === 'json' && limit !== undefined && limit > MAX_JSON_LIMIT)
    throw badParameter(
      'limit',
      `takes at most ${MAX_JSON_LIMIT} in JSON; CSV and NDJSON stream all rows when it is absent`,
    )
  if (typeof params.from === 'number' && typeof params.to === 'number' && params.from > params.to)
    throw badParameter('from', 'is after to, so no year is between them')
  const contradiction = report.contradiction?.(params)
  if (contradiction) throw badParameter(contradiction.parameter, contradiction.detail)
}

/** The answer to a question for JSON or for one page of CSV or NDJSON; `next` is the cursor of the page after, if any. */
export interface PageAnswer {
  text: string
  next: string | null
}

/**
 * @throws Problem 404 when a single row is asked for and there is none, 410 when the load was dropped meanwhile
 */
export async function answerPage(db: AnyDb, question: Question, signal: AbortSignal): Promise<PageAnswer> {
  return await ofKept(db, [question.snapshot.id], () => readPage(db, question, signal))
}

/**
 * What is read of loads, once it is sure that none of it was missing.
 * @throws Problem 410 when one of the loads was dropped meanwhile
 */
export async function ofKept<T>(db: AnyDb, loadIds: number[], read: () => Promise<T>): Promise<T> {
  const answered = await read().then(
    (answer) => () => answer,
    (error) => () => {
      throw error
    },
  )
  // A row that was not found may have gone with its load.
  await assertKept(db, ...loadIds)
  return answered()
}

/** To be asked after a load was read. @throws Problem 410 when its rows may have been missing */
export async function assertKept(db: AnyDb, ...loadIds: number[]): Promise<void> {
  const [found] = await keptLoads(db, loadIds).execute()
  if (!found?.kept)
    throw new Problem(410, `Load ${loadIds.join(' or ')} has been dropped; GET /v1 names the current one.`)
}

/** The query of a JSON page. One row more than is shown tells whether there is a page after. */
export function pageRows(db: AnyDb, { served: { report }, snapshot, params, page }: Question): Rows<JsonRow> {
  const rows = report.query(db, { loadId: snapshot.id }, params)
  return jsonRows(db, report, rows, { ...page, limit: (page.limit ?? DEFAULT_LIMIT) + 1 })
}

/** The queries of what `meta` tells of all pages. */
export function metaRows(db: AnyDb, { served: { report }, snapshot, params }: Question): Rows<{ json: string }>[] {
  const queries = report.meta?.(db, { loadId: snapshot.id }, params) ?? []
  return queries.map((query) => db.selectFrom(query.as('told')).select(sql<string>`row_to_json(told)::text`.as('json')))
}

export const noSuchRow = ({ served, snapshot }: Question) =>
  new Problem(404, `Load ${snapshot.id} has no such ${served.url.split('/').at(-2)?.replace(/s$/, '')}.`)

async function readPage(db: AnyDb, question: Question, signal: AbortSignal): Promise<PageAnswer> {
  const { served, snapshot, params, page, format } = question
  const { report, single } = served
  const scope = { loadId: snapshot.id }
  const rows = report.query(db, scope, params)
  await assertAnswerable(db, report, scope, params)
  const run = { signal, inflightQueryAbortStrategy: 'cancel query' } as const
  const limit = page.limit ?? DEFAULT_LIMIT
  const found = await pageRows(db, question).execute(run)
  const shown = found.slice(0, limit)
  const next =
    found.length > limit ? makeCursor(snapshot.id, question.rowsFingerprint, shown.at(-1)?.sort_values ?? []) : null
  const load = { id: snapshot.id, published_at: snapshot.published_at, data_through: snapshot.data_through }
  if (single) {
    if (!shown[0]) throw noSuchRow(question)
    return { text: `{"data":${shown[0].json},\n"meta":${JSON.stringify({ report: served.shownName, load })}}\n`, next }
  }
  if (format === 'ndjson') {
    const sum = new Sum()
    const text = sum.add(shown.map(({ json }) => `${json}\n`).join(''), shown.length)
    return { text: text + endRecord(sum), next }
  }
  if (format === 'csv') {
    const texts = await textRows(db, report, rows, { ...page, limit }).execute(run)
    return { text: csvLine(page.fields) + texts.map((row) => csvRow(row, page.fields)).join(''), next }
  }
  const meta = {
    report: served.shownName,
    load,
    rows: shown.length,
    complete: next === null,
    next,
    ...(question.count ? { total: (await rowCount(db, rows).execute(run))[0]?.total } : {}),
  }
  const more = await told(db, metaRows(db, question), run)
  const data = shown.map(({ json }) => json).join(',\n')
  return { text: `{"data":[${data}],\n"meta":${JSON.stringify(meta).slice(0, -1)}${more}}}\n`, next }
}

/** @throws Problem 400 for what only the load can tell: that it lacks a price index, say */
export async function assertAnswerable(
  db: AnyDb,
  report: Report,
  scope: Scope,
  params: Record<string, unknown>,
): Promise<void> {
  const [refusal] = (await report.refused?.(db, scope, params)?.execute()) ?? []
  if (refusal) throw badParameter(refusal.parameter, refusal.detail)
}

/**
 * What the queries tell, as members of a JSON object; PostgreSQL writes it, so that no digit is lost. All in one statement: each
 * by itself takes less time than its trip.
 */
async function told(
  db: AnyDb,
  queries: Rows<{ json: string }>[],
  run: { signal: AbortSignal; inflightQueryAbortStrategy: 'cancel query' },
): Promise<string> {
  if (queries.length === 0) return ''
  const all = sql.join(queries.map((query) => sql`(${query})`))
  const [found] = await db.selectNoFrom(sql<(string | null)[]>`array[${all}]`.as('members')).execute(run)
  const members = (found?.members ?? []).filter((member) => member !== null)
  return members.map((member) => `,${member.slice(1, -1)}`).join('')
}

/** What a PageError says, as a Problem. */
export function asParameterProblem<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof PageError) throw badParameter(error.parameter, error.message)
    throw error
  }
}

/** The same for equal content, whatever the order of an object's keys. */
export function digest(content: unknown): string {
  const canonical = JSON.stringify(content, (_, value) =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
  return createHash('sha256').update(canonical).digest('base64url')
}
