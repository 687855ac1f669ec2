import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import t, { type Test } from 'tap'
import { generateMovies } from '../ingest/movies/generate.ts'
import { copyOfTemplate, temporaryFolder } from './build.ts'
import { metadata, sound } from './movies/sources.ts'
import { childOf, type Environment, environment, run, type Served, serve, start, until } from './processes.ts'
import { leftBehind } from './storm/left-behind.ts'

/**
 * A load may be killed at any moment: readers stay where they were, the ledger says what happened, nothing is left behind,
 * and the next load works.
 */

t.setTimeout(360_000)

const STAGES = ['open', 'parse', 'merge', 'index', 'check', 'roll_up', 'publish']

interface Scene {
  db: pg.Client
  env: Environment
  server: Served
  folder: string
  /** Writes a source that was never loaded, so that a load has something to do. */
  source(): Promise<string>
  /** The number of the latest load. */
  latest(): Promise<number>
}

/** A server with a published load, and a way into its database. */
async function stage(t: Test): Promise<Scene> {
  const databaseUrl = await copyOfTemplate(t)
  const folder = await temporaryFolder(t)
  let films = 30
  const source = async () => {
    const file = join(folder, `${films}.csv`)
    await writeFile(file, metadata(sound(films++)))
    return file
  }
  const db = new pg.Client(databaseUrl)
  await db.connect()
  t.teardown(() => db.end())
  const env = { ...environment({ databaseUrl, folder }), SOURCE_ROOTS: folder }
  const server = await serve(t, env)
  // No assertion of tap's: after one, tap takes a file that waits at its top for one that has ended.
  assert.equal((await run(t, env, 'load', 'movies', '--source', await source())).code, 0)
  await heard(server, 1)
  const latest = async () => (await server.get('/v1/loads?limit=1')).data[0].id as number
  return { db, env, server, folder, source, latest }
}

const heard = (server: Served, load: number) =>
  until(`readers see load ${load}`, async () => (await server.get('/v1/movies/years')).meta?.load.id === load)

