import t, { type Test } from 'tap'
import { type Compared, type Rows, scopeOf } from '../queries/report.ts'
import { ByteCache } from '../src/cache.ts'
import { answerChanges, understandChanges } from '../src/changes.ts'
import { comparedLoads } from '../src/compared-loads.ts'
import { json } from '../src/formats/json.ts'
import { loadReports, type ServedReport } from '../src/reports.ts'
import { ask } from './ask.ts'
import { ADMIN_TOKEN, build, type House, loadGenerated } from './build.ts'
import { type Cells, metadata } from './movies/sources.ts'

/** Why figures moved, whatever the report: which loads can be compared, by whom, and how the answer is asked for. */

const YEARS = 'report=movies/years'
const admin = { authorization: `Bearer ${ADMIN_TOKEN}` }
const reports = (await loadReports()).filter(({ single }) => !single)

let files = 0
async function loaded(house: House, films: Cells[], request = {}): Promise<number> {
  files += 1
  const load = await house.load(await house.file(`${files}/movies_metadata.csv`, metadata(films)), request)
  return load.id
}

const films = (revenues: (string | undefined)[]): Cells[] =>
  revenues.map((revenue) => (revenue === undefined ? {} : { revenue }))

const changes = (house: House, id: number, query: string, headers = {}) =>
  house.app
    .inject({ url: `/v1/loads/${id}/changes?${query}`, headers })
    .then(({ statusCode, body, headers: said }) => ({ status: statusCode, body: JSON.parse(body), headers: said }))

t.test('a load is compared with the one before it, or with any other that is named', async (t) => {
  const house = await build(t)
  const first = await loaded(house, films(['10000', '20000']))
  const second = await loaded(house, films(['10000', '20000', '40000']))
  const third = await loaded(house, films(['10000', '20000', '90000']))
  const difference = async (id: number, query = '') => {
    const { status, body } = await changes(house, id, `${YEARS}${query}`)
    t.equal(status, 200)
    return [body.meta.against.id, body.meta.load.id, body.data[0]?.difference.revenue]
  }
  t.strictSame(await difference(third), [second, third, 50_000])
  t.strictSame(await difference(third, `&against=${first}`), [first, third, 90_000])
  t.strictSame(
    await difference(first, `&against=${third}`),
    [third, first, -90_000],
    'an older one against a newer one',
  )
  const itself = await changes(house, third, `${YEARS}&against=${third}&count=exact`)
  t.match(itself.body, {
    data: [],
    meta: { rows: 0, complete: true, next: null, total: 0, totals: { rows: { changed: 0 }, films: { changed: 0 } } },
  })
  const { status, body } = await changes(house, first, YEARS)
  t.equal(status, 404)
  t.match(body.detail, `Load ${first} is the first of movies`)
})

