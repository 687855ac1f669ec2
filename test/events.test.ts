import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import t, { type Test } from 'tap'
import { generateMovies } from '../ingest/movies/generate.ts'
import { ask } from './ask.ts'
import { ADMIN_TOKEN, copyOfTemplate, temporaryFolder } from './build.ts'
import { cableTo } from './cable.ts'
import { metadata, sound } from './movies/sources.ts'
import { type Environment, environment, run, type Served, serve, start, until } from './processes.ts'
import { type Heard, type Watcher, watch } from './watch.ts'

/** Whoever watches is told everything once, whatever breaks in between, and costs next to nothing. */

t.setTimeout(420_000)

/** A lock that a load runs into as it attaches its tables; nobody else takes it. */
const ATTACHING = 'lock table movies.film in share update exclusive mode'

interface Scene {
  db: pg.Client
  env: Environment
  folder: string
  server: Served
}

async function stage(t: Test): Promise<Scene> {
  const databaseUrl = await copyOfTemplate(t)
  const folder = await temporaryFolder(t)
  const db = new pg.Client(databaseUrl)
  await db.connect()
  t.teardown(() => db.end())
  const env = { ...environment({ databaseUrl, folder }), SOURCE_ROOTS: folder }
  return { db, env, folder, server: await serve(t, env) }
}

async function source({ folder }: Scene, films: number): Promise<string> {
  const file = join(folder, `${films}.csv`)
  await writeFile(file, metadata(sound(films)))
  return file
}

/** What must be neither lost nor told twice. */
const lasting = (heard: Heard[]) =>
  heard.filter(({ event }) => event !== 'progress').map(({ id, event, data }) => `${id} ${event} ${data[event]}`)

const memoryOf = async ({ child }: Served) => {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(child.pid)])
  return Number(stdout) / 1024
}

t.test('a load is followed from its queue to its publication', async (t) => {
  const scene = await stage(t)
  const { server, folder } = scene
  const { path } = await generateMovies({ out: join(folder, 'large'), films: 12_000, seed: 1 })
  const { body } = await server.post('/v1/admin/loads', { subject: 'movies', source: path })
  const watcher = await watch(t, `${server.url}/v1/loads/${body.id}/events`)
  t.equal(watcher.status, 200)
  t.match(watcher.headers, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'content-encoding': undefined,
    'access-control-allow-origin': '*',
  })
  t.equal(await watcher.ended, 'ended')
  t.match(watcher.text(), /^retry: \d+\n/)
  const { heard } = watcher
  const ids = heard.map(({ id }) => Number(id))
  t.strictSame(
    ids,
    [...new Set(ids)].sort((a, b) => a - b),
    'in order, none twice',
  )
  const told = (event: string) => heard.filter((one) => one.event === event).map(({ data }) => data)
  t.strictSame(
    told('state').map(({ state }) => state),
    ['queued', 'running', 'published'],
  )
  t.strictSame(
    told('stage').map(({ stage }) => stage),
    ['open', 'parse', 'merge', 'index', 'check', 'roll_up', 'publish'],
  )
  const progress = told('progress')
  t.ok(progress.length > 1)
  for (const one of progress)
    t.match(one, {
      load: body.id,
      subject: 'movies',
      state: 'running',
      stage: 'parse',
      file: 'movies_metadata.csv',
      bytes: Number,
      records: Number,
      records_per_second: Number,
    })
  const load = await server.get(`/v1/loads/${body.id}`)
  t.match(progress.at(-1), {
    bytes: load.files[0].bytes,
    bytes_total: load.files[0].bytes,
    records: load.files[0].read,
  })
  for (const { data } of heard) t.match(data.at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  t.equal((await server.get('/v1/movies/years')).meta.load.id, body.id, 'and readers see it')

  const later = await watch(t, `${server.url}/v1/loads/${body.id}/events`)
  t.equal(await later.ended, 'ended')
  t.strictSame(lasting(later.heard), lasting(heard), 'whoever comes later is told the same')
  const last = String(ids.at(-1))
  t.equal((await ask(`${server.url}/v1/loads/${body.id}/events`, { headers: { 'last-event-id': last } })).status, 204)
  t.equal((await ask(`${server.url}/v1/loads/${body.id}/events?last_event_id=${last}`)).status, 204)
})

