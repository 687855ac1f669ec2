import { execFile } from 'node:child_process'
import { appendFile, open, rename, rm, statfs, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import t, { type Test } from 'tap'
import { markDropped, sweep } from '../ingest/drop.ts'
import { generateMovies } from '../ingest/movies/generate.ts'
import type { Subject } from '../ingest/subject.ts'
import { openEmbedded } from '../src/embedded.ts'
import { build, temporaryFolder } from './build.ts'
import { metadata, sound } from './movies/sources.ts'
import { run, start, until } from './processes.ts'
import { begin, ended, stage, unharmed, works } from './scene.ts'
import { holdAt } from './storm/hold.ts'

/**
 * What may befall a load besides being killed. Readers keep what they had, the load says what happened, nothing of it is left, and
 * the next one works.
 */

t.setTimeout(420_000)

t.test('a disk that fills', async (t) => {
  const disk = await smallDisk(t, 256)
  if (!disk) return
  const dataDir = path.join(disk.folder, 'warehouse')
  const embedded = await openEmbedded(dataDir)
  t.teardown(() => embedded.release())
  const scene = await stage(t, { DATABASE_URL: embedded.url, DATA_DIR: dataDir })
  const { server, folder, figures } = scene
  const { path: large, bytes } = await generateMovies({ out: path.join(folder, 'large'), films: 6000, seed: 1 })
  const mebibytes = (count: number) => Math.ceil(count / 2 ** 20)

  await disk.leave(10)
  const before = await figures()
  const refused = await begin(scene, large)
  await unharmed(t, scene, refused, {
    error: new RegExp(
      `^the load of ${mebibytes(bytes)} MiB needs about ${mebibytes(bytes * 4)} MiB of disk, and (9|10|11) MiB are free; make room or drop older loads$`,
    ),
    before,
    what: 'a load that will not fit is refused',
  })
  await disk.clear()

  for (const stage of ['parse', 'merge', 'index']) {
    const free = await disk.free()
    const held = await holdAt(embedded.url, stage)
    const load = await begin(scene, large)
    await held.reached()
    await disk.leave(0.2)
    await held.lift()
    await unharmed(t, scene, load, {
      error: /^The disk is full; make room or drop older loads, then load it again\.$/,
      before,
      what: `in stage ${stage}`,
    })
    t.equal(
      (await fetch(`${server.url}/v1/movies/films?sort=-title&limit=${stage.length}`)).status,
      200,
      'readers go on',
    )
    await disk.clear()
    t.ok((await disk.free()) > free - 40, `space is given back: ${free} MiB were free, and ${await disk.free()} are`)
  }

  // Where not even its log can be written PostgreSQL goes down, and stays down as long as the disk is full.
  const held = await holdAt(embedded.url, 'merge')
  const load = await begin(scene, large)
  await held.reached()
  await disk.leave(0)
  await t.rejects(fillLog(embedded.url))
  await until('the database is down', async () => (await fetch(`${server.url}/readyz`)).status === 503)
  t.equal((await fetch(`${server.url}/v1/movies/years?limit=7`)).status, 503)
  await disk.clear()
  await until('the database is back', async () => (await fetch(`${server.url}/readyz`)).status === 200)
  await held.lift()
  await unharmed(t, scene, load, {
    error: /^(The connection to the database was lost\.|Its process ended in stage \w+ without a word)/,
    before,
    what: 'without room for the log',
  })
  await works(t, scene)
})

/** Writes to PostgreSQL's log of changes and to nothing else, until it cannot. */
async function fillLog(url: string): Promise<void> {
  const db = new pg.Client(url)
  db.on('error', () => {})
  await db.connect()
  for (;;) await db.query("select pg_logical_emit_message(true, 'test', repeat('x', 4000000))")
}

/** A disk of so many MiB in memory; undefined where nothing may be mounted. */
async function smallDisk(t: Test, size: number) {
  const folder = await temporaryFolder(t)
  const exec = promisify(execFile)
  try {
    await exec('mount', ['-t', 'tmpfs', '-o', `size=${size}m,mode=0755`, 'reelhouse-test', folder])
  } catch (error) {
    t.pass(`skipped: no disk can be mounted here (${(error as Error).message.trim()})`, { skip: true })
    return undefined
  }
  t.teardown(() => exec('umount', [folder]))
  const filler = path.join(folder, 'filler')
  const free = async () => {
    const { bavail, bsize } = await statfs(folder)
    return (bavail * bsize) / 2 ** 20
  }
  return {
    folder,
    /** MiB. */
    free,
    /** Fills it up to so many MiB. */
    async leave(mebibytes: number) {
      const file = await open(filler, 'a')
      for (let left = (await free()) - mebibytes; left > 0.004; left = (await free()) - mebibytes)
        await file.write(Buffer.alloc(Math.min(left, 8) * 2 ** 20)).catch(() => {})
      await file.close()
    },
    clear: () => rm(filler, { force: true }),
  }
}

t.test('ten who want to load at once', async (t) => {
  const scene = await stage(t)
  const { server, env, sources, databaseUrl } = scene
  const before = await scene.figures()
  const held = await holdAt(databaseUrl, 'parse')
  const posting = Array.from({ length: 8 }, () =>
    server.post('/v1/admin/loads', { subject: 'movies', source: sources[1], force: true }),
  )
  const commands = Array.from({ length: 2 }, () => start(t, env, 'load', 'movies', '--source', sources[0], '--force'))
  const posts = await Promise.all(posting)
  await held.reached()
  const [running] = (await server.get('/v1/loads?state=running')).data
  const byCommand = running.trigger === 'cli'
  await until('the other commands are refused', async () => {
    const over = commands.filter(({ child }) => child.exitCode !== null)
    return over.length === (byCommand ? 1 : 2)
  })
  const sentence = `Load ${running.id} of movies is still queued or running; one at a time.`
  const refused = posts.filter(({ status }) => status !== 202)
  t.equal(refused.length, byCommand ? 8 : 7, 'one load runs')
  for (const post of refused) t.match(post, { status: 409, body: { detail: sentence } })
  for (const { child, said } of commands)
    if (child.exitCode !== null) t.match([child.exitCode, said.stderr], [1, `reelhouse: ${sentence}`])
  t.strictSame(await scene.figures(), before)
  await held.lift()
  t.match(await ended(server, running.id), { state: 'published', error: null })
  t.equal((await server.get('/v1/loads')).data.length, 2, 'those that were refused are no loads')
  await works(t, scene)
})

/** What may happen to a file between its first record and its last. */
const CHANGES: Record<string, (file: string) => Promise<unknown>> = {
  'is appended to': (file) => appendFile(file, 'False,,,'),
  'is cut short': (file) => truncate(file, 900_000),
  'is put another in the place of': async (file) => {
    await writeFile(`${file}.new`, metadata(sound(10)))
    await rename(`${file}.new`, file)
  },
  'is written over in place': async (file) => {
    const handle = await open(file, 'r+')
    await handle.write('9', (await handle.stat()).size - 50)
    await handle.close()
  },
  'is removed': (file) => rm(file),
}

t.test('a file that changes while it is read', async (t) => {
  const scene = await stage(t)
  const { databaseUrl, folder } = scene
  const before = await scene.figures()
  const db = new pg.Client(databaseUrl)
  await db.connect()
  t.teardown(() => db.end())
  // So many are rejected that they are entered before the rest is read.
  const content = metadata([...Array.from({ length: 600 }, () => ({ id: 'none' })), ...sound(9000)])
  for (const [what, change] of Object.entries(CHANGES)) {
    const file = path.join(folder, 'changing.csv')
    await writeFile(file, content)
    await db.query('begin; lock table reelhouse.reject in exclusive mode')
    const load = await begin(scene, file)
    await until('the load is in the middle of the file', async () => {
      const { rows } = await db.query(
        "select from pg_locks where relation = 'reelhouse.reject'::regclass and not granted",
      )
      return rows.length > 0
    })
    await change(file)
    await db.query('rollback')
    await unharmed(t, scene, load, {
      error: /^changing\.csv changed while it was read; load it again when it is complete$/,
      before,
      what: `a file that ${what}`,
    })
  }
  await works(t, scene)
})

const HOUR = 3_600_000
const CLOCKS: Record<string, number[]> = {
  'a day behind': [-24 * HOUR],
  'jumping to and fro': [0, HOUR, -24 * HOUR, 48 * HOUR, -HOUR],
}

t.test('a server and its loads whose clock is not the database’s', async (t) => {
  const other = pathToFileURL(path.join(import.meta.dirname, 'storm/other-clock.js')).href
  for (const [what, shifts] of Object.entries(CLOCKS)) {
    const NODE_OPTIONS = `--import=${other}`
    const scene = await stage(t, { NODE_OPTIONS, OTHER_CLOCK: shifts.join() })
    const { server, env, databaseUrl, sources } = scene
    const { path: large } = await generateMovies({ out: path.join(scene.folder, 'large'), films: 2000, seed: 1 })
    t.match(await run(t, env, 'load', 'movies', '--source', large), { code: 0, stderr: '' }, what)
    const load = await server.get('/v1/loads/2')
    for (const [stage, took] of Object.entries(load.timings))
      t.ok((took as number) >= 0 && (took as number) < HOUR, stage)
    const { records_per_second, seconds_left } = load.progress
    t.ok(records_per_second > 10 && records_per_second < 1_000_000, `${records_per_second} records a second`)
    t.ok(seconds_left === null || (seconds_left >= 0 && seconds_left < 3600), `${seconds_left} seconds left`)
    const moments = [load.created_at, load.started_at, load.finished_at, load.published_at].map(Date.parse)
    t.strictSame(
      moments,
      moments.toSorted((a, b) => a - b),
      'one thing after the other',
    )
    t.ok(Math.abs(Date.now() - (moments[0] as number)) < HOUR / 2, 'by the database’s clock')

    const asOf = async (moment: string | number) => {
      const text = typeof moment === 'number' ? new Date(moment).toISOString() : moment
      const answer = await fetch(`${server.url}/v1/movies/years?as_of=${text}`)
      return answer.status === 200
        ? ((await answer.json()) as { meta: { load: { id: number } } }).meta.load.id
        : answer.status
    }
    const first = await server.get('/v1/loads/1')
    t.strictSame(
      [
        await asOf(first.published_at),
        await asOf(load.published_at),
        await asOf(new Date().toISOString().slice(0, 10)),
      ],
      [1, 2, 2],
      'readers are told what was seen at a moment that has been',
    )
    t.strictSame(
      [await asOf(Date.now() + HOUR / 2), await asOf(Date.now() + 30 * HOUR)],
      [400, 400],
      'and not of others',
    )

    // It waits for longer than a command may take to begin, and whoever looks sees that it lives.
    const held = await holdAt(databaseUrl, 'merge')
    const waiting = await begin(scene, sources[1])
    await held.reached()
    t.match(await server.get(`/v1/loads/${waiting}`), { state: 'running', error: null })
    t.match(await run(t, env, 'status'), { code: 0, stdout: /load 3 of movies: running, parse/ })
    await held.lift()
    t.match(await ended(server, waiting), { state: 'published' })
    await works(t, scene)
  }
})

t.test('a database whose clock is set back', async (t) => {
  const scene = await stage(t)
  const { server, databaseUrl } = scene
  const db = new pg.Client(databaseUrl)
  await db.connect()
  t.teardown(() => db.end())
  // What it wrote before is in its future now.
  await db.query("update reelhouse.publication set at = at + interval '1 hour'")
  await db.query("update reelhouse.load set published_at = published_at + interval '1 hour'")
  await works(t, scene)
  const [second, first] = (await server.get('/v1/loads')).data
  t.ok(second.published_at >= first.published_at, 'what is published later is dated later')
  for (const { id, published_at } of [first, second])
    t.equal((await server.get(`/v1/movies/years?as_of=${id}`)).meta.load.id, id, published_at)
  t.equal((await server.get(`/v1/movies/years?as_of=${second.published_at}`)).meta.load.id, second.id)

  await db.query(`insert into reelhouse.load (subject, state, mode, trigger, actor, source, created_at)
                  values ('movies', 'queued', 'replace', 'cli', 'test', 'nowhere', clock_timestamp() + interval '1 hour')`)
  await works(t, scene, 'a load that waits for ever keeps nobody waiting')
  t.match(await server.get('/v1/loads/3'), { state: 'failed', error: /^No process took it up/ })
})

t.test('a load that is dropped while the tables of another one are taken away', async (t) => {
  const house = await build(t)
  const movies = house.subjects.get('movies') as Subject
  for (const films of [10, 11, 12])
    await house.load(await house.file(`${films}/movies_metadata.csv`, metadata(sound(films))))
  const reader = await house.warehouse.connect('a reader')
  await reader.query('begin; select from movies.film_company where load_id = 1')
  await markDropped(house.warehouse.writer, 1, 'test')
  const sweeping = sweep(house.warehouse.connect, movies)
  await until('the sweep waits for the reader', async () => {
    const { rows } = await reader.query("select from pg_locks where locktype = 'virtualxid' and not granted")
    return rows.length > 0
  })
  await markDropped(house.warehouse.writer, 2, 'test')
  await reader.query('rollback')
  // Whether it has waited long enough to see the reader go or not.
  await sweeping
  t.strictSame(await sweep(house.warehouse.connect, movies), [])
  const { rows } = await reader.query(`
    select relname from pg_class where relkind = 'r' and relname ~ '_[12]$'
    union all select 'company' from movies.company where load_id < 3`)
  t.strictSame(rows, [], 'both are gone')
  await reader.end()
  t.equal((await house.get('/v1/movies/years')).body.meta.load.id, 3)
})

t.test('tables that come and go while somebody asks whether all is well', async (t) => {
  const house = await build(t)
  await house.load(await house.file('movies_metadata.csv', metadata(sound(3))))
  const builder = await house.warehouse.connect('a builder')
  let building = true
  const built = (async () => {
    for (let n = 0; building; n++) {
      await builder.query(`create table movies.passing_${n} (like movies.film)`)
      await builder.query(`drop table movies.passing_${n}`)
    }
  })()
  for (let asked = 0; asked < 60; asked++) {
    const { status, body } = await house.get('/readyz')
    if (status !== 200) t.equal(status, 200, JSON.stringify(body))
  }
  building = false
  await built
  await builder.end()
  t.pass('it is told each time that all is well')
})
