import { sql } from 'kysely'
import pg from 'pg'
import t from 'tap'
import { markDropped, sweep } from '../ingest/drop.ts'
import { rollBack } from '../ingest/publish.ts'
import type { Subject } from '../ingest/subject.ts'
import { ADMIN_TOKEN, build, type House } from './build.ts'
import { until } from './serve.ts'

const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }

async function loads(house: House, count: number): Promise<number[]> {
  const ids: number[] = []
  for (let index = 0; index < count; index++) {
    const film = {
      Title: `Film ${index}`,
      'Release Date': 'Jun 12 1998',
      Distributor: 'D',
      'Major Genre': 'G',
      Director: 'X',
    }
    ids.push((await house.load(await house.file(`${index}/movies.json`, JSON.stringify([film])))).id)
  }
  return ids
}

const movies = (house: House) => house.subjects.get('movies') as Subject

/** What the warehouse still holds of a load's rows. */
async function remains(house: House, load: number): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class
    where relnamespace = 'movies'::regnamespace and relkind = 'r' and relname ~ ${`_${load}$`}
    union all select 'companies' from movies.company where load_id = ${load}
    union all select 'people' from movies.person where load_id = ${load}
    order by 1`.execute(house.warehouse.writer)
  return rows.map(({ name }) => name)
}

const dropped = (house: House, id: number) =>
  house.app.inject({ method: 'DELETE', url: `/v1/admin/loads/${id}`, headers })

t.test('a dropped load is gone from every answer at once, and its rows soon', async (t) => {
  const house = await build(t)
  const [first = 0, second = 0] = await loads(house, 3)
  const others = await remains(house, second)
  t.ok(others.length > 10)
  const page = (await house.get(`/v1/movies/films?as_of=${first}`)).body
  t.equal(page.meta.load.id, first)
  const answer = await dropped(house, first)
  t.equal(answer.statusCode, 200)
  t.match(JSON.parse(answer.body), { id: first, state: 'dropped' })
  for (const url of ['films', 'years', 'companies', 'films/1', 'years?format=csv'])
    t.match(await house.app.inject({ url: `/v1/movies/${url}${url.includes('?') ? '&' : '?'}as_of=${first}` }), {
      statusCode: 410,
      body: /Load 1 has been dropped; the current one is 3/,
    })
  await until(
    () => remains(house, first),
    (left) => left.length === 0,
  )
  t.strictSame(await remains(house, second), others, 'the others have theirs')
  t.equal((await house.get('/v1/movies/films')).body.data.length, 1)
  t.match(
    (await house.get(`/v1/loads/${first}`)).body,
    { state: 'dropped', files: [{ read: 1, loaded: 1 }] },
    'its entry stays',
  )
  t.match(await rollBack(house.warehouse.writer, 'movies', { actor: 'test' }), second, 'going back skips it')
  const { data } = JSON.parse((await house.app.inject({ url: '/v1/admin/audit?load=1', headers })).body)
  t.match(data, [
    { actor: 'admin', action: 'drop', load: 1 },
    { actor: 'test', action: 'load' },
  ])
})

t.test('what cannot be dropped is refused with the reason', async (t) => {
  const house = await build(t)
  const [first, , last] = await loads(house, 3)
  t.match(await dropped(house, last as number), {
    statusCode: 409,
    body: /Readers see load 3; publish another one first/,
  })
  t.match(await dropped(house, 99), { statusCode: 404 })
  t.match(await house.app.inject({ method: 'DELETE', url: `/v1/admin/loads/${first}` }), { statusCode: 401 })
  t.match(await house.load('/nowhere.csv'), { state: 'failed' })
  t.match(await dropped(house, 4), { statusCode: 409, body: /Load 4 is failed, so it has no rows to drop/ })
  await dropped(house, first as number)
  t.match(await dropped(house, first as number), { statusCode: 409, body: /Load 1 is dropped/ })
})

t.test('a server that has not heard of it answers 410 and never from half of the load', async (t) => {
  const house = await build(t)
  const [, second = 0] = await loads(house, 2)
  const { writer } = house.warehouse
  // As it is for a server whose ear is deaf: what it takes for the current load has been dropped by others.
  await sql`update reelhouse.load set state = 'superseded' where load_id = ${second}`.execute(writer)
  await markDropped(writer, second, 'test')
  const questions = [
    'films',
    'company-years?company_id=77',
    'films/77',
    'years?format=csv',
    'years?format=ndjson&limit=5',
    'companies?count=exact',
  ]
  const refused = async (when: string) => {
    for (const url of questions)
      t.match(
        await house.app.inject({ url: `/v1/movies/${url}` }),
        { statusCode: 410, body: /Load 2 has been dropped/ },
        `${url} ${when}`,
      )
  }
  await refused('when it is marked')
  await sql`alter table movies.film_company detach partition movies.film_company_2`.execute(writer)
  await refused('when some of its tables are gone')
  await sweep(house.warehouse.connect, movies(house))
  await refused('when all are')
})

t.test('while somebody reads, tables are emptied and nobody waits; they go when nobody does', async (t) => {
  const house = await build(t)
  const [first = 0, second = 0, third = 0] = await loads(house, 3)
  const reader = new pg.Client({ connectionString: house.databaseUrl })
  await reader.connect()
  t.teardown(() => reader.end())
  const join = `select * from movies.film join movies.film_company using (load_id, film_id)
                join movies.company using (load_id, company_id) where load_id =`
  await reader.query('begin isolation level repeatable read')
  t.equal((await reader.query(`${join} ${third}`)).rowCount, 1)
  await markDropped(house.warehouse.writer, first, 'test')

  let slowest = 0
  let sweeping = true
  const swept = sweep(house.warehouse.connect, movies(house)).finally(() => {
    sweeping = false
  })
  while (sweeping) {
    const since = performance.now()
    t.equal((await house.get(`/v1/movies/companies?limit=1&q=D&min_releases=${1 + Math.floor(since)}`)).status, 200)
    slowest = Math.max(slowest, performance.now() - since)
  }
  t.not((await swept).length, 0, 'not all could be dropped')
  t.ok(slowest < 2_000, `the slowest answer took ${slowest.toFixed(0)} ms`)
  t.equal((await reader.query(`${join} ${third}`)).rowCount, 1, 'who reads goes on reading')
  t.equal((await reader.query(`${join} ${second}`)).rowCount, 1)
  await reader.query('commit')
  t.strictSame(await sweep(house.warehouse.connect, movies(house)), [])
  t.strictSame(await remains(house, first), [])
})

t.test('whoever reads some of the tables keeps nobody from the others', async (t) => {
  const house = await build(t)
  const [first = 0] = await loads(house, 2)
  const [reader, other] = [await house.warehouse.connect('reader'), await house.warehouse.connect('other')]
  t.teardown(() => Promise.all([reader.end(), other.end()]))
  // Of those that refer to films: detaching the load's films would take a constraint from each.
  await reader.query('begin; select from movies.film_rating limit 1')
  await markDropped(house.warehouse.writer, first, 'test')
  let slowest = 0
  let sweeping = true
  const swept = sweep(house.warehouse.connect, movies(house)).finally(() => {
    sweeping = false
  })
  const tables = ['film', 'film_cast', 'film_company', 'film_crew', 'film_keyword', 'film_text']
  for (let asked = 0; sweeping; asked++) {
    const since = performance.now()
    await other.query(`select from movies.${tables[asked % tables.length]} limit 1`)
    slowest = Math.max(slowest, performance.now() - since)
  }
  t.not((await swept).length, 0, 'not all could be dropped')
  t.ok(slowest < 2_000, `the slowest answer took ${slowest.toFixed(0)} ms`)
  await reader.query(`select from movies.${tables.join(' limit 1; select from movies.')} limit 1; commit`)
  t.strictSame(await sweep(house.warehouse.connect, movies(house)), [])
  t.strictSame(await remains(house, first), [])
})

t.test('a sweep that is killed at any step is finished by the next', async (t) => {
  const house = await build(t)
  const ids = await loads(house, 4)
  const db = await house.warehouse.connect('killer')
  t.teardown(() => db.end())
  for (const [round, id] of ids.slice(0, 3).entries()) {
    await markDropped(house.warehouse.writer, id, 'test')
    const work = sweep(house.warehouse.connect, movies(house))
    const ended = work.then(
      () => true,
      () => false,
    )
    // A different step each time.
    for (let statements = 0; statements < 1 + round * 4; statements++)
      await db.query("select pg_stat_clear_snapshot(), pid from pg_stat_activity where application_name ~ 'sweep'")
    await db.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name ~ 'sweep' and datname = current_database()",
    )
    await ended
    t.strictSame(await sweep(house.warehouse.connect, movies(house)), [])
    t.strictSame(await remains(house, id), [])
  }
})

t.test('only the newest snapshots are kept, and never without the one that readers see', async (t) => {
  const house = await build(t, { RETAIN_LOADS: '2' })
  await loads(house, 3)
  const states = async () =>
    (await house.get('/v1/loads')).body.data.map(({ state }: { state: string }) => state).reverse()
  t.strictSame(await states(), ['dropped', 'superseded', 'published'])
  t.strictSame(await remains(house, 1), [])
  await rollBack(house.warehouse.writer, 'movies', { actor: 'test' })
  const film = [{ Title: 'Held', 'Release Date': 'Jun 12 1998' }]
  for (const name of ['a', 'b', 'c'])
    await house.load(await house.file(`${name}/movies.json`, JSON.stringify(film)), { hold: true, force: true })
  // Loads that were never published push out none that was.
  t.strictSame(await states(), ['dropped', 'published', 'superseded', 'dropped', 'held', 'held'])
  const { data } = JSON.parse((await house.app.inject({ url: '/v1/admin/audit?load=4', headers })).body)
  t.match(data[0], { actor: 'retention', action: 'drop' })
})

t.test('however many loads are kept, a new one does not read the first', async (t) => {
  const house = await build(t)
  const films = (load: number) =>
    Array.from({ length: 300 }, (_, film) => ({ Title: `${film} of ${load}`, Distributor: 'D', 'Major Genre': 'G' }))
  const loadNext = async (load: number) =>
    (await house.load(await house.file(`${load}/movies.json`, JSON.stringify(films(load))))).id
  const first = await loadNext(1)
  for (let load = 2; load <= 5; load++) await loadNext(load)
  const rowsRead = async () => {
    // A connection tells what it has read when it ends.
    await until(
      () =>
        sql<{ open: number }>`
          select count(*)::integer as open from pg_stat_activity
          where datname = current_database() and application_name like 'reelhouse load%'`.execute(
          house.warehouse.writer,
        ),
      ({ rows }) => rows[0]?.open === 0,
    )
    const { rows } = await sql<{ table: string; rows: number }>`
      select relname as "table", (seq_tup_read + coalesce(idx_tup_fetch, 0))::integer as rows from pg_stat_user_tables
      where schemaname = 'movies' and relname ~ ${`^film.*_${first}$`} order by relname`.execute(house.warehouse.writer)
    return rows
  }
  const before = await rowsRead()
  t.ok(before.find(({ table, rows }) => table === `film_${first}` && rows >= 300))
  t.equal((await house.get(`/v1/loads/${await loadNext(6)}`)).body.state, 'published')
  t.same(await rowsRead(), before)
})
