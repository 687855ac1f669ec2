import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import http from 'node:http'
import { text } from 'node:stream/consumers'
import type { House } from '../build.ts'
import { exactJson, plain } from './exact.ts'
import type { Cell, Row } from './oracle-figures.ts'

/** The ways to ask for a report on films, each read by other code than the program's own. */

type Query = Record<string, string>

export interface Page {
  rows: Row[]
  meta: { [key: string]: Cell } & { next: string | null; load: { [key: string]: Cell } }
}

const urlOf = (report: string, query: Query) => `/v1/movies/${report}?${new URLSearchParams(query)}`

export async function askJson(house: House, report: string, query: Query): Promise<Page> {
  const { statusCode, body } = await house.app.inject({ url: urlOf(report, query) })
  assert.equal(statusCode, 200, body)
  const { data, meta } = exactJson(body)
  return { rows: data, meta }
}

export interface PageSize {
  limit: number
  format: 'json' | 'csv' | 'ndjson'
}

/**
 * Follows the `Link` header to the end; the rows as CSV would tell them.
 * @param sizes of the pages, over and over
 * @param meanwhile is done behind the first page
 */
export async function askPages(
  house: House,
  report: string,
  query: Query,
  sizes: PageSize[],
  meanwhile?: () => Promise<unknown>,
): Promise<(string | null)[][]> {
  const lines: (string | null)[][] = []
  let cursor: string | null = null
  for (let page = 0; page === 0 || cursor; page++) {
    const { limit, format } = sizes[page % sizes.length] as PageSize
    const asked: Query = { ...query, limit: String(limit), format, ...(cursor ? { cursor } : {}) }
    const { statusCode, body, headers } = await house.app.inject({ url: urlOf(report, asked) })
    assert.equal(statusCode, 200, body)
    const [, next] = /^<([^>]+)>; rel="next"$/.exec(String(headers.link ?? '')) ?? []
    cursor = next ? new URL(next, 'http://any').searchParams.get('cursor') : null
    if (format === 'json') assert.equal(exactJson(body).meta.next, cursor)
    const found = linesOf(body, format)
    assert.ok(found.length === limit || !cursor, 'a page with one behind it is full')
    assert.ok(found.length > 0 || page === 0, 'a page that was announced has rows')
    lines.push(...found)
    if (page === 0) await meanwhile?.()
  }
  return lines
}

function linesOf(body: string, format: PageSize['format']): (string | null)[][] {
  if (format === 'csv') return readCsv(body).slice(1)
  const rows: Row[] = format === 'json' ? exactJson(body).data : ndjsonRows(body)
  return rows.map(asCsv)
}

/** The rows of NDJSON, once its last record has been found true. */
function ndjsonRows(body: string): Row[] {
  const start = body.lastIndexOf('\n', body.length - 2) + 1
  const lines = body.slice(0, start).split('\n').slice(0, -1)
  const digest = `sha-256=${createHash('sha256').update(body.slice(0, start)).digest('base64')}`
  assert.deepEqual(JSON.parse(body.slice(start)), { end: true, rows: lines.length, digest })
  return lines.map(exactJson)
}

/** The whole as NDJSON. */
export async function askNdjson(house: House, report: string, query: Query): Promise<Row[]> {
  const { statusCode, body } = await house.app.inject({ url: urlOf(report, { ...query, format: 'ndjson' }) })
  assert.equal(statusCode, 200, body)
  return ndjsonRows(body)
}

/** The whole as CSV over a real connection, once its trailers have been found true; the first line is the header. */
export async function askCsv(origin: string, report: string, query: Query): Promise<(string | null)[][]> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get(`${origin}${urlOf(report, { ...query, format: 'csv' })}`, { agent: false }, resolve).on('error', reject)
  })
  const body = await text(response)
  assert.equal(response.statusCode, 200, body)
  const lines = readCsv(body)
  assert.deepEqual(response.trailers, {
    'row-count': String(lines.length - 1),
    'body-digest': `sha-256=${createHash('sha256').update(body).digest('base64')}`,
  })
  return lines
}

/** What a row is in CSV: unknown is empty, a list is joined by `|`, a number its digits. */
export const asCsv = (row: Row): (string | null)[] =>
  Object.values(row).map((cell) => (Array.isArray(cell) ? cell.join('|') : cell === null ? null : plain(String(cell))))

/** RFC 4180; an empty cell without quotes is null. */
export function readCsv(body: string): (string | null)[][] {
  const lines: (string | null)[][] = []
  let line: (string | null)[] = []
  for (const [, quoted, bare, end] of body.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    line.push(quoted === undefined ? bare || null : quoted.replaceAll('""', '"'))
    if (end === ',') continue
    lines.push(line)
    line = []
  }
  assert.ok(body.endsWith('\r\n') && line.length === 0, 'the last line ends')
  return lines
}
