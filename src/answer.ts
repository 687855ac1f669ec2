import type { ReadonlyKysely } from 'kysely/readonly'
import { keptLoads, pageStatement, type ReadPage } from '../queries/page.ts'
import type { Report, Rows, Scope } from '../queries/report.ts'
import { csvLine } from './csv.ts'
import { badParameter, Problem } from './errors.ts'
import { makeCursor } from './page-cursor.ts'
import { DEFAULT_LIMIT, type Format, type Question } from './question.ts'
import { scopeOfSnapshot } from './snapshots.ts'
import { endRecord, Sum } from './stream.ts'

// biome-ignore lint/suspicious/noExplicitAny: the rows of any report
type AnyDb = ReadonlyKysely<any>

/** The answer to a question for JSON or for one page of CSV or NDJSON; `next` is the cursor of the page after, if any. */
export interface PageAnswer {
  text: string
  next: string | null
}

/** The one statement of a page and what is told with it. */
export function statementOf(db: AnyDb, question: Question): Rows<ReadPage> {
  const { served, snapshot, params, page, format, count } = question
  const { report } = served
  const scope = scopeOfSnapshot(snapshot)
  return pageStatement(db, {
    report,
    loadId: snapshot.id,
    rows: report.query(db, scope, params),
    page: { ...page, limit: page.limit ?? DEFAULT_LIMIT },
    line: format === 'csv' ? 'texts' : 'json',
    separator: SEPARATORS[format],
    count,
    meta: format === 'json' ? toldBeside(db, question) : [],
  })
}

function toldBeside(db: AnyDb, { served: { report }, snapshot, params }: Question): Rows<unknown>[] {
  const scope = scopeOfSnapshot(snapshot)
  const lacking = report.lacking?.(db, scope, params)
  return [...(report.meta?.(db, scope, params) ?? []), ...(lacking ? [lacking] : [])]
}

const SEPARATORS: Record<Format, string> = { json: ',\n', ndjson: '\n', csv: ',' }

export const noSuchRow = ({ served, snapshot }: Question) =>
  new Problem(404, `Load ${snapshot.id} has no such ${served.url.split('/').at(-2)?.replace(/s$/, '')}.`)

/**
 * @throws Problem 404 when a single row is asked for and there is none, 410 when the load was dropped meanwhile
 */
export async function answerPage(db: AnyDb, question: Question, signal: AbortSignal): Promise<PageAnswer> {
  const { served, snapshot, params, page, format, count } = question
  await assertAnswerable(db, served.report, scopeOfSnapshot(snapshot), params)
  const run = { signal, inflightQueryAbortStrategy: 'cancel query' } as const
  const read = (await statementOf(db, question).execute(run))[0] as ReadPage
  assertKept(read, [snapshot.id])
  const { rows, more, lines, last, total, members } = read
  const next = more ? makeCursor(snapshot.id, question.rowsFingerprint, last as (string | null)[]) : null
  const load = { id: snapshot.id, published_at: snapshot.published_at, data_through: snapshot.data_through }
  if (served.single) {
    if (lines === null) throw noSuchRow(question)
    const meta = withTold({ report: served.shownName, load }, members)
    return { text: `{"data":${lines},\n"meta":${meta}}\n`, next }
  }
  if (format === 'ndjson') {
    const sum = new Sum()
    return { text: sum.add(lines === null ? '' : `${lines}\n`, rows) + endRecord(sum), next }
  }
  if (format === 'csv') {
    const cells = JSON.parse(`[${lines ?? ''}]`) as (string | null)[][]
    return { text: csvLine(page.fields) + cells.map(csvLine).join(''), next }
  }
  const meta = { report: served.shownName, load, rows, complete: next === null, next, ...(count ? { total } : {}) }
  return { text: `{"data":[${lines ?? ''}],\n"meta":${withTold(meta, members)}}\n`, next }
}

/** `meta` with what PostgreSQL wrote of it, so that no digit is lost. */
function withTold(meta: object, members: (string | null)[]): string {
  const told = members.filter((member) => member !== null).map((member) => `,${member.slice(1, -1)}`)
  return `${JSON.stringify(meta).slice(0, -1)}${told.join('')}}`
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
  await assertAllKept(db, loadIds)
  return answered()
}

/** To be asked after loads were read. @throws Problem 410 when their rows may have been missing */
export async function assertAllKept(db: AnyDb, loadIds: number[]): Promise<void> {
  const [found] = await keptLoads(db, loadIds).execute()
  assertKept(found, loadIds)
}

function assertKept(found: { kept: boolean } | undefined, loadIds: number[]): void {
  if (!found?.kept)
    throw new Problem(410, `Load ${loadIds.join(' or ')} has been dropped; GET /v1 names the current one.`)
}

/** @throws Problem 400 for what only the load can tell: that it lacks a price index, say */
export async function assertAnswerable(
  db: AnyDb,
  report: Report,
  scope: Scope,
  params: Record<string, unknown>,
): Promise<void> {
  const [refusal] = (await report.refused?.(db, scope, params)?.execute()) ?? []
  if (!refusal) return
  // What it lacks may have gone with its rows.
  await assertAllKept(db, [scope.loadId])
  throw badParameter(refusal.parameter, refusal.detail)
}