t.test('whoever is cut off goes on where it was', async (t) => {
  const scene = await stage(t)
  const { server, db } = scene
  await db.query(`begin; ${ATTACHING}`)
  const { body } = await server.post('/v1/admin/loads', { subject: 'movies', source: await source(scene, 20) })
  const url = `${server.url}/v1/loads/${body.id}/events`
  const first = await watch(t, url)
  await first.hears('it is under way', ({ data }) => data.stage === 'index')
  first.leave()
  const [at] = first.heard.filter(({ data }) => data.stage === 'parse')
  const heard = first.heard.filter(({ id }) => Number(id) <= Number(at?.id))
  const second = await watch(t, url, at?.id)
  // A browser comes back with the address that it had: the header knows better.
  const third = await watch(t, `${url}?last_event_id=1`, at?.id)
  await db.query('rollback')
  t.equal(await second.ended, 'ended')
  t.equal(await third.ended, 'ended')
  const whole = await watch(t, url)
  await whole.ended
  t.strictSame(lasting([...heard, ...second.heard]), lasting(whole.heard))
  t.strictSame(lasting([...heard, ...third.heard]), lasting(whole.heard))
})

t.test('of progress the latest is told to whoever comes later', async (t) => {
  const { server, db } = await stage(t)
  await db.query(`insert into reelhouse.load (subject, state, mode, trigger, actor, source)
                  values ('movies', 'running', 'replace', 'cli', 'test', 'elsewhere.csv')`)
  // What a living process of a load holds.
  await db.query('select pg_advisory_lock($1, 1)', [0x5245454c])
  const progress = (records: number) =>
    db.query('update reelhouse.load set progress = $1', [{ stage: 'parse', records }])
  for (const records of [1, 2, 3]) await progress(records)
  const watcher = await watch(t, `${server.url}/v1/loads/1/events`)
  await watcher.hears('it is told', ({ data }) => data.records === 3)
  await progress(4)
  await watcher.hears('it is told', ({ data }) => data.records === 4)
  t.match(watcher.heard, [
    { event: 'state', data: { state: 'running' } },
    { event: 'progress', data: { state: 'running', stage: 'parse', records: 3 } },
    { event: 'progress', data: { state: 'running', stage: 'parse', records: 4 } },
  ])
  t.equal(watcher.heard.length, 3)
})

t.test('a load of before there were events tells how it ended', async (t) => {
  const scene = await stage(t)
  const { server, env, db } = scene
  await run(t, env, 'load', 'movies', '--source', await source(scene, 3))
  await db.query('delete from reelhouse.load_event')
  const watcher = await watch(t, `${server.url}/v1/loads/1/events`)
  t.equal(await watcher.ended, 'ended')
  t.match(watcher.heard, [{ id: '0', event: 'state', data: { load: 1, state: 'published', stage: 'publish' } }])
  t.equal((await ask(`${server.url}/v1/loads/1/events`, { headers: { 'last-event-id': '0' } })).status, 204)
})

t.test('whoever watches a load learns that its process was killed', async (t) => {
  const scene = await stage(t)
  const { server, env, db } = scene
  await db.query(`begin; ${ATTACHING}`)
  const command = start(t, env, 'load', 'movies', '--source', await source(scene, 3))
  await until('it is under way', async () => (await server.get('/v1/loads/1')).stage === 'index')
  const watcher = await watch(t, `${server.url}/v1/loads/1/events`)
  command.child.kill('SIGKILL')
  await command.ended
  await db.query('rollback')
  t.equal(await watcher.ended, 'ended')
  t.match(watcher.heard.at(-1), {
    event: 'state',
    data: { state: 'failed', error: /^Its process ended in stage index/ },
  })
})

