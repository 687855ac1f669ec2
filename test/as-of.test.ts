import t from 'tap'
import { publish, rollBack } from '../ingest/publish.ts'
import { ask, nextOf } from './ask.ts'
import { build, type House } from './build.ts'
import { until } from './serve.ts'

const REPORT = '/v1/movies/years'

const films = (titles: string[]) =>
  JSON.stringify(
    titles.map((title) => ({
      Title: title,
      'Release Date': 'Jun 12 1998',
      'US Gross': 1_000_000,
      'Worldwide Gross': 1_000_000,
      'Production Budget': 500_000,
    })),
  )

async function loaded(house: House, name: string, titles: string[], request = {}): Promise<number> {
  const load = await house.load(await house.file(name, films(titles)), { format: 'vega-movies', ...request })
  return load.id
}

t.test('figures can be read as they were', async (t) => {
  const house = await build(t)
  const before = new Date().toISOString()
  const first = await loaded(house, 'one/movies.json', ['A', 'B', 'C'])
  const between = new Date(Date.now() + 1).toISOString()
  await new Promise((resolve) => setTimeout(resolve, 20))
  const second = await loaded(house, 'two/movies.json', ['A', 'B', 'C', 'D'])
  const held = await loaded(house, 'three/movies.json', ['A'], { hold: true })
  const asOf = (when: string | number) => house.get(`${REPORT}?as_of=${encodeURIComponent(when)}`)

  t.test('by the number of a load, for ever the same', async (t) => {
    const reply = await asOf(first)
    t.match(reply.body, { data: [{ releases: 3 }], meta: { load: { id: first } } })
    t.match(reply.headers, {
      'cache-control': 'public, max-age=31536000, immutable',
      'data-version': `movies=${first}`,
    })
    t.match((await asOf(second)).body.data, [{ releases: 4 }])
    t.not((await asOf(second)).headers.etag, reply.headers.etag)
  })

  t.test('by an instant or a date, which stands for its end', async (t) => {
    t.match((await asOf(between)).body, { data: [{ releases: 3 }], meta: { load: { id: first } } })
    t.equal((await asOf(between)).headers['cache-control'], 'public, no-cache')
    t.match((await asOf(before.slice(0, 10))).body.meta, { load: { id: second } })
    const zoned = new Date(Date.parse(between) + 7_200_000).toISOString().replace('Z', '+02:00')
    t.match((await asOf(zoned)).body.meta, { load: { id: first } })
  })

  t.test('what was not there cannot be read', async (t) => {
    for (const [when, status] of [
      [before, 404],
      ['2001-01-01', 404],
      [99, 404],
      [held, 404],
      [0, 404],
      [new Date(Date.now() + 60_000).toISOString(), 400],
      ['2999-01-01', 400],
      ['2026-02-30', 400],
      ['2026-13-01T00:00:00Z', 400],
      ['12345678901', 400],
      ['yesterday', 400],
      ['', 400],
    ] as const) {
      const { status: actual, body, headers } = await asOf(when)
      t.equal(actual, status, String(when))
      t.match(headers['content-type'], /^application\/problem\+json/)
      t.not(headers['cache-control'], /immutable/)
      if (status === 400) t.match(body.errors, [{ parameter: 'as_of' }])
    }
  })

  t.test('a cursor stays on its load after a publication', async (t) => {
    const url = await house.app.listen({ port: 0, host: '127.0.0.1' })
    const page = await ask(`${url}/v1/movies/films?limit=2&fields=title`)
    await publish(house.warehouse.writer, held, { actor: 'test', subjects: house.subjects })
    await until(
      async () => (await house.get(REPORT)).body.meta.load.id,
      (id) => id === held,
    )
    const rest = await ask(url + nextOf(page))
    t.match(rest.json, { data: [{ title: 'C' }, { title: 'D' }], meta: { load: { id: second }, next: null } })
    t.equal(rest.headers['data-version'], `movies=${second}`)
    t.match((await asOf(held)).body.data, [{ releases: 1 }], 'and what was held can be named once published')
    const etag = (await house.get(REPORT)).headers.etag
    await rollBack(house.warehouse.writer, 'movies', { actor: 'test' })
    await until(
      async () => (await house.get(REPORT)).body.meta.load.id,
      (id) => id === second,
    )
    t.not((await house.get(REPORT)).headers.etag, etag, 'a withdrawn figure does not pass for unchanged')
  })

  t.test('a load whose rows are gone is 410, and the current one is named', async (t) => {
    const observer = await house.warehouse.connect('test')
    await observer.query(`update reelhouse.load set state = 'dropped' where load_id = $1`, [first])
    await observer.end()
    const { status, body } = await asOf(first)
    t.equal(status, 410)
    t.match(body.detail, new RegExp(`current one is ${second}\\b`))
  })
})