/** A lock that a load runs into: `reached` when it has, `lift` lets it go on. */
async function barrier(db: pg.Client, take: string, lift: string) {
  await db.query(take)
  return {
    reached: () =>
      until('the load has come to the barrier', async () => {
        // What it tells is else the same all through a transaction.
        await db.query('select pg_stat_clear_snapshot()')
        const { rows } = await db.query(
          "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        )
        return rows.length > 0
      }),
    lift: async () => void (await db.query(lift)),
  }
}

/** Stops the next load when it comes to a stage. */
async function beforeStage(db: pg.Client, stage: string) {
  await db.query(`
    create or replace function wait_for_test() returns trigger language plpgsql as $$
      begin perform pg_advisory_xact_lock_shared(42); return new; end $$`)
  await db.query('drop trigger if exists wait_for_test on reelhouse.load')
  await db.query(`create trigger wait_for_test before update of stage on reelhouse.load for each row
                  when (new.stage = '${stage}') execute function wait_for_test()`)
  const { reached, lift } = await barrier(db, 'select pg_advisory_lock(42)', 'select pg_advisory_unlock(42)')
  return {
    reached,
    async lift() {
      await lift()
      await until('its sessions are gone', () => noSessions(db))
      await db.query('drop trigger wait_for_test on reelhouse.load')
    },
  }
}

async function noSessions(db: pg.Client): Promise<boolean> {
  const { rows } = await db.query(`
    select from pg_stat_activity
    where datname = current_database() and (application_name ~ 'of load|reelhouse load' or state like 'idle in%')`)
  return rows.length === 0
}

/** What a load that came to nothing may not leave behind; its line in the ledger and what it rejected stay. */
async function traces(db: pg.Client, load: number): Promise<string[]> {
  const { rows } = await db.query("select 'registered' as trace from reelhouse.registry")
  return [...(await leftBehind(db, load)), ...rows.map(({ trace }) => trace as string)]
}

const figures = async (server: Served) => await server.get('/v1/movies/company-years')

/** Where the server itself stays, one scene does for all: each load's number goes on from the one before. */
const lasting = await stage(t)
const { path: large } = await generateMovies({ out: join(lasting.folder, 'large'), films: 25_000, seed: 1 })

t.test('a load that is killed as it comes to a stage leaves readers, tables and sessions as they were', async (t) => {
  const { db, env, server } = lasting
  let load = await lasting.latest()
  for (const how of ['the command', "the server's process"])
    for (const [at, stage] of STAGES.entries()) {
      const before = await figures(server)
      const source = await lasting.source()
      load++
      const barrier = await beforeStage(db, stage)
      if (how === 'the command') {
        const command = start(t, env, 'load', 'movies', '--source', source, '--force')
        await barrier.reached()
        command.child.kill('SIGKILL')
        t.match(await command.ended, { signal: 'SIGKILL' })
      } else {
        t.match(await server.post('/v1/admin/loads', { subject: 'movies', source, force: true }), {
          status: 202,
          body: { id: load },
        })
        await barrier.reached()
        process.kill(await childOf(server), 'SIGKILL')
      }
      t.strictSame(await figures(server), before, `${how}, ${stage}: readers see what they saw`)
      await barrier.lift()
      if (how === 'the command') await run(t, env, 'status')
      const { state, error } = await until('the load has ended', async () => {
        const found = await server.get(`/v1/loads/${load}`)
        return /queued|running/.test(found.state) ? undefined : found
      })
      t.equal(state, 'failed', `${how}, ${stage}`)
      // What was on its way to the ledger when the process died has arrived, so the stage is the new one.
      t.equal(error, `Its process ended in stage ${stage} without a word (killed, or cut off from the database?).`)
      t.strictSame(await traces(db, load), [], `${how}, ${stage}: nothing is left`)
      t.strictSame(await figures(server), before, `${how}, ${stage}: readers still see it`)
      if (at % 3 === 2) {
        t.match(await run(t, env, 'load', 'movies', '--source', source, '--force'), { code: 0 })
        await heard(server, ++load)
      }
    }
})

t.test('a load that is killed in the middle of a file leaves nothing but what it had rejected', async (t) => {
  const { db, env, server, source, latest } = lasting
  const before = await figures(server)
  const load = (await latest()) + 1
  const command = start(t, env, 'load', 'movies', '--source', large)
  await until('it has read some', async () => (await server.get(`/v1/loads/${load}`)).progress?.records > 0)
  command.child.kill('SIGKILL')
  await command.ended
  t.strictSame(await figures(server), before)
  await until('its sessions are gone', () => noSessions(db))
  t.match(await run(t, env, 'loads'), {
    code: 0,
    stdout: new RegExp(`\\b${load} {2}movies {3}failed .*: Its process ended in stage parse`),
  })
  t.strictSame(await traces(db, load), [])
  t.match(await run(t, env, 'load', 'movies', '--source', await source()), { code: 0 })
  await heard(server, load + 1)
})

t.test('a load that is killed while it commits is published or is not, and never half', async (t) => {
  const { db, env, server, folder, latest } = lasting
  const load = (await latest()) + 1
  const file = join(folder, 'whole.csv')
  await writeFile(file, metadata(sound(25)))
  await db.query(`
    create or replace function wait_for_test() returns trigger language plpgsql as $$
      begin perform pg_advisory_xact_lock_shared(42); return null; end $$`)
  await db.query(`create constraint trigger wait_for_test after insert on reelhouse.publication
                  deferrable initially deferred for each row execute function wait_for_test()`)
  const before = await figures(server)
  const commit = await barrier(db, 'select pg_advisory_lock(42)', 'select pg_advisory_unlock(42)')
  const command = start(t, env, 'load', 'movies', '--source', file)
  await commit.reached()
  command.child.kill('SIGKILL')
  await command.ended
  t.strictSame(await figures(server), before)
  // It asks for the row that the commit still holds, so it waits, and then finds nobody to bury.
  const status = run(t, env, 'status')
  await commit.lift()
  t.match(await status, { code: 0, stdout: new RegExp(`load ${load} of movies: published`) })
  await heard(server, load)
  t.match(await server.get(`/v1/loads/${load}`), {
    state: 'published',
    error: null,
    files: [{ read: 25, loaded: 25 }],
  })
  await db.query('drop trigger wait_for_test on reelhouse.publication')
})

/** Locks that a load runs into by itself in the middle of a stage; readers take none of them. */
const LOCKS = {
  merge: 'lock table movies.company in exclusive mode',
  index: 'lock table movies.film in share update exclusive mode',
  publish: "select from reelhouse.pointer where subject = 'movies' for update",
}

t.test('a load that is told to stop says so, and leaves nothing', async (t) => {
  const { db, env, server, source } = lasting
  const before = await figures(server)
  let load = await lasting.latest()
  const stopped = async (stage: string) => {
    t.match(await server.get(`/v1/loads/${load}`), { state: 'cancelled', stage, error: 'Stopped by SIGTERM.' })
    await until('its sessions are gone', () => noSessions(db))
    t.strictSame(await traces(db, load), [], `${stage}: nothing is left`)
    t.strictSame(await figures(server), before)
  }
  for (const [stage, lock] of Object.entries(LOCKS)) {
    const held = await barrier(db, `begin; ${lock}`, 'rollback')
    const command = start(t, env, 'load', 'movies', '--source', await source())
    await held.reached()
    command.child.kill('SIGTERM')
    t.match(
      await command.ended,
      { code: 1, stdout: /^load \d+ of movies: cancelled: Stopped by SIGTERM\./, stderr: '' },
      stage,
    )
    await held.lift()
    load++
    await stopped(stage)
  }
  const command = start(t, env, 'load', 'movies', '--source', large)
  load++
  await until('it has read some', async () => (await server.get(`/v1/loads/${load}`)).progress?.records > 0)
  command.child.kill('SIGINT')
  t.match(await command.ended, { code: 1, stdout: /cancelled: Stopped by SIGINT/, stderr: '' })
  t.match(await run(t, env, 'load', 'movies', '--source', await source()), { code: 0 })
  await heard(server, load + 1)
})

t.test('a load that an admin cancels says by whom, wherever its process runs, and leaves nothing', async (t) => {
  const { db, env, server, source } = lasting
  const before = await figures(server)
  const elsewhere = await serve(t, env)
  let load = await lasting.latest()
  const { publish, ...earlier } = LOCKS
  for (const [stage, lock] of Object.entries(earlier))
    for (const how of ['the command', 'another server']) {
      const held = await barrier(db, `begin; ${lock}`, 'rollback')
      const file = await source()
      const command = how === 'the command' ? start(t, env, 'load', 'movies', '--source', file) : undefined
      if (!command) await elsewhere.post('/v1/admin/loads', { subject: 'movies', source: file })
      await held.reached()
      load++
      t.match(await server.post(`/v1/admin/loads/${load}/cancel`, {}), { status: 202, body: { id: load } })
      const ended = await until('it has ended', async () => {
        const found = await server.get(`/v1/loads/${load}`)
        return found.state === 'running' ? undefined : found
      })
      t.match(ended, { state: 'cancelled', stage, error: 'Cancelled by admin.' }, `${how}, ${stage}`)
      if (command) t.match(await command.ended, { code: 1, stdout: /cancelled: Cancelled by admin\./ })
      await held.lift()
      await until('its sessions are gone', () => noSessions(db))
      t.strictSame(await traces(db, load), [], `${how}, ${stage}: nothing is left`)
      t.strictSame(await figures(server), before)
    }
  const held = await barrier(db, `begin; ${publish}`, 'rollback')
  const late = start(t, env, 'load', 'movies', '--source', await source())
  await held.reached()
  load++
  t.match(await server.post(`/v1/admin/loads/${load}/cancel`, {}), {
    status: 409,
    body: { detail: `Load ${load} is being published at this moment; roll it back instead.` },
  })
  await held.lift()
  t.match(await late.ended, { code: 0 })
  t.match(await server.post(`/v1/admin/loads/${load}/cancel`, {}), {
    status: 409,
    body: { detail: `Load ${load} has ended: it is published.` },
  })
  await heard(server, load)
  t.match(await server.post('/v1/admin/loads/9999/cancel', {}), { status: 404 })
})

/** What a load's sessions are called. */
const SESSIONS = { 'the load': 'reelhouse load', 'the ledger': 'reelhouse ledger' }

t.test('a load that loses its connection to the database says so, and leaves nothing', async (t) => {
  const { db, env, server, source } = lasting
  const before = await figures(server)
  let load = await lasting.latest()
  for (const [stage, lock] of Object.entries(LOCKS))
    for (const [which, name] of Object.entries(SESSIONS)) {
      // By then the ledger has said all, and the load goes on to its end without it.
      if (stage === 'publish' && which === 'the ledger') continue
      const held = await barrier(db, `begin; ${lock}`, 'rollback')
      const command = start(t, env, 'load', 'movies', '--source', await source())
      await held.reached()
      load++
      const { rows } = await db.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like $1',
        [`${name}%`],
      )
      t.equal(rows.length, 1)
      if (which === 'the ledger') await held.lift()
      t.match(await command.ended, { code: 1 }, `${which}, ${stage}`)
      if (which === 'the load') await held.lift()
      const { state, error } = await server.get(`/v1/loads/${load}`)
      t.equal(state, 'failed', `${which}, ${stage}`)
      t.match(error, /connection to the database was lost|cut off from the database/, `${which}, ${stage}`)
      await until('its sessions are gone', () => noSessions(db))
      t.strictSame(await traces(db, load), [], `${which}, ${stage}: nothing is left`)
      t.strictSame(await figures(server), before)
    }
  t.match(await run(t, env, 'load', 'movies', '--source', await source()), { code: 0 })
})