t.test('what any process publishes or takes back is told by every server, which then answers from it', async (t) => {
  const scene = await stage(t)
  const { env, db } = scene
  const servers = [scene.server, await serve(t, env)]
  const urls = servers.map(({ url }) => url)
  const watchers = await Promise.all(
    urls.flatMap((url) => [watch(t, `${url}/v1/events`), watch(t, `${url}/v1/events?subject=movies`)]),
  )
  const answered: number[] = []
  const told = async (id: number, event: string) => {
    for (const [index, watcher] of watchers.entries()) {
      await watcher.hears(`load ${id} is told of`, ({ data, ...one }) => data.load === id && one.event === event)
      answered.push((await ask(`${urls[Math.floor(index / 2)]}/v1/movies/years`)).json.meta.load.id)
    }
    t.strictSame(
      answered.splice(0),
      watchers.map(() => id),
    )
  }
  for (const [index, films] of [3, 4].entries()) {
    await run(t, env, 'load', 'movies', '--source', await source(scene, films))
    await told(index + 1, 'published')
  }
  await run(t, env, 'rollback', 'movies')
  await told(1, 'rolled-back')
  const all = [
    { id: '1', event: 'published', data: { subject: 'movies', load: 1, previous: null, at: /Z$/ } },
    { id: '2', event: 'published', data: { subject: 'movies', load: 2, previous: 1 } },
    { id: '3', event: 'rolled-back', data: { subject: 'movies', load: 1, previous: 2 } },
  ]
  for (const { heard } of watchers) t.match(heard, all)
  for (const { heard } of watchers) t.equal(heard.length, 3)

  const back = await watch(t, `${urls[1]}/v1/events`, '1')
  await back.hears('it goes on', ({ id }) => id === '3')
  t.match(back.heard, all.slice(1), 'whoever comes back is told what it missed')
  t.equal(back.heard.length, 2)
  const fresh = await watch(t, `${urls[1]}/v1/events`)
  await run(t, env, 'publish', '2')
  await fresh.hears('it is told', ({ id }) => id === '4')
  t.equal(fresh.heard.length, 1, 'whoever is new is told what is new')
  const ears = await db.query(
    "select from pg_stat_activity where datname = current_database() and application_name = 'reelhouse ear'",
  )
  t.equal(ears.rowCount, 2, 'each server listens once')
})

t.test(
  'who is told that a load is published is answered from it, although its server heard of it by the telling only',
  async (t) => {
    const scene = await stage(t)
    const { server, env, db } = scene
    for (const films of [3, 4]) await run(t, env, 'load', 'movies', '--source', await source(scene, films))
    /** As publishing does it, but for the notification. */
    const publishInSilence = (id: number) =>
      db.query(`begin;
      update reelhouse.load set state = 'superseded' where state = 'published';
      update reelhouse.load set state = 'published' where load_id = ${id};
      update reelhouse.pointer set load_id = ${id};
      insert into reelhouse.publication (subject, load_id, action, actor) values ('movies', ${id}, 'publish', 'test');
      commit`)
    const read = async () => (await server.get('/v1/movies/years')).meta.load.id
    await publishInSilence(1)
    const load = await watch(t, `${server.url}/v1/loads/1/events`)
    t.equal(await load.ended, 'ended')
    t.equal(await read(), 1)
    await publishInSilence(2)
    const all = await watch(t, `${server.url}/v1/events?last_event_id=3`)
    await all.hears('it is told', ({ data }) => data.load === 2)
    t.equal(await read(), 2)
  },
)

t.test('of very many publications that were missed the latest are told, and that there were more', async (t) => {
  const { server, env, db, ...scene } = await stage(t)
  await run(t, env, 'load', 'movies', '--source', await source({ server, env, db, ...scene }, 3))
  await db.query(
    "insert into reelhouse.publication (subject, load_id, action, actor) select 'movies', 1, 'publish', 'test' from generate_series(1, 1500)",
  )
  const watcher = await watch(t, `${server.url}/v1/events?last_event_id=1`)
  await watcher.hears('the last is told', ({ id }) => id === '1501')
  t.match(watcher.heard[0], { id: undefined, event: 'omitted', data: { detail: /latest 1000/ } })
  t.strictSame(
    watcher.heard.slice(1).map(({ id }) => Number(id)),
    Array.from({ length: 1000 }, (_, n) => 502 + n),
  )
})