t.test('what cannot be compared is refused with the reason', async (t) => {
  const house = await build(t)
  const first = await loaded(house, films(['10000']))
  const second = await loaded(house, films(['20000']))
  const third = await loaded(house, films(['30000']))
  const run = (statement: string, ...values: unknown[]) =>
    house.warehouse.connect('test').then(async (client) => {
      const { rows } = await client.query(statement, values)
      await client.end()
      return rows
    })
  const entered = async (subject: string, state: string): Promise<number> =>
    (
      await run(
        `insert into reelhouse.load (subject, state, mode, trigger, actor, source)
         values ($1, $2, 'replace', 'cli', 'test', 'x') returning load_id`,
        subject,
        state,
      )
    )[0].load_id
  const refused = async (id: number, query: string, status: number, detail: RegExp, parameter?: string) => {
    const reply = await changes(house, id, query)
    t.equal(reply.status, status, `${id} ${query}`)
    t.match(reply.headers, { 'content-type': /^application\/problem\+json/, 'cache-control': 'no-store' })
    t.match(reply.body.detail, detail)
    if (parameter) t.match(reply.body.errors, [{ parameter }])
  }

  await t.test('no such load', async () => {
    await refused(99, YEARS, 404, /There is no load 99/)
    await refused(third, `${YEARS}&against=99`, 404, /There is no load 99/)
    await refused(third, `${YEARS}&against=0`, 400, /against takes the number of a load/, 'against')
    t.equal((await changes(house, 0, YEARS)).status, 400)
  })

  await t.test('a load without rows', async () => {
    for (const state of ['failed', 'cancelled', 'checked', 'unchanged']) {
      const load = await entered('movies', state)
      await refused(load, `${YEARS}&against=${first}`, 409, new RegExp(`Load ${load} is ${state}, so it has no rows`))
      await refused(third, `${YEARS}&against=${load}`, 409, new RegExp(`Load ${load} is ${state}`))
    }
  })

  await t.test('loads of two subjects, or a report of another', async () => {
    const other = await entered('anime', 'superseded')
    await refused(third, `${YEARS}&against=${other}`, 400, /is of anime; load \d+ is of movies/, 'against')
    const another = await entered('anime', 'superseded')
    await refused(another, `${YEARS}&against=${other}`, 400, /is of movies; load \d+ is of anime/, 'report')
  })

  await t.test('a load that has been dropped', async () => {
    t.equal((await changes(house, second, YEARS)).status, 200, 'and was kept in memory')
    await run(`update reelhouse.load set state = 'dropped' where load_id = $1`, first)
    await refused(
      first,
      YEARS,
      410,
      new RegExp(`Load ${first} has been dropped.*there are loads ${second}, ${third}\\.`),
    )
    await refused(second, YEARS, 410, new RegExp(`Load ${first} has been dropped`))
    await refused(third, `${YEARS}&against=${first}`, 410, new RegExp(`Load ${first} has been dropped`))
    t.equal((await changes(house, third, YEARS)).status, 200)
  })

  await t.test('a load that is dropped while the answer is made', async () => {
    const served = reports.find(({ name }) => name === 'movies/years') as ServedReport
    const loads = await comparedLoads(house.warehouse.writer, { id: third, against: second }, () => {})
    const question = understandChanges(served, loads, { report: served.name }, json)
    await run(`update reelhouse.load set state = 'dropped' where load_id = $1`, second)
    const made = answerChanges(house.warehouse.reader, new ByteCache(1), question, new AbortController().signal)
    await t.rejects(made, { message: /Load \d or \d has been dropped/ })
    const url = `/v1/loads/${third}/changes?${YEARS}&against=${second}`
    for (const format of ['csv', 'json'])
      t.equal((await house.app.inject({ url: `${url}&format=${format}` })).statusCode, 410)
  })
})

t.test('what is not published yet is compared for admins only', async (t) => {
  const house = await build(t)
  await loaded(house, films(['10000']))
  const held = await loaded(house, films(['20000']), { hold: true })
  const client = await house.warehouse.connect('test')
  t.teardown(() => client.end())
  for (const state of ['held', 'blocked']) {
    await client.query('update reelhouse.load set state = $1 where load_id = $2', [state, held])
    const stranger = await changes(house, held, YEARS)
    t.equal(stranger.status, 401, state)
    t.match(stranger.headers['www-authenticate'], /^Bearer/)
    t.equal((await changes(house, held, YEARS, { authorization: 'Bearer wrong' })).status, 401)
    const seen = await changes(house, held, YEARS, admin)
    t.match(seen, {
      status: 200,
      body: { data: [{ difference: { revenue: 10_000 } }], meta: { load: { id: held, published_at: null } } },
      headers: { 'cache-control': 'private, no-store', vary: /authorization/ },
    })
    t.equal((await changes(house, held, YEARS)).status, 401, 'also what was made for an admin already')
    t.equal((await changes(house, 1, `${YEARS}&against=${held}`)).status, 401, 'on either side')
  }
  await client.query(`update reelhouse.load set state = 'superseded', published_at = now() where load_id = $1`, [held])
  t.match(await changes(house, held, YEARS), { status: 200, headers: { 'cache-control': 'public, no-cache' } })
})

