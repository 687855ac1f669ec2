import { createHash } from 'node:crypto'
import { z } from 'zod'
import { areSortValues, type Page, PageError, shownFields, sortKeys } from '../queries/page.ts'
import type { Report } from '../queries/report.ts'
import { badParameter } from './errors.ts'
import type { Format } from './format.ts'
import { streamed } from './formats.ts'
import { NO_CURSOR, readCursor } from './page-cursor.ts'
import { type PageParams, pageParams } from './page-params.ts'
import type { ServedReport } from './reports.ts'
import type { Snapshot } from './snapshots.ts'

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

export const DEFAULT_LIMIT = 100
/** Raised when what surrounds the rows changes, so that no cache keeps the old shape. */
const ENVELOPE = 3

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
  if (explain && !format.tellsMeta) throw badParameter('explain', 'is answered in JSON only')
  assertPossible(report, params, limit, format)
  const page = asParameterProblem(() => ({
    sort: sortKeys(report, sort ?? report.defaultSort),
    fields: shownFields(report, fields),
    limit: limit ?? (!format.whole || cursor !== undefined ? DEFAULT_LIMIT : null),
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
      format.name,
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
  if (limit !== undefined && limit > format.mostRows)
    throw badParameter(
      'limit',
      `takes at most ${format.mostRows} in ${format.title}; ${streamed} stream all rows when it is absent`,
    )
  if (typeof params.from === 'number' && typeof params.to === 'number' && params.from > params.to)
    throw badParameter('from', 'is after to, so no year is between them')
  const contradiction = report.contradiction?.(params)
  if (contradiction) throw badParameter(contradiction.parameter, contradiction.detail)
}

/** What takes about as long as another question of the kind: what is asked, but for the values of filters. */
export const kindOf = ({ served, params, page, format, count }: Question): string => {
  const asked = Object.entries(params).flatMap(([name, value]) =>
    value === undefined ? [] : [typeof value === 'string' ? `${name}=${value}` : name],
  )
  return [served.name, format, count, ...asked, ...page.sort.map(({ column }) => column)].join(' ')
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
