import { parse } from 'csv-parse/sync'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { SORTABLE } from '../queries/page.ts'
import { factsOf, type SqlType } from '../queries/report.ts'
import { paramsOf } from '../src/question.ts'
import { loadReports, type ServedReport } from '../src/reports.ts'
import { build, type House, loadGenerated, stock } from './build.ts'
import { readParquet } from './parquet-file.ts'

/** Holds for every report that there is and will be; no report is named here. */

// biome-ignore lint/suspicious/noExplicitAny: rows of any report
type Row = Record<string, any>

const reports = await loadReports()

t.test('every report keeps the contract', async (t) => {
  const house = await build(t)
  await stock(house)
  /** With more than a sample has. */
  const whole = await build(t)
  for (const { generate, name } of whole.subjects.values())
    if (generate) t.match(await loadGenerated(whole, name), { state: 'published', error: null })
  const catalog = (await house.get('/v1')).body
  const openapi = (await house.get('/openapi.json')).body
  t.ok(reports.length > 0)
  for (const served of reports)
    await t.test(served.name, async (t) => {
      if (served.single) await checkSingle(t, house, served)
      else {
        const bySample = await checkExample(t, house, served)
        await checkList(t, bySample ? house : whole, served)
      }
      checkCatalog(t, served, catalog)
      checkOpenapi(t, served, openapi)
    })
})

/** URL of a report with its example's values, in the path and in the query. */
function exampleUrl({ url, report }: ServedReport, more: Record<string, string> = {}): string {
  const query = new URLSearchParams({ ...report.example, ...more })
  const path = url.replace(/:(\w+)/g, (_, name: string) => {
    const value = query.get(name) ?? ''
    query.delete(name)
    return value
  })
  return query.size > 0 ? `${path}?${query}` : path
}

async function checkSingle(t: Test, house: House, served: ServedReport): Promise<void> {
  const { status, body } = await house.get(exampleUrl(served))
  t.equal(status, 200)
  t.strictSame(Object.keys(body), ['data', 'meta'])
  checkRow(t, served, body.data)
  await checkUnknownParameter(t, house, served)
  await checkConditions(t, house, exampleUrl(served))
}

async function checkList(t: Test, house: House, served: ServedReport): Promise<void> {
  const { url, report } = served
  const columns = Object.keys(report.row.shape)
  const { status, body } = await house.get(`${url}?limit=1000`)
  t.equal(status, 200)
  const rows = body.data as Row[]
  t.ok(rows.length > 1, 'there are rows for it')
  for (const row of rows) checkRow(t, served, row)
  t.equal(new Set(rows.map((row) => keyOf(served, row))).size, rows.length, 'its key is unique')
  t.match(body.meta, { report: served.name, load: { id: Number }, rows: rows.length, complete: Boolean })
  await checkUnknownParameter(t, house, served)
  await checkConditions(t, house, `${url}?limit=3`)
  for (const column of columns) await checkSort(t, house, served, column)
  await checkPages(t, house, served)
  await checkFormats(t, house, served)
  await checkParquet(t, house, served)

  const [first, , third] = columns as [string, string, string]
  const picked = (await house.get(`${url}?limit=2&fields=${third},${first}`)).body.data as Row[]
  t.strictSame(
    picked,
    rows.slice(0, 2).map((row) => ({ [first]: row[first], [third]: row[third] })),
    'fields picks, in the report’s order',
  )
  const counted = (await house.get(`${url}?limit=1&count=exact`)).body.meta.total
  t.ok(counted >= rows.length && (counted === rows.length || !body.meta.complete), 'count=exact counts all pages')
  for (const [parameter, value] of [
    ['fields', 'no_such_column'],
    ['sort', '-no_such_column'],
    ['sort', 'constructor'],
    ['fields', '__proto__'],
    ['limit', '1001'],
    ['limit', '10001&format=parquet'],
    ['explain', 'true&format=parquet'],
    ['limit', '0'],
    ['cursor', 'abc'],
    ['count', 'yes'],
    ['format', 'xml'],
  ] as const)
    await checkRefused(t, house, `${url}?${parameter}=${value}`, parameter)
}

/** The example finds something in the sample, if the sample has anything that the report is about. @returns whether it has */
async function checkExample(t: Test, house: House, served: ServedReport): Promise<boolean> {
  const [example, any] = [await house.get(exampleUrl(served)), await house.get(`${served.url}?limit=1`)]
  t.equal(example.status, 200)
  const has = any.body.data.length > 0
  if (has) t.ok(example.body.data.length > 0, 'its example finds something')
  return has
}

/** The declared row, strictly: no other keys, in this order, of these types. */
function checkRow(t: Test, { report }: ServedReport, row: Row): void {
  const parsed = report.row.safeParse(row)
  if (!parsed.success) t.fail(z.prettifyError(parsed.error), { row })
  const [actual, declared] = [Object.keys(row), Object.keys(report.row.shape)]
  if (actual.join() !== declared.join()) t.strictSame(actual, declared)
}

const keyOf = ({ report }: ServedReport, row: Row) => JSON.stringify(report.key.map((column) => row[column]))

