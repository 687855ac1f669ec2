import type { ReadonlyKysely } from 'kysely/readonly'
import { z } from 'zod'
import { behindRows, changedFacts, type PartTotals, partTotals } from '../queries/change-parts.ts'
import {
  type Comparison,
  changedRows,
  changesSort,
  comparedColumns,
  flatFields,
  flatReport,
  flatRows,
} from '../queries/changes.ts'
import { areSortValues, type Page, writtenRows } from '../queries/page.ts'
import { wholeNumber } from '../queries/params.ts'
import { type Scope, scopeOf } from '../queries/report.ts'
import { assertAnswerable, ofKept, type PageAnswer } from './answer.ts'
import type { ByteCache } from './cache.ts'
import type { ComparedLoad } from './compared-loads.ts'
import { csvLine, csvLines } from './csv.ts'
import { badParameter } from './errors.ts'
import { type Format, MOST_ROWS } from './format.ts'
import { makeCursor, NO_CURSOR, readCursor } from './page-cursor.ts'
import { pageParams } from './page-params.ts'
import { asParameterProblem, assertPossible, DEFAULT_LIMIT, digest } from './question.ts'
import type { ServedReport } from './reports.ts'

/** A request for the changes of a report, understood: which rows of which two loads, and how many films of each. */
export interface ChangesQuestion {
  served: ServedReport
  load: ComparedLoad
  against: ComparedLoad
  comparison: Comparison
  page: Page
  /** Things listed of each row. */
  most: number
  /** Measure that rows are sorted by in the first place. */
  by: string | undefined
  format: Format
  count: boolean
  fingerprint: string
  /** Names the rows, whatever their page. */
  rowsFingerprint: string
}

const DEFAULT_FILMS = 20
/** Rows times films of a page: about 10 MB of JSON, and as much work. */
const MOST_FILMS = 20_000
/** Raised when what is said of a change is another thing, so that no cache keeps the old one. */
const CHANGES = 3

/** What the route itself takes, beside the parameters of the report. */
export const changesParams = (reports: ServedReport[]) =>
  z.strictObject({
    report: z
      .enum(
        reports.map(({ name }) => name),
        {
          error: ({ input }) =>
            `${input === undefined ? 'is missing; it is one of' : 'takes'} ${reports.map(({ name }) => name).join(', ')}`,
        },
      )
      .describe('The report whose rows are compared: `movies/company-years`. Its own parameters choose among them'),
    against: z
      .string('is given more than once')
      .regex(/^[1-9]\d{0,8}$/, 'takes the number of a load')
      .transform(Number)
      .optional()
      .describe('The load to compare with; by default the one that was published when this one was made'),
    fields: pageParams.shape.fields.describe(
      'Columns that count and show: a row is in the answer, and a film behind it, when one of these is another one; by default any',
    ),
    films: wholeNumber(
      1,
      1000,
      `Films to list of each row, ${DEFAULT_FILMS} by default; the others are summed up. With \`limit\`, ${MOST_FILMS} a page at most`,
    ),
    sort: pageParams.shape.sort.describe(
      'Key and names by themselves, a measure by the size of its difference: `-revenue` has the largest first; by key when absent',
    ),
    limit: wholeNumber(
      1,
      MOST_ROWS,
      'Rows of a page: 100 by default and 1,000 at most in JSON, 10,000 in CSV, which streams all rows when it is absent',
    ),
    cursor: pageParams.shape.cursor.describe('Where the page before ended (`meta.next`)'),
    count: pageParams.shape.count,
    format: z
      .enum(['json', 'csv'], 'takes json or csv')
      .optional()
      .describe('CSV has the rows without films; overrides the Accept header'),
  })

type ChangesParams = z.output<ReturnType<typeof changesParams>>