t.test('the answer is conditional, kept, and the same in each encoding', async (t) => {
  const house = await build(t)
  await loaded(house, films(['10000', '20000']))
  const id = await loaded(house, films(['10000', '30000']))
  const url = `/v1/loads/${id}/changes?${YEARS}`
  const first = await house.app.inject({ url })
  const etag = String(first.headers.etag)
  t.match(first.headers, {
    etag: /^"[\w-]+"$/,
    'cache-control': 'public, no-cache',
    'data-version': `movies=${id}, movies=${id - 1}`,
    'server-timing': /^db;/,
    vary: /accept/,
  })
  t.equal((await house.app.inject({ url })).headers['server-timing'], 'cache;desc=hit')
  const again = await house.app.inject({ url, headers: { 'if-none-match': etag } })
  t.strictSame([again.statusCode, again.body], [304, ''])
  const head = await house.app.inject({ url, method: 'HEAD' })
  t.strictSame([head.statusCode, head.body, head.headers.etag], [200, '', etag])
  t.equal((await house.app.inject({ url, method: 'POST' })).statusCode, 405)
  const packed = await house.app.inject({ url, headers: { 'accept-encoding': 'gzip' } })
  t.not(packed.headers.etag, etag)
  for (const other of ['&against=2', '&films=1', '&fields=revenue', '&sort=-revenue', '&from=1990', '&format=csv'])
    t.not((await house.app.inject({ url: url + other })).headers.etag, etag, other)
  const ordered = (query: string) => house.app.inject({ url: `/v1/loads/${id}/changes?${query}` })
  t.equal((await ordered(`from=1990&${YEARS}`)).headers.etag, (await ordered(`${YEARS}&from=1990`)).headers.etag)
})

t.test('parameters are those of the report and of the changes, and no others', async (t) => {
  const house = await build(t)
  await loaded(house, films(['10000', '20000']))
  const id = await loaded(house, films(['10000', '30000']))
  for (const [query, parameter, detail] of [
    ['', 'report', /is missing/],
    ['report=movies/none', 'report', /takes .*movies\/company-years/],
    ['report=movies/films/[id]', 'report', /takes/],
    ['report=years', 'report', /takes/],
    [`${YEARS}&report=movies/films`, 'report', /takes/],
    [`${YEARS}&form=1990`, 'form', /is not a parameter here; there is .*from, to.*against/],
    [`${YEARS}&q=x`, 'q', /is not a parameter here/],
    [`${YEARS}&as_of=1`, 'as_of', /is not a parameter here/],
    ['report=movies/films&min_releases=2', 'min_releases', /is not a parameter here/],
    [`${YEARS}&from=abc`, 'from', /takes a year/],
    [`${YEARS}&from=2000&to=1990`, 'from', /is after to/],
    [`${YEARS}&against=-1`, 'against', /takes the number of a load/],
    [`${YEARS}&against=1&against=2`, 'against', /given more than once/],
    [`${YEARS}&films=0`, 'films', /at least 1/],
    [`${YEARS}&films=1001`, 'films', /at most 1000/],
    [`${YEARS}&films=1000&limit=21`, 'films', /at most 20000/],
    [`${YEARS}&limit=1001`, 'limit', /at most 1000/],
    [`${YEARS}&fields=none`, 'fields', /none/],
    [`${YEARS}&fields=year`, 'fields', /nothing that can change/],
    [`${YEARS}&fields=__proto__`, 'fields', /no column/],
    ['report=movies/films&fields=source_line,load_id', 'fields', /nothing that can change/],
    [`${YEARS}&sort=none`, 'sort', /none/],
    [`${YEARS}&sort=constructor`, 'sort', /no column/],
    [`${YEARS}&sort=revenue_size`, 'sort', /no column/],
    ['report=movies/films&sort=status', 'sort', /no size/],
    ['report=movies/films&sort=collection_id', 'sort', /no size/],
    ['report=movies/films&sort=suspect', 'sort', /list/],
    [`${YEARS}&cursor=abc`, 'cursor', /is no cursor/],
    [`${YEARS}&count=yes`, 'count', /takes exact/],
    [`${YEARS}&format=ndjson`, 'format', /takes json or csv/],
  ] as [string, string, RegExp][]) {
    const { status, body } = await changes(house, id, query)
    t.equal(status, 400, query)
    t.match(body.errors, [{ parameter, detail }], query)
  }
  const { statusCode } = await house.app.inject({
    url: `/v1/loads/${id}/changes?${YEARS}`,
    headers: { accept: 'application/x-ndjson' },
  })
  t.equal(statusCode, 406)
})