async function checkUnknownParameter(t: Test, house: House, served: ServedReport): Promise<void> {
  const reply = await house.get(exampleUrl(served, { no_such_parameter: '1' }))
  t.equal(reply.status, 400)
  t.match(reply.body.errors, [{ parameter: 'no_such_parameter' }])
  for (const parameter of Object.keys(paramsOf(served).shape))
    if (!served.url.includes(`:${parameter}`)) t.match(reply.body.detail, parameter, 'says what there is')
}

async function checkRefused(t: Test, house: House, url: string, parameter: string): Promise<void> {
  const { status, body } = await house.get(url)
  t.equal(status, 400, url)
  t.match(body.errors, [{ parameter, detail: /\w/ }])
}

async function checkConditions(t: Test, house: House, url: string): Promise<void> {
  const first = await house.app.inject({ url })
  const etag = String(first.headers.etag)
  t.match(etag, /^"[\w-]+"$/)
  t.match(first.headers, { 'cache-control': 'public, no-cache', 'data-version': /^\w+=\d+$/ })
  const again = await house.app.inject({ url, headers: { 'if-none-match': etag } })
  t.equal(again.statusCode, 304)
  t.equal(again.body, '')
  const head = await house.app.inject({ url, method: 'HEAD' })
  t.equal(head.statusCode, 200)
  t.equal(head.body, '')
  t.equal(head.headers.etag, etag)
  t.equal(head.headers['content-length'], String(Buffer.byteLength(first.body)))
}

async function checkSort(t: Test, house: House, served: ServedReport, column: string): Promise<void> {
  const { url, report } = served
  const type = factsOf(report.row.shape[column] as z.ZodType).sql
  if (!SORTABLE.has(type)) return await checkRefused(t, house, `${url}?sort=${column}`, 'sort')
  for (const descending of [false, true]) {
    const reply = await house.get(`${url}?limit=200&sort=${descending ? '-' : ''}${column}`)
    t.equal(reply.status, 200)
    const values = (reply.body.data as Row[]).map((row) => row[column] as string | number | null)
    const wrong = values.findIndex((value, index) => index > 0 && !inOrder(values[index - 1], value, descending))
    t.equal(wrong, -1, `${column} ${descending ? 'descending' : 'ascending'}, unknown last`)
  }
}

function inOrder(before: unknown, after: unknown, descending: boolean): boolean {
  if (before === null || after === null) return after === null
  const order =
    typeof before === 'string'
      ? Buffer.compare(Buffer.from(before), Buffer.from(after as string))
      : Number(before) - Number(after)
  return descending ? order >= 0 : order <= 0
}

/** Pages joined equal one page, whatever they are sorted by and however many nulls and ties there are. */
async function checkPages(t: Test, house: House, served: ServedReport): Promise<void> {
  const { url, report } = served
  const columns = Object.keys(report.row.shape).filter((name) =>
    SORTABLE.has(factsOf(report.row.shape[name] as z.ZodType).sql),
  )
  for (const sort of [report.defaultSort, ...columns.map((column) => `-${column}`)]) {
    const whole = (await house.get(`${url}?sort=${sort}&limit=90`)).body.data as Row[]
    const joined: Row[] = []
    for (let cursor = ''; joined.length < whole.length; ) {
      const { body } = await house.get(`${url}?sort=${sort}&limit=45${cursor && `&cursor=${cursor}`}`)
      joined.push(...body.data)
      if (body.meta.next === null) break
      cursor = body.meta.next
    }
    t.strictSame(
      joined.map((row) => keyOf(served, row)),
      whole.map((row) => keyOf(served, row)),
      `pages by ${sort} join`,
    )
  }
}

async function checkFormats(t: Test, house: House, { url, report }: ServedReport): Promise<void> {
  const json = (await house.get(`${url}?limit=200`)).body.data as Row[]
  const csv = await house.app.inject({ url: `${url}?limit=200&format=csv` })
  const cell = (value: unknown) => (Array.isArray(value) ? value.join('|') : String(value ?? ''))
  t.strictSame(parse(csv.body), [
    Object.keys(report.row.shape),
    ...json.map((row) => Object.values(row).map((value) => cell(value))),
  ])
  const accepted = await house.app.inject({ url: `${url}?limit=200`, headers: { accept: 'text/csv' } })
  t.equal(accepted.body, csv.body)
  const lines = (await house.app.inject({ url: `${url}?limit=200&format=ndjson` })).body.trimEnd().split('\n')
  t.match(JSON.parse(lines.pop() as string), { end: true, rows: json.length, digest: /^sha-256=/ })
  t.strictSame(
    lines.map((line) => JSON.parse(line)),
    json,
  )
}