t.test('a server that is told to stop ends its streams at once, even those that nobody reads', async (t) => {
  const scene = await stage(t)
  const { server, env } = scene
  const keeper = new pg.Client(env.DATABASE_URL)
  await keeper.connect()
  await keeper.query(`begin; ${ATTACHING}`)
  const { body } = await server.post('/v1/admin/loads', { subject: 'movies', source: await source(scene, 3) })
  const reader = await watch(t, `${server.url}/v1/events`)
  const watchers = [reader, await watch(t, `${server.url}/v1/loads/${body.id}/events`)]
  await deafWatcher(t, server, '/v1/events?last_event_id=0')
  await flood(scene, reader)
  const asked = Date.now()
  server.child.kill('SIGTERM')
  for (const { ended } of watchers) t.equal(await ended, 'ended')
  t.ok(Date.now() - asked < 5000)
  t.match(await server.ended, { code: 0, stderr: '' })
  t.ok(Date.now() - asked < 8000)
  await keeper.end()
})

t.test('a client that does not read costs no memory, and is told the latest when it does', async (t) => {
  const scene = await stage(t)
  const { server, db, env } = scene
  await run(t, env, 'load', 'movies', '--source', await source(scene, 3))
  const deaf = []
  for (let count = 0; count < 5; count++) deaf.push(await deafWatcher(t, server, '/v1/events?last_event_id=0'))
  const reader = await watch(t, `${server.url}/v1/events`)
  await flood(scene, reader)
  const before = await memoryOf(server)
  await flood(scene, reader, 40)
  const after = await memoryOf(server)
  t.ok(after - before < 60, `${before} MiB, then ${after}`)
  const { rows } = await db.query('select max(publication_id) as last from reelhouse.publication')
  for (const socket of deaf) {
    let tail = ''
    socket.on('data', (chunk) => {
      tail = (tail + chunk).slice(-400)
    })
    socket.resume()
    await until('it is told the latest', async () => tail.includes(`id: ${rows[0].last}\n`))
  }
})

/** Asks for a stream and takes nothing of it. */
async function deafWatcher(t: Test, { url }: Served, path: string): Promise<net.Socket> {
  const { hostname, port } = new URL(url)
  const socket = net.connect(Number(port), hostname)
  t.teardown(() => socket.destroy())
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
  await until('it is answered', async () => socket.bytesRead > 0)
  socket.pause()
  return socket
}

/** Publications that nobody made, so many that what is told of them fills all that lies between server and client. */
async function flood({ db }: Scene, reader: Watcher, thousands = 60): Promise<void> {
  for (let count = 0; count < thousands; count++) {
    const { rows } = await db.query<{ id: string }>(`
      insert into reelhouse.publication (subject, load_id, action, actor)
      select 'movies', 1, 'publish', 'test' from generate_series(1, 1000) returning publication_id as id`)
    await db.query('notify reelhouse_publications')
    await until('it is told', async () => reader.heard.at(-1)?.id === rows.at(-1)?.id)
  }
}

t.test('to whoever watches an outage of the database is silence', async (t) => {
  const databaseUrl = await copyOfTemplate(t)
  const folder = await temporaryFolder(t)
  const cable = await cableTo(t, databaseUrl)
  const server = await serve(t, environment({ databaseUrl: cable.url, folder }))
  const direct = environment({ databaseUrl, folder })
  const scene = { folder } as Scene
  await run(t, direct, 'load', 'movies', '--source', await source(scene, 3))
  const watcher = await watch(t, `${server.url}/v1/events?last_event_id=0`)
  await watcher.hears('the first is told', ({ id }) => id === '1')
  await cable.cut()
  await run(t, direct, 'load', 'movies', '--source', await source(scene, 4))
  t.equal((await ask(`${server.url}/v1/events`)).status, 503, 'who comes now is told to come back')
  await cable.mend()
  await watcher.hears('the second is told', ({ id }) => id === '2')
  t.equal((await server.get('/v1/movies/years')).meta.load.id, 2)
  t.equal(watcher.heard.length, 2)
})

