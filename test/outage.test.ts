import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import http from 'node:http'
import path from 'node:path'
import pg from 'pg'
import t from 'tap'
import { publish, rollBack } from '../ingest/publish.ts'
import { ask } from './ask.ts'
import { build, copyOfTemplate } from './build.ts'
import { cableTo } from './cable.ts'
import { serve, until } from './serve.ts'

const REPORT = '/v1/movies/years'

const films = (count: number) =>
  JSON.stringify(Array.from({ length: count }, (_, n) => ({ Title: `Film ${n}`, 'Release Date': 'Jun 12 1998' })))

t.test('what another process publishes shows at once, and what it withdraws goes at once', async (t) => {
  const house = await serve(t)
  const file = await writeFilms(house.folder, 3)
  t.match(await ask(`${house.url}${REPORT}`), { status: 503, headers: { 'retry-after': /^\d+$/ } })
  const loaded = await house.run('load', 'movies', '--source', file, '--format', 'vega-movies')
  t.equal(loaded.code, 0, loaded.output)
  const releases = async () => (await ask(`${house.url}${REPORT}`)).json.data?.[0]?.releases
  await until(releases, (count) => count === 3, 2)
  await writeFilms(house.folder, 4)
  t.equal((await house.run('load', 'movies', '--source', file, '--format', 'vega-movies')).code, 0)
  await until(releases, (count) => count === 4, 2)
  t.equal((await house.run('rollback', 'movies')).code, 0)
  await until(releases, (count) => count === 3, 2)
  t.equal((await house.run('publish', '2')).code, 0)
  await until(releases, (count) => count === 4, 2)
  const found = await ask(`${house.url}/readyz`)
  t.match(found.json, { ready: true, published: { detail: 'movies: load 2' } })
})

t.test('a server that cannot listen reads the pointer itself', async (t) => {
  const house = await build(t)
  for (const count of [3, 4]) await house.load(await house.file('movies.json', films(count)), { format: 'vega-movies' })
  const releases = async () => (await house.get(REPORT)).body.data[0].releases
  t.equal(await releases(), 4)
  const admin = await house.warehouse.connect('test')
  const endEar = `select pg_terminate_backend(pid, 2000) from pg_stat_activity
                  where datname = current_database() and application_name = 'reelhouse ear'`
  t.equal((await admin.query(endEar)).rowCount, 1)
  await rollBack(house.warehouse.writer, 'movies', { actor: 'test' })
  t.equal(await releases(), 3)
  const listening = `select from pg_stat_activity
                     where datname = current_database() and application_name = 'reelhouse ear' and query like 'listen%'`
  await until(
    async () => (await admin.query(listening)).rowCount,
    (ears) => ears === 1,
  )
  await publish(house.warehouse.writer, 2, { actor: 'test', subjects: house.subjects })
  await until(releases, (count) => count === 4, 2)
  t.equal((await admin.query(listening)).rowCount, 1, 'it listens again, once')
  await admin.end()
})

t.test('a database that goes away is a 503, and comes back without a restart', async (t) => {
  const databaseUrl = await copyOfTemplate(t)
  const cable = await cableTo(t, databaseUrl)
  const house = await serve(t, { DATABASE_URL: cable.url })
  const file = await writeFilms(house.folder, 3)
  t.equal((await house.run('load', 'movies', '--source', file, '--format', 'vega-movies')).code, 0)
  await until(
    () => ask(`${house.url}${REPORT}`),
    ({ status }) => status === 200,
  )
  await cable.cut()
  for (const path of [REPORT, `${REPORT}?from=1990&format=csv`, '/v1/loads', '/v1/movies/films/1']) {
    const reply = await ask(house.url + path)
    t.equal(reply.status, 503, path)
    t.match(reply.headers, { 'content-type': /^application\/problem\+json/, 'retry-after': /^\d+$/ })
    t.notMatch(reply.text, /ECONN|127\.0\.0\.1|postgres/)
  }
  t.match((await ask(`${house.url}/livez`)).json, { alive: true }, 'it lives, though')
  const notReady = await ask(`${house.url}/readyz`)
  t.equal(notReady.status, 503)
  t.match(notReady.json, { ready: false, database: { ok: false, detail: /reached/ } })
  await cable.mend()
  await until(
    () => ask(`${house.url}${REPORT}`),
    ({ status }) => status === 200,
  )
  t.match((await ask(`${house.url}/readyz`)).json, { ready: true })
  t.equal(house.process.exitCode, null)
})

t.test('readiness says what is missing, and what is under way', async (t) => {
  const house = await build(t)
  t.match(await house.get('/readyz'), {
    status: 503,
    body: { ready: false, database: { ok: true }, migrations: { ok: true }, published: { ok: false }, loads: [] },
    headers: { 'retry-after': /^\d+$/, 'cache-control': 'no-store' },
  })
  const client = await house.warehouse.connect('test')
  await client.query(`insert into reelhouse.load (subject, state, mode, trigger, actor, source, stage, progress)
                      values ('movies', 'running', 'replace', 'cli', 'test', '/secret/folder/movies.json', 'parse', '{"records": 7}')`)
  // What a living process of a load holds.
  await client.query('select pg_advisory_lock($1, 1)', [0x5245454c])
  const { body } = await house.get('/readyz')
  t.match(body.loads, [{ id: 1, subject: 'movies', state: 'running', stage: 'parse', progress: { records: 7 } }])
  t.notMatch(JSON.stringify(body), /secret/)
  await client.query('drop schema reelhouse cascade')
  await client.end()
  const unmigrated = await house.get('/readyz')
  t.equal(unmigrated.status, 503)
  t.match(unmigrated.body, { database: { ok: true }, migrations: { ok: false, detail: /not applied: \S+.*migrate/ } })
})

t.test('a server that is told to stop finishes what runs', async (t) => {
  const house = await serve(t)
  const file = await writeFilms(house.folder, 3)
  await house.run('load', 'movies', '--source', file, '--format', 'vega-movies')
  const keeper = new pg.Client(house.databaseUrl)
  await keeper.connect()
  await keeper.query('begin; lock table movies.film in access exclusive mode')
  const running = ask(`${house.url}${REPORT}?from=1998`)
  await new Promise((resolve) => setTimeout(resolve, 500))
  house.process.kill('SIGTERM')
  await new Promise((resolve) => setTimeout(resolve, 300))
  await t.rejects(ask(`${house.url}/livez`), { code: 'ECONNREFUSED' }, 'nothing new is taken')
  t.equal(house.process.exitCode, null)
  const exited = once(house.process, 'exit')
  await keeper.query('rollback')
  await keeper.end()
  t.equal((await running).status, 200)
  t.strictSame(await exited, [0, null])
})

t.test('a connection that is kept open without a request does not hold it up', async (t) => {
  const house = await serve(t)
  const agent = new http.Agent({ keepAlive: true })
  await once(http.get(`${house.url}/livez`, { agent }), 'response').then(([response]) => response.resume())
  const exited = once(house.process, 'exit')
  const asked = Date.now()
  house.process.kill('SIGTERM')
  t.strictSame(await exited, [0, null])
  t.ok(Date.now() - asked < 5000)
  agent.destroy()
})

async function writeFilms(folder: string, count: number): Promise<string> {
  const file = path.join(folder, 'movies.json')
  await writeFile(file, films(count))
  return file
}