async function checkParquet(t: Test, house: House, { url, name, report }: ServedReport): Promise<void> {
  const get = (query: string, headers = {}) => house.app.inject({ url: `${url}?${query}`, headers })
  const page = await get('limit=200&format=parquet', { 'accept-encoding': 'br, gzip' })
  t.match(page.headers, {
    'content-type': 'application/vnd.apache.parquet',
    'content-disposition': `attachment; filename="${name.replaceAll('/', '-')}.parquet"`,
    'content-length': String(page.rawPayload.length),
  })
  t.notOk(page.headers['content-encoding'])
  const { types, rows, facts } = await readParquet(page.rawPayload)
  const json = (await get('limit=200')).json()
  const cell = (value: unknown) => (value === null || Array.isArray(value) ? value : String(value))
  const cells = (row: Row) => Object.entries(row).map(([column, value]) => [column, cell(value)])
  t.strictSame(rows.map(cells), json.data.map(cells), 'the rows of JSON, unknown as null')
  for (const [column, type] of Object.entries(types)) {
    const declared = report.row.shape[column] as z.ZodType
    t.match(type.replace('?', ''), PARQUET_TYPES[factsOf(declared).sql], column)
    t.equal(type.endsWith('?'), declared.isNullable(), column)
  }
  const { id, published_at } = json.meta.load
  t.match(facts, { report: name, load_id: String(id), published_at, row_count: String(rows.length) })
  t.match(JSON.parse(facts.parameters as string), { limit: 200, fields: Object.keys(types).join() })
  t.same((await get('limit=200', { accept: 'application/vnd.apache.parquet' })).rawPayload, page.rawPayload)
  t.equal(page.headers.link === undefined, json.meta.next === null)

  const [whole, csv] = [await get('format=parquet'), await get('format=csv')]
  const all = await readParquet(whole.rawPayload)
  t.strictSame(all.rows.slice(0, rows.length), rows, 'the whole begins with the page')
  t.strictSame(all.types, types)
  t.equal(all.facts.row_count, String(parse(csv.body).length - 1))
  t.equal(all.rows.length, parse(csv.body).length - 1)

  const [first, , third] = Object.keys(types) as [string, string, string]
  const picked = await readParquet((await get(`limit=5&format=parquet&fields=${third},${first}`)).rawPayload)
  t.strictSame(picked.types, { [first]: types[first], [third]: types[third] })

  const head = await house.app.inject({ url: `${url}?format=parquet`, method: 'HEAD' })
  t.equal(head.statusCode, 200)
  t.equal(head.headers.etag, whole.headers.etag)
  t.equal(head.body, '')
  t.equal((await get('format=parquet', { 'if-none-match': head.headers.etag as string })).statusCode, 304)
  t.not(whole.headers.etag, csv.headers.etag)
}

/** What a column of each kind may be. */
const PARQUET_TYPES: Record<SqlType, RegExp> = {
  bigint: /^INT64$/,
  integer: /^INT32$/,
  numeric: /^(INT64|DECIMAL\(38,[26]\)|DOUBLE)$/,
  text: /^STRING$/,
  date: /^DATE$/,
  timestamptz: /^TIMESTAMP$/,
  boolean: /^BOOLEAN$/,
  'text[]': /^LIST<STRING>$/,
}

// biome-ignore lint/suspicious/noExplicitAny: a document of JSON
function checkCatalog(t: Test, served: ServedReport, catalog: any): void {
  const { shownName, url, report, subject } = served
  const listed = catalog.subjects
    .find((one: { subject: string }) => one.subject === subject)
    ?.reports.find((one: { report: string }) => one.report === shownName)
  t.match(listed, { url: url.replace(/:(\w+)/g, '{$1}'), summary: /\w{3}/, description: /\w{3}.*\.$/s })
  t.strictSame(
    listed.columns.map((column: { name: string }) => column.name),
    Object.keys(report.row.shape),
  )
  for (const column of listed.columns)
    t.match(
      column,
      { type: /^(integer|number|string|boolean|array|date|date-time)$/, nullable: Boolean, definition: /\w/ },
      column.name,
    )
  for (const column of listed.columns)
    if (['integer', 'number'].includes(column.type) && !column.name.endsWith('_id'))
      t.ok(column.unit, `${column.name} has a unit`)
  t.strictSame(
    listed.parameters.map((parameter: { name: string }) => parameter.name),
    Object.keys(paramsOf(served).shape),
  )
  for (const parameter of listed.parameters) t.match(parameter.description, /\w/, parameter.name)
}

// biome-ignore lint/suspicious/noExplicitAny: a document of JSON
function checkOpenapi(t: Test, served: ServedReport, openapi: any): void {
  const { get } = openapi.paths[served.url.replace(/:(\w+)/g, '{$1}')]
  t.match(get, { summary: served.report.summary, operationId: /^\w+$/, tags: [served.subject] })
  t.strictSame(
    get.parameters.map((parameter: { name: string }) => parameter.name).sort(),
    Object.keys(paramsOf(served).shape).sort(),
  )
  const { schema, example } = get.responses[200].content['application/json']
  const [asRows, explained] = schema.anyOf
  t.ok(asRows.properties.data)
  t.ok(openapi.components.schemas[explained.$ref.split('/').pop()].properties.data)
  const rows = [example?.data].flat()
  t.ok(example && rows.length <= 2, 'has an example answer')
  for (const row of rows) checkRow(t, served, row)
}