t.test('what could not be read when it happened is told once it can be', async (t) => {
  const { db, env, ...scene } = await stage(t)
  const server = await serve(t, { ...env, LOG_LEVEL: 'warn' })
  await run(t, env, 'load', 'movies', '--source', await source({ db, env, ...scene }, 3))
  const watcher = await watch(t, `${server.url}/v1/events?last_event_id=0`)
  await watcher.hears('the first is told', ({ id }) => id === '1')
  await db.query('alter table reelhouse.publication rename to elsewhere; notify reelhouse_publications')
  await until('it cannot be read', async () => server.said.stderr.includes('an event stream waits for the warehouse'))
  await db.query(`alter table reelhouse.elsewhere rename to publication;
                  insert into reelhouse.publication (subject, load_id, action, actor) values ('movies', 1, 'publish', 'test');
                  notify reelhouse_publications`)
  await watcher.hears('the second is told', ({ id }) => id === '2')
  t.equal(watcher.heard.length, 2)
})

t.test('a stream with nothing to tell says so now and then, so that nobody on the way ends it', async (t) => {
  const { server } = await stage(t)
  const watcher = await watch(t, `${server.url}/v1/events`)
  const connected = await until('it is connected', async () => watcher.text() || undefined)
  await until('it says something', async () => watcher.text() !== connected)
  t.match(watcher.text().slice(connected.length), /^:[^\n]*\n\n$/)
  t.strictSame(watcher.heard, [])
})

t.test('a thousand may watch, and one more is told to come back', async (t) => {
  const scene = await stage(t)
  const { server, env } = scene
  const watchers = []
  for (let count = 0; count < 1000; count += 100)
    watchers.push(...(await Promise.all(Array.from({ length: 100 }, () => watch(t, `${server.url}/v1/events`)))))
  t.ok(watchers.every(({ status }) => status === 200))
  t.match(await ask(`${server.url}/v1/events`), { status: 503, headers: { 'retry-after': /^\d+$/ } })
  t.equal((await ask(`${server.url}/livez`)).status, 200)
  await run(t, env, 'load', 'movies', '--source', await source(scene, 3))
  for (const watcher of watchers) await watcher.hears('all are told', ({ data }) => data.load === 1)
  watchers[0]?.leave()
  await until('there is room again', async () => {
    const one = await watch(t, `${server.url}/v1/events`)
    return one.status === 200
  })
})

t.test('what cannot be watched is refused like everything else', async (t) => {
  const scene = await stage(t)
  const { server, env } = scene
  await run(t, env, 'load', 'movies', '--source', await source(scene, 3))
  const problem = { 'content-type': /^application\/problem\+json/ }
  t.match(await ask(`${server.url}/v1/loads/99/events`), { status: 404, headers: problem })
  t.match(await ask(`${server.url}/v1/loads/x/events`), { status: 400, headers: problem })
  t.match((await ask(`${server.url}/v1/events?subject=books`)).json, {
    status: 400,
    errors: [{ parameter: 'subject' }],
  })
  t.match((await ask(`${server.url}/v1/events?last_event_id=x`)).json, { errors: [{ parameter: 'last_event_id' }] })
  t.match((await ask(`${server.url}/v1/events`, { headers: { 'last-event-id': 'x' } })).json, {
    status: 400,
    errors: [{ parameter: 'Last-Event-ID' }],
  })
  for (const url of ['/v1/events', '/v1/loads/1/events']) {
    const head = await ask(server.url + url, { method: 'HEAD' })
    t.match(head, { status: 200, headers: { 'content-type': 'text/event-stream' }, text: '' }, url)
    t.match(await ask(server.url + url, { method: 'OPTIONS' }), {
      status: 204,
      headers: { allow: 'GET, HEAD, OPTIONS' },
    })
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
    t.match(await ask(server.url + url, { method: 'POST', headers }), { status: 405, headers: problem })
  }
})