t.test('a cursor that was tampered with is refused', async (t) => {
  const house = await build(t)
  await loaded(house, 'movies.json', ['A', 'B', 'C'])
  for (const sort of ['title', 'film_id', '-release_date', 'year', '-revenue', 'budget']) {
    const path = `/v1/movies/films?sort=${sort}&limit=1`
    const { next } = (await house.get(path)).body.meta
    const [load, of, values] = JSON.parse(Buffer.from(next, 'base64url').toString())
    const hostile = [
      [load, of, values.map(() => "x'; drop table movies.film --")],
      [load, of, values.map(() => '9'.repeat(30))],
      [load, of, values.map(() => '\0')],
      [load, of, values.map(() => 'NaN')],
      [load, of, values.map(() => '2001-02-31')],
      [load, of, values.map(() => 1)],
      [load, of, []],
      [load, of, [...values, '1']],
      [load, 'other', values],
      [99, of, values],
      [-1, of, values],
      [2 ** 40, of, values],
      [null, of, values],
      { length: 3 },
      null,
    ]
    for (const content of hostile) {
      const cursor = Buffer.from(JSON.stringify(content)).toString('base64url')
      const { status, body } = await house.get(`${path}&cursor=${cursor}`)
      t.ok([200, 400, 404].includes(status), `${sort} ${JSON.stringify(content)}: ${status} ${body.detail}`)
      if (status === 400) t.match(body.errors, [{ parameter: 'cursor' }])
      // Text compares with any text.
      if (status === 200) t.equal(sort, 'title')
    }
    t.equal((await house.get(`${path}&cursor=${next.slice(0, -3)}`)).status, 400)
    t.equal((await house.get(`${path}&from=1990&cursor=${next}`)).status, 400, 'a cursor of another request')
    t.equal((await house.get(`${path}&cursor=${next}`)).status, 200)
  }
})

t.test('hostile parameters are refused, or are words like others', async (t) => {
  const house = await build(t)
  await loaded(house, 'movies.json', ['A', 'B', 'C'])
  for (const query of [
    '__proto__=1',
    '__proto__[x]=1',
    'constructor=1',
    'constructor.prototype=1',
    'toString=1',
    'hasOwnProperty=1',
    'sort=__proto__',
    'sort=constructor',
    'sort=-hasOwnProperty',
    'sort=',
    'sort=title,,year',
    'fields=__proto__',
    'fields=toString',
    'fields=',
    'q=%00',
    'q=a%00b',
    `q=${'x'.repeat(201)}`,
    `sort=${'title,'.repeat(900)}x`,
    `company_id=${'1,'.repeat(1001)}1`,
    'company_id=99999999999999999999',
    'company_id=1;select',
    'company_id=-1',
    'from=1e3',
    'from=1995&from=1996',
    'limit=1&limit=2',
    'limit=-1',
    'limit=1.5',
    'limit=99999999999',
    'sort=title&sort=year',
    'exclude_suspect=1',
    'format=JSON',
    'cursor=%F0%9F%92%A9',
  ]) {
    const { status, body, headers } = await house.get(`/v1/movies/films?${query}`)
    t.equal(status, 400, query.slice(0, 80))
    t.match(headers['content-type'], /^application\/problem\+json/)
    t.ok(body.errors.length > 0)
  }
  for (const query of [
    "q='%20or%201=1--",
    'q=%25',
    'q=%zz',
    'q=%ED%A0%80%00',
    'q=_',
    'q=\\',
    'q=%E2%80%AE',
    'q=__proto__',
    'company_id=9007199254740991',
  ])
    t.strictSame((await house.get(`/v1/movies/films?${query}`)).body.data, [], query)
  for (const id of ['abc', '1.5', '-1', '%00', '1%00', '9'.repeat(17), '__proto__', '..%2f', '9999999999999999'])
    t.ok([400, 404].includes((await house.get(`/v1/movies/films/${id}`)).status), id)
  t.equal((await house.get('/v1/movies/films/1%zz')).status, 400)
  t.equal((await house.get(`/v1/movies/films/${'1'.repeat(400)}`)).status, 414)
})

t.test('an interval that ends before it begins is refused', async (t) => {
  const house = await build(t)
  const { status, body } = await house.get('/v1/movies/years?from=2000&to=1990')
  t.equal(status, 400)
  t.match(body.errors, [{ parameter: 'from', detail: /after to/ }])
})