t.test('a server that is told to stop stops its load first', async (t) => {
  const { db, env, server, source } = await stage(t)
  const held = await barrier(db, `begin; ${LOCKS.merge}`, 'rollback')
  await server.post('/v1/admin/loads', { subject: 'movies', source: await source() })
  await held.reached()
  server.child.kill('SIGTERM')
  t.match(await server.ended, { code: 0, stdout: /SIGTERM: finishing what runs/ })
  await held.lift()
  await until('its sessions are gone', () => noSessions(db))
  t.strictSame(await traces(db, 2), [])

  const next = await serve(t, env)
  t.match(await next.get('/v1/loads/2'), { state: 'cancelled', stage: 'merge', error: 'Stopped by SIGTERM.' })
  t.equal((await next.get('/v1/movies/years')).meta.load.id, 1)
  await next.post('/v1/admin/loads', { subject: 'movies', source: await source() })
  next.child.kill('SIGTERM')
  t.match(await next.ended, { code: 0 })
  const last = await serve(t, env)
  t.match(
    await last.get('/v1/loads/3'),
    { state: 'cancelled', error: /^(The server stopped before the load began|Stopped by SIGTERM)\.$/ },
    'even one that has not begun',
  )
  await last.post('/v1/admin/loads', { subject: 'movies', source: await source() })
  await heard(last, 4)
})

