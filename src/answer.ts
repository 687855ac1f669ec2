import type { ReadonlyKysely } from 'kysely/readonly'
import { keptLoads, pageStatement, type ReadPage } from '../queries/page.ts'
import type { Report, Rows, Scope } from '../queries/report.ts'
import { badParameter, Problem } from './errors.ts'
import { makeCursor } from './page-cursor.ts'
import { DEFAULT_LIMIT, type Question } from './question.ts'
import { scopeOfSnapshot } from './snapshots.ts'
import { type Statement, statementFor } from './statements.ts'

// biome-ignore lint/suspicious/noExplicitAny: the rows of any report
type AnyDb = ReadonlyKysely<any>

/** The answer to a question for one page; `next` is the cursor of the page after, if any. */
export interface PageAnswer {
  body: string | Uint8Array
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
    pickedBy: report.pickedBy?.(scope, params),
    page: { ...page, limit: page.limit ?? DEFAULT_LIMIT },
    line: format.line,
    separator: format.separator,
    count,
    meta: format.tellsMeta ? toldBeside(db, question) : [],
  })
}

function toldBeside(db: AnyDb, { served: { report }, snapshot, params }: Question): Rows<unknown>[] {
  const scope = scopeOfSnapshot(snapshot)
  const lacking = report.lacking?.(db, scope, params)
  return [...(report.meta?.(db, scope, params) ?? []), ...(lacking ? [lacking] : [])]
}

export const noSuchRow = ({ served, snapshot }: Question) =>
  new Problem(404, `Load ${snapshot.id} has no such ${served.url.split('/').at(-2)?.replace(/s$/, '')}.`)

/**
 * @throws Problem 404 when a single row is asked for and there is none, 410 when the load was dropped meanwhile
 */
export async function answerPage(db: AnyDb, question: Question, signal: AbortSignal): Promise<PageAnswer> {
  const { served, snapshot, params, format } = question
  await assertAnswerable(db, served.report, scopeOfSnapshot(snapshot), params)
  const run = { signal, inflightQueryAbortStrategy: 'cancel query' } as const
  const statement = statementFor(question, (one) => statementOf(db, one).compile() as Statement)
  const [read] = (await orGone(db, [snapshot.id], () => db.executeQuery(statement, run))).rows as [ReadPage]
  assertKept(read, [snapshot.id])
  const { more, lines, last } = read
  const next = more ? makeCursor(snapshot.id, question.rowsFingerprint, last as (string | null)[]) : null
  if (served.single && lines === null) throw noSuchRow(question)
  return { body: format.page(read, question, next), next }
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

/** @throws Problem 410 where a statement fails because a load's tables are gone */
export async function orGone<T>(db: AnyDb, loadIds: number[], read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if ((error as { code?: string }).code === UNDEFINED_TABLE) await assertAllKept(db, loadIds)
    throw error
  }
}

const UNDEFINED_TABLE = '42P01'

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
