import t, { type Test } from 'tap'
import { z } from 'zod'
import { explanationShape } from '../src/explanation.ts'
import { loadReports, type ServedReport } from '../src/reports.ts'
import { ADMIN_TOKEN, build, type House, stock } from './build.ts'

/** What `explain=true` says holds for every report that there is and will be; no report is named here. */

// biome-ignore-start lint/suspicious/noExplicitAny: answers of JSON
const reports = await loadReports()
const admin = { authorization: `Bearer ${ADMIN_TOKEN}` }

t.test('every report explains itself', async (t) => {
  const house = await build(t)
  await stock(house)
  const catalog = (await house.get('/v1')).body
  for (const served of reports)
    await t.test(served.name, async (t) => {
      await checkExplained(t, house, served, listedIn(catalog, served))
      await checkAdmin(t, house, served)
      await checkRefusals(t, house, served)
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
  return `${path}?${query}`
}

const listedIn = (catalog: any, { subject, shownName }: ServedReport) =>
  catalog.subjects
    .find((one: any) => one.subject === subject)
    .reports.find(({ report }: { report: string }) => report === shownName)

async function checkExplained(t: Test, house: House, served: ServedReport, listed: any): Promise<void> {
  const limit: Record<string, string> = served.single ? {} : { limit: '5', count: 'exact' }
  const plain = (await house.get(exampleUrl(served, limit))).body
  const { status, body, headers } = await house.get(exampleUrl(served, { ...limit, explain: 'true' }))
  t.equal(status, 200)
  const parsed = explanationShape.safeParse(body)
  if (!parsed.success) t.fail(z.prettifyError(parsed.error))
  const { data, meta } = body
  t.strictSame(meta, { report: plain.meta.report, load: plain.meta.load })
  t.strictSame(data.report, { summary: listed.summary, description: listed.description })
  t.strictSame(data.columns, listed.columns)
  const { id } = meta.load
  t.strictSame(data.load, (await house.get(`/v1/loads/${id}`)).body)
  t.strictSame(data.checks, (await house.get(`/v1/loads/${id}/checks`)).body.data)
  t.notOk('plan' in data)
  checkFilms(t, served, data, [plain.data].flat().length > 0)

  const [answer] = await run(house, data.sql)
  t.strictSame(JSON.parse(`[${answer.lines ?? ''}]`), [plain.data].flat(), 'the SQL gives the rows')
  const told = Object.assign({}, ...answer.members.map((member: string) => JSON.parse(member)))
  t.match(
    plain.meta,
    served.single ? {} : { ...told, rows: Number(answer.rows), total: Number(answer.total) },
    'and meta',
  )

  t.match(headers, { 'cache-control': 'public, no-cache', vary: /\bauthorization\b/, 'data-version': /=\d+$/ })
  const ask = (more: Record<string, string>, sent: Record<string, string>) =>
    house.app.inject({ url: exampleUrl(served, more), headers: sent })
  const etag = String(headers.etag)
  t.equal((await ask({ ...limit, explain: 'true' }, { 'if-none-match': etag })).statusCode, 304)
  t.equal((await ask(limit, { 'if-none-match': etag })).statusCode, 200, 'the rows have another ETag')
  t.strictSame((await house.get(exampleUrl(served, { ...limit, explain: 'false' }))).body, plain)

  const [first] = Object.keys(served.report.row.shape) as [string]
  const picked = (await house.get(exampleUrl(served, { fields: first, explain: 'true' }))).body.data
  t.strictSame(picked.columns, listed.columns.slice(0, 1), 'of the columns that show')
  const [{ lines }] = await run(house, picked.sql)
  for (const row of JSON.parse(`[${lines ?? ''}]`)) t.strictSame(Object.keys(row), [first])
}

/** Each film of the load is counted or left out, once. */
function checkFilms(t: Test, { report }: ServedReport, { films, coverage, sources, load }: any, found: boolean): void {
  if (!report.counted) {
    t.strictSame([films, coverage], [undefined, undefined])
    for (const { name: file } of load.files)
      t.ok(
        sources.some((one: any) => one.load === load.id && one.file === file),
        file,
      )
    return
  }
  const sum = (rows: { films: number }[]) => rows.reduce((total, row) => total + row.films, 0)
  t.equal(films.in_load, load.row_counts.film)
  t.equal(films.counted + sum(films.left_out), films.in_load)
  t.equal(films.counted > 0, found, 'there are rows where films count')
  t.equal(sum(sources), films.counted)
  for (const { known, counted } of Object.values<any>(coverage)) {
    t.equal(counted, films.counted)
    t.ok(known >= 0 && known <= counted)
  }
}

async function run(house: House, { text, parameters }: { text: string; parameters: unknown[] }): Promise<any[]> {
  const client = await house.warehouse.connect('test')
  try {
    return (await client.query(text, parameters)).rows
  } finally {
    await client.end()
  }
}

async function checkAdmin(t: Test, house: House, served: ServedReport): Promise<void> {
  const url = exampleUrl(served, { explain: 'true' })
  const everyone = await house.app.inject({ url })
  const admins = await house.app.inject({ url, headers: admin })
  t.match(admins.headers, { 'cache-control': 'private, no-store', vary: /\bauthorization\b/ })
  const { plan, ...data } = admins.json().data
  t.match(plan, [{ Plan: { 'Node Type': String, 'Total Cost': Number } }])
  t.notMatch(JSON.stringify(plan), /Actual/, 'nothing was run for it')
  t.strictSame(data, everyone.json().data, 'all else is the same')
  t.not(admins.headers.etag, everyone.headers.etag)
  t.strictSame((await house.app.inject({ url })).json(), everyone.json(), 'nor does anybody see it afterwards')
  const wrong = await house.app.inject({ url, headers: { authorization: 'Bearer of-nothing' } })
  t.equal(wrong.statusCode, 401)
  t.match(wrong.headers, { 'www-authenticate': /invalid_token/ })
}

async function checkRefusals(t: Test, house: House, served: ServedReport): Promise<void> {
  const refused = async (more: Record<string, string>, parameter: string, headers: Record<string, string> = {}) => {
    const reply = await house.app.inject({ url: exampleUrl(served, { explain: 'true', ...more }), headers })
    t.equal(reply.statusCode, 400, parameter)
    t.match(reply.json().errors, [{ parameter }])
  }
  await refused({ explain: 'maybe' }, 'explain')
  await refused({ no_such_parameter: '1' }, 'no_such_parameter')
  await refused({ fields: 'no_such_column' }, 'fields')
  if (served.single) return
  for (const format of ['csv', 'ndjson', 'parquet']) await refused({ format }, 'explain')
  await refused({}, 'explain', { accept: 'text/csv' })
  await refused({ limit: '1001' }, 'limit')
  await refused({ cursor: 'abc' }, 'cursor')
  await refused({ sort: 'no_such_column' }, 'sort')
}
// biome-ignore-end lint/suspicious/noExplicitAny: see above