t.test('a server that is killed does not take its load along', async (t) => {
  const { db, env, server, source } = await stage(t)
  const held = await barrier(db, `begin; ${LOCKS.merge}`, 'rollback')
  await server.post('/v1/admin/loads', { subject: 'movies', source: await source() })
  await held.reached()
  const exit = once(server.child, 'exit')
  server.child.kill('SIGKILL')
  await exit
  const next = await serve(t, env)
  t.match(await next.get('/v1/loads/2'), { state: 'running', stage: 'merge' })
  t.match(await next.post('/v1/admin/loads', { subject: 'movies', source: await source() }), {
    status: 409,
    body: { detail: 'Load 2 of movies is still queued or running; one at a time.' },
  })
  await held.lift()
  await heard(next, 2)
  t.match(await next.get('/v1/loads/2'), { state: 'published' })
})

t.test('a server that is killed with its load finds out when it starts again', async (t) => {
  const { db, env, server, source } = await stage(t)
  const held = await barrier(db, `begin; ${LOCKS.merge}`, 'rollback')
  await server.post('/v1/admin/loads', { subject: 'movies', source: await source() })
  await held.reached()
  const child = await childOf(server)
  server.child.kill('SIGKILL')
  process.kill(child, 'SIGKILL')
  await server.ended
  // Its last statement still waits in the database: the process is dead all the same, and nothing of it will be kept.
  const next = await serve(t, env)
  t.match(await next.get('/v1/loads/2'), { state: 'failed', error: /^Its process ended in stage merge/ })
  await held.lift()
  await until('its sessions are gone', () => noSessions(db))
  t.strictSame(await traces(db, 2), [])
  await next.post('/v1/admin/loads', { subject: 'movies', source: await source() })
  await heard(next, 3)
})