t.test('a cursor is of use with the same rows only', async (t) => {
  const house = await build(t)
  const dated = (revenue: string) =>
    ['1994-01-01', '1995-01-01', '1996-01-01'].map((release_date) => ({ release_date, revenue }))
  await loaded(house, dated('10000'))
  const id = await loaded(house, dated('30000'))
  const other = await loaded(house, dated('50000'))
  const page = (query: string, load = id) => changes(house, load, `${YEARS}&limit=1&${query}`)
  for (const sort of ['', 'sort=-revenue&', 'sort=period&', 'sort=-popularity&']) {
    const { body } = await page(sort)
    const { next } = body.meta
    t.equal(body.meta.complete, false)
    t.match(await page(`${sort}cursor=${next}`), { status: 200, body: { data: [{ year: Number }] } })
    t.equal((await page(`${sort}films=3&count=exact&cursor=${next}`)).status, 200, 'as many films as wanted')
    for (const query of [
      `${sort}from=1990&cursor=${next}`,
      `${sort}fields=revenue&cursor=${next}`,
      `sort=-budget&cursor=${next}`,
    ])
      t.match(await page(query), { status: 400, body: { errors: [{ parameter: 'cursor' }] } })
    t.equal((await page(`${sort}cursor=${next}`, other)).status, 400, 'of other loads')
    t.equal((await page(`${sort}cursor=${next}&against=${other}`)).status, 400, 'of other loads')
    const [load, of, values] = JSON.parse(Buffer.from(next, 'base64url').toString())
    for (const hostile of [
      [load, of, values.map(() => "x'; drop table movies.film --")],
      [load, of, []],
      [load, of],
      null,
      [load, of, values.map(() => 1)],
    ]) {
      const cursor = Buffer.from(JSON.stringify(hostile)).toString('base64url')
      const reply = await page(`${sort}cursor=${cursor}`)
      t.ok(
        reply.status === 400 || (reply.status === 200 && ['', 'sort=period&'].includes(sort)),
        `${sort} ${JSON.stringify(hostile)}`,
      )
    }
  }
})

t.test('CSV has all rows, as they come, and says that it is whole', async (t) => {
  const house = await build(t)
  const dated = (revenue: string, years: number[]) => years.map((year) => ({ release_date: `${year}-01-01`, revenue }))
  await loaded(house, dated('10000', [1994, 1995, 1996]))
  const id = await loaded(house, dated('30000', [1994, 1995, 1997]))
  const url = await house.app.listen({ port: 0, host: '127.0.0.1' })
  const place = `${url}/v1/loads/${id}/changes?${YEARS}&format=csv&fields=revenue,roi`
  const whole = await ask(place)
  t.equal(
    whole.text,
    [
      'period,year,partial,change,revenue_before,revenue_after,revenue_difference,roi_before,roi_after',
      '1994,1994,false,changed,10000,30000,20000,-0.999667,-0.999',
      '1995,1995,false,changed,10000,30000,20000,-0.999667,-0.999',
      '1996,1996,true,removed,10000,,-10000,-0.999667,',
      '1997,1997,true,added,,30000,30000,,-0.999',
      '',
    ].join('\r\n'),
  )
  t.equal(whole.trailers['row-count'], '4')
  t.match(whole.headers, {
    'content-type': 'text/csv; charset=utf-8; header=present',
    'content-disposition': `attachment; filename="movies-years-changes-${id - 1}-to-${id}.csv"`,
  })
  const lines: string[] = []
  for (let next: string | undefined = `${place}&limit=1`; next; ) {
    const page: Awaited<ReturnType<typeof ask>> = await ask(next)
    lines.push(page.text.split('\r\n')[1] as string)
    const [, link] = /^<([^>]+)>; rel="next"$/.exec(String(page.headers.link ?? '')) ?? []
    next = link && url + link
  }
  t.strictSame(lines, whole.text.split('\r\n').slice(1, -1), 'pages joined are the whole')
  t.equal((await ask(place.replace('&format=csv', ''), { headers: { accept: 'text/csv' } })).text, whole.text)
  t.equal(
    (await ask(place.replace(`/${id}/`, `/${id - 1}/`))).status,
    404,
    'what is wrong is said before the first byte',
  )
})