/** @throws Problem 400 naming the parameter */
export function understandChanges(
  served: ServedReport,
  loads: { load: ComparedLoad; against: ComparedLoad },
  query: Record<string, unknown>,
  format: Format,
): ChangesQuestion {
  const {
    report: _,
    against: __,
    fields,
    films,
    sort,
    limit,
    cursor,
    count,
    format: ___,
    ...params
  } = query as ChangesParams & Record<string, unknown>
  const { report } = served
  assertPossible(report, params, limit, format)
  const columns = asParameterProblem(() => comparedColumns(report, params, fields))
  const comparison = {
    report,
    before: scopeOf(loads.against.id, { readBy: loads.against.read_by, shows: loads.against.shows }),
    after: scopeOf(loads.load.id, { readBy: loads.load.read_by, shows: loads.load.shows }),
    params,
    columns,
  }
  const order = asParameterProblem(() => changesSort(report, columns, sort))
  const most = films ?? DEFAULT_FILMS
  const room = Math.floor(MOST_FILMS / most)
  if (!format.whole && limit !== undefined && limit > room)
    throw badParameter('films', `and limit ask for up to ${limit * most} films; at most ${MOST_FILMS} fit a page`)
  // The numbers alone would name other loads in a warehouse that was made anew.
  const ofLoad = ({ id, published_at, created_at }: ComparedLoad) => [id, published_at, created_at]
  const rowsFingerprint = digest([
    'changes',
    CHANGES,
    ofLoad(loads.load),
    ofLoad(loads.against),
    served.name,
    report.version,
    params,
    columns,
    order,
  ])
  const after = cursor === undefined ? null : readCursor(cursor, rowsFingerprint).after
  if (after && !areSortValues(flatReport(comparison), order, after)) throw NO_CURSOR()
  const size = limit ?? (!format.whole || cursor !== undefined ? Math.min(DEFAULT_LIMIT, room) : null)
  return {
    served,
    ...loads,
    comparison,
    page: { sort: order, fields: flatFields(columns), limit: size, after },
    most,
    by: sort?.split(',')[0]?.replace(/^-/, ''),
    format,
    count: count === 'exact',
    fingerprint: digest([rowsFingerprint, size, after, most, count ?? null, format.name]),
    rowsFingerprint,
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the rows of any report
type AnyDb = ReadonlyKysely<any>

/**
 * One page, as JSON with what explains each row, or as CSV without.
 * @throws Problem 410 when either load was dropped meanwhile
 */
export const answerChanges = (
  db: AnyDb,
  cache: ByteCache,
  question: ChangesQuestion,
  signal: AbortSignal,
): Promise<PageAnswer> =>
  ofKept(db, [question.against.id, question.load.id], () => readChanges(db, cache, question, signal))

async function readChanges(
  db: AnyDb,
  cache: ByteCache,
  question: ChangesQuestion,
  signal: AbortSignal,
): Promise<PageAnswer> {
  const { comparison, page, format, load, rowsFingerprint } = question
  await assertComparable(db, question)
  const run = { signal, inflightQueryAbortStrategy: 'cancel query' } as const
  const limit = page.limit as number
  const found = await changedRows(db, comparison, { ...page, limit: limit + 1 }).execute(run)
  const rows = found.filter((row): row is typeof row & { json: string } => row.json !== null)
  const shown = rows.slice(0, limit)
  const next = rows.length > limit ? makeCursor(load.id, rowsFingerprint, shown.at(-1)?.sort_values ?? []) : null
  if (!format.tellsMeta) {
    const written = await csvRows(db, question, { ...page, limit }).execute(run)
    return { body: csvLine(page.fields) + csvLines(written), next }
  }
  const { added, removed, changed } = found[0] as (typeof found)[0]
  const lines = await explained(db, question, shown, signal)
  const meta = {
    report: question.served.shownName,
    load: shownLoad(load),
    against: shownLoad(question.against),
    totals: {
      rows: { added, removed, changed },
      ...(await explainingTotals(db, cache, question, signal)),
    },
    rows: shown.length,
    complete: next === null,
    next,
    ...(question.count ? { total: added + removed + changed } : {}),
    ...(await toldOfLoads(db, question, shown, signal)),
  }
  return { body: `{"data":[${lines.join(',\n')}],\n"meta":${JSON.stringify(meta)}}\n`, next }
}

/** @throws Problem 400 for what one of the loads lacks, naming it */
export async function assertComparable(db: AnyDb, { comparison }: ChangesQuestion): Promise<void> {
  for (const scope of [comparison.before, comparison.after])
    await assertAnswerable(db, comparison.report, scope, comparison.params)
}

/** All flat rows as lines of CSV. */
export const csvRows = (db: AnyDb, { comparison }: ChangesQuestion, page: Page) =>
  writtenRows(db, flatReport(comparison), flatRows(db, comparison, page), page, 'csv')

/** What the figures of each load rest on beside its films, by name: which prices, say; and what is to be told of the rows that show. */
async function toldOfLoads(
  db: AnyDb,
  { comparison: { report, before, after, params } }: ChangesQuestion,
  rows: { json: string; key_values: string[] }[],
  signal: AbortSignal,
): Promise<Record<string, { before: unknown; after: unknown }>> {
  const { compared } = report
  // Of a row that is gone only the load before can tell.
  const keysIn = (scope: Scope) =>
    rows
      .filter(({ json }) => (JSON.parse(json).change === 'removed') === (scope === before))
      .map(({ key_values }) => key_values)
  const told = async (scope: Scope): Promise<Record<string, unknown>> => {
    const queries = [
      ...(compared?.meta?.(db, scope, params) ?? []),
      ...(compared?.metaOfRows?.(db, scope, params, keysIn(scope)) ?? []),
    ]
    const run = { signal, inflightQueryAbortStrategy: 'cancel query' } as const
    return Object.assign({}, ...(await Promise.all(queries.map(async (query) => (await query.execute(run))[0]))))
  }
  const [was, is] = await Promise.all([told(before), told(after)])
  return Object.fromEntries(Object.keys(is).map((name) => [name, { before: was[name], after: is[name] }]))
}

const shownLoad = ({ id, published_at, data_through }: ComparedLoad) => ({ id, published_at, data_through })

/** The rows' JSON, each with the films behind it. */
async function explained(
  db: AnyDb,
  { comparison, most, by }: ChangesQuestion,
  rows: { json: string; key_values: string[] }[],
  signal: AbortSignal,
): Promise<string[]> {
  const { parts, itself } = comparison.report.compared ?? {}
  if (rows.length === 0) return []
  const keys = rows.map(({ key_values }) => key_values)
  const run = { signal, inflightQueryAbortStrategy: 'cancel query' } as const
  if (itself) {
    const ids = keys.map(([id]) => id as string)
    const facts = await changedFacts(db, comparison, itself, ids).execute(run)
    return rows.map(({ json }, index) => `${json.slice(0, -1)},"fields":${facts[index]?.json}}`)
  }
  if (!parts) return rows.map(({ json }) => json)
  const behind = await behindRows(db, comparison, parts, { keys, by, most }).execute(run)
  return rows.map(({ json }, index) => `${json.slice(0, -1)},"${parts.of}s":${behind[index]?.json}}`)
}

/** How many films are behind all rows: the same for each page, so it is counted once. */
async function explainingTotals(
  db: AnyDb,
  cache: ByteCache,
  { comparison, rowsFingerprint }: ChangesQuestion,
  signal: AbortSignal,
): Promise<Record<string, PartTotals>> {
  const parts = comparison.report.compared?.parts
  if (!parts) return {}
  const { body } = await cache.obtain(`${rowsFingerprint} totals`, signal, async (until) => {
    const counted = partTotals(db, comparison, parts).execute({
      signal: until,
      inflightQueryAbortStrategy: 'cancel query',
    })
    return { body: Buffer.from(JSON.stringify((await counted)[0])), encoded: false, next: null }
  })
  return { [`${parts.of}s`]: JSON.parse(body.toString()) as PartTotals }
}