t.test('every report says truly how it is compared', async (t) => {
  const house = await build(t)
  await loaded(house, films(['10000', '20000', undefined]))
  const last = new Map([
    ['movies', await loaded(house, [{}, { budget: '5', status: 'Rumored' }, { release_date: '' }, {}])],
  ])
  for (const subject of house.subjects.keys())
    if (!last.has(subject)) {
      await loadGenerated(house, subject, 1)
      last.set(subject, (await loadGenerated(house, subject, 2)).id)
    }
  const told: string[] = []
  for (const { name, subject, report } of reports)
    await t.test(name, async (t) => {
      const id = last.get(subject) as number
      const columns = Object.keys(report.row.shape)
      const { names, aliases = [], additive, provenance = [], choosesRows, parts } = report.compared as Compared
      for (const column of [...names, ...aliases, ...additive({}), ...provenance])
        t.ok(columns.includes(column), column)
      for (const parameter of choosesRows)
        t.ok(parameter in report.params.shape || ['q', 'min_releases'].includes(parameter), parameter)
      const { status, body } = await changes(house, id, `report=${name}&limit=100`)
      t.equal(status, 200)
      if (body.data.length === 0) return t.comment('neither load has anything that it is about')
      told.push(name)
      if (!parts) return
      for (const column of parts.elsewhere ?? [])
        t.ok(columns.includes(column) && !additive({}).includes(column), column)
      const measures = columns.filter(
        (column) => ![...report.key, ...aliases, ...names, ...provenance].includes(column),
      )
      await checkParts(t, house, { report, id, measures, additive: additive({}) })
    })
  t.ok(told.length >= 11, `${told.length} reports have changes`)
})

/** What the films give adds up to the report's own rows, for each measure that is a sum. */
async function checkParts(
  t: Test,
  house: House,
  {
    report,
    id,
    measures,
    additive,
  }: { report: ServedReport['report']; id: number; measures: string[]; additive: string[] },
): Promise<void> {
  const { reader } = house.warehouse
  const scope = scopeOf(id)
  const query = report.compared?.parts?.query(reader, scope, {}) as Rows<Record<string, number>>
  const given = await query.execute()
  t.strictSame(
    Object.keys(given[0] as object).sort(),
    [...new Set([...report.key, ...measures, 'film_id'])].sort(),
    'each film tells of each measure',
  )
  const cells = new Map<string, Record<string, number>>()
  const keyOf = (row: Record<string, unknown>) => report.key.map((column) => row[column]).join(' ')
  for (const one of given) {
    const cell = cells.get(keyOf(one)) ?? {}
    for (const measure of additive) cell[measure] = (cell[measure] ?? 0) + (one[measure] ?? 0)
    cells.set(keyOf(one), cell)
  }
  const every = report.compared?.rows ?? report.query
  const rows = (await every(reader, scope, {}).execute()) as Record<string, number>[]
  t.strictSame(
    Object.fromEntries(cells),
    Object.fromEntries(
      rows.map((row) => [keyOf(row), Object.fromEntries(additive.map((name) => [name, row[name] ?? 0]))]),
    ),
  )
}
