import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import t, { type Test } from 'tap'
import { runLoad } from '../ingest/run.ts'
import type { Subject } from '../ingest/subject.ts'
import { advance, enterMissed, enterSchedule } from '../src/scheduled-runs.ts'
import { sourceAccess } from '../src/source-access.ts'
import { Timetable } from '../src/timetable.ts'
import { ask } from './ask.ts'
import { ADMIN_TOKEN, build, copyOfTemplate, temporaryFolder } from './build.ts'
import { metadata, sound } from './movies/sources.ts'
import { type Environment, environment, run, serve, until } from './processes.ts'

/** Loads that start by themselves: each run that was due has one load, whatever servers come and go. */

t.setTimeout(420_000)

const ADMIN = { authorization: `Bearer ${ADMIN_TOKEN}` }

/** What a living process of a load holds, with the load's number. */
const LIVING = 0x5245454c

interface Scene {
  db: pg.Client
  env: Environment
  folder: string
  source: string
}

async function stage(t: Test, settings: Environment = {}): Promise<Scene> {
  const databaseUrl = await copyOfTemplate(t)
  const folder = await temporaryFolder(t)
  const source = join(folder, 'movies_metadata.csv')
  await writeFile(source, metadata(sound(20)))
  const db = new pg.Client(databaseUrl)
  await db.connect()
  t.teardown(() => db.end())
  return { db, folder, source, env: { ...environment({ databaseUrl, folder }), MOVIES_SOURCE: source, ...settings } }
}

interface Run {
  due_at: Date
  outcome: string | null
  attempts: number
  load_id: number | null
  next_attempt_at: Date | null
  caught_up: boolean
  note: string | null
  created_at: Date
}

const runsOf = async ({ db }: Scene) =>
  (await db.query<Run>('select * from reelhouse.schedule_run order by due_at')).rows
const loadsOf = async ({ db }: Scene) =>
  (await db.query('select load_id, state, trigger, actor, error, finished_at from reelhouse.load order by load_id'))
    .rows
const ended = (what: string, scene: Scene) =>
  until(what, async () => {
    const runs = await runsOf(scene)
    return runs.length > 0 && runs.every(({ outcome }) => outcome !== null) && runs
  })

/** A server that has looked what it missed. */
const startAndStop = async (t: Test, env: Environment) => {
  const server = await serve(t, env)
  await until('it keeps the schedule', async () => server.said.stdout.includes('next scheduled'))
  server.child.kill('SIGTERM')
  t.match(await server.ended, { code: 0, stderr: '' })
  return server
}

/** As if time passed: what is to be tried again is to be tried now. */
const nextAttempt = async (scene: Scene, attempts: number, seconds: number, t: Test) => {
  await until(`attempt ${attempts} is made`, async () => (await runsOf(scene))[0]?.attempts === attempts)
  const waiting = await until(`attempt ${attempts} has failed`, async () => {
    const [first] = await runsOf(scene)
    return first?.next_attempt_at ? first : undefined
  })
  const load = (await loadsOf(scene)).find(({ load_id }) => load_id === waiting.load_id)
  t.equal(waiting.outcome, null)
  t.equal((waiting.next_attempt_at as Date).getTime() - load.finished_at.getTime(), seconds * 1000, 'after a while')
  await scene.db.query('update reelhouse.schedule_run set next_attempt_at = clock_timestamp()')
}

/** The schedule as a server left it that ran until then. */
const schedule = async ({ db }: Scene, cron: string, since: string, timezone = 'UTC') =>
  await db.query('insert into reelhouse.schedule values ($1, $2, $3, $4)', ['movies', cron, timezone, since])

const firstOfMonth = (monthsAgo = 0) => {
  const now = new Date()
  const due = (months: number) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1, 7))
  return due(monthsAgo + (due(0) > now ? 1 : 0))
}

t.test('two servers on one warehouse load what is due once', async (t) => {
  const scene = await stage(t, { MOVIES_SCHEDULE: '*/3 * * * * *' })
  const servers = await Promise.all([serve(t, scene.env), serve(t, scene.env)])
  await until('five runs have ended', async () => (await runsOf(scene)).filter(({ outcome }) => outcome).length >= 5)
  for (const { child } of servers) child.kill('SIGTERM')
  for (const server of servers) t.match(await server.ended, { code: 0, stderr: '' })
  const runs = await runsOf(scene)
  const loads = await loadsOf(scene)
  for (const { due_at } of runs) t.equal(due_at.getTime() % 3000, 0)
  // But for what a machine that stood still slept through, which is said.
  if (!runs.some(({ caught_up }) => caught_up))
    t.equal(
      (runs.at(-1) as Run).due_at.getTime() - (runs[0] as Run).due_at.getTime(),
      (runs.length - 1) * 3000,
      'none was left out',
    )
  const loaded = runs.filter(({ outcome }) => outcome !== 'skipped')
  t.strictSame(
    loaded.map(({ load_id }) => load_id),
    loads.map(({ load_id }) => load_id),
    'each has its load, and there are no others',
  )
  t.ok(loaded.length >= 2)
  for (const { attempts } of loaded) t.equal(attempts, 1)
  for (const { trigger, actor } of loads) t.match({ trigger, actor }, { trigger: 'schedule', actor: 'schedule' })
  t.equal(loads[0].state, 'published')
  t.ok(loads.slice(1, -1).every(({ state }) => state === 'unchanged'))
  const said = servers.map(({ said }) => said.stdout).join('')
  t.equal([...said.matchAll(/: load \d+ begins/g)].length, loads.length, 'one of them says so')
  t.match(said, /The next scheduled load of movies is due at \S+Z \(\*\/3 \* \* \* \* \*, UTC\)/)
  t.match(said, /Scheduled load of movies, due at \S+Z: load 1: published/)
})

t.test('a run that was due while no server ran is caught up once', async (t) => {
  const scene = await stage(t)
  await schedule(scene, '0 7 1 * *', firstOfMonth(3).toISOString())
  const servers = await Promise.all([serve(t, scene.env), serve(t, scene.env)])
  const runs = await ended('it is caught up', scene)
  t.match(runs, [
    {
      due_at: firstOfMonth(),
      outcome: 'published',
      attempts: 1,
      load_id: 1,
      caught_up: true,
      note: 'the last of 3 that were due while no server ran',
    },
  ])
  for (const { child, ended } of servers) {
    child.kill('SIGTERM')
    await ended
  }
  await startAndStop(t, scene.env)
  t.equal((await runsOf(scene)).length, 1, 'a restart catches up no more')
  t.equal((await loadsOf(scene)).length, 1)
})

t.test('a run of a day to come, by a clock that was wrong, keeps none from being caught up', async (t) => {
  const scene = await stage(t)
  await schedule(scene, '0 7 1 * *', firstOfMonth(2).toISOString())
  await scene.db.query(
    "insert into reelhouse.schedule_run (subject, due_at, outcome) values ('movies', '2200-01-01', 'unchanged')",
  )
  await serve(t, scene.env)
  t.match(await until('it is caught up', async () => (await runsOf(scene)).length === 2 && (await ended('', scene))), [
    { due_at: firstOfMonth(), outcome: 'published', caught_up: true },
    { outcome: 'unchanged' },
  ])
})

t.test('a server that was suspended catches up once, and complains of nothing', async (t) => {
  const scene = await stage(t, { MOVIES_SCHEDULE: '*/3 * * * * *' })
  const server = await serve(t, scene.env)
  const [first] = await ended('the first has ended', scene)
  server.child.kill('SIGSTOP')
  await sleep(14_000)
  server.child.kill('SIGCONT')
  const awake = Date.now()
  await until(
    'it goes on',
    async () => (await runsOf(scene)).filter(({ due_at }) => due_at.getTime() > awake).length > 1,
  )
  server.child.kill('SIGTERM')
  t.match(await server.ended, { code: 0, stderr: '' })
  const asleep = (await runsOf(scene)).filter(
    ({ due_at }) => due_at > (first as Run).due_at && due_at.getTime() < awake - 3000,
  )
  t.ok(asleep.length <= 1, 'of four that it slept through none is run now')
  const loads = await loadsOf(scene)
  t.equal(loads.length, (await runsOf(scene)).filter(({ load_id }) => load_id !== null).length)
})

t.test('what has run already, or was not due yet when the schedule was made, is not caught up', async (t) => {
  const scene = await stage(t)
  const { db } = scene
  await schedule(scene, '0 7 1 * *', firstOfMonth(5).toISOString())
  await db.query("insert into reelhouse.schedule_run (subject, due_at, outcome) values ('movies', $1, 'unchanged')", [
    firstOfMonth(),
  ])
  await startAndStop(t, scene.env)
  t.equal((await runsOf(scene)).length, 1)
  await db.query('delete from reelhouse.schedule_run')
  await startAndStop(t, { ...scene.env, MOVIES_SCHEDULE: '0 6 1 * *' })
  t.equal((await runsOf(scene)).length, 0, 'another line begins anew')
  await db.query("update reelhouse.schedule set since = $1 where cron = '0 6 1 * *'", [firstOfMonth(5)])
  await startAndStop(t, { ...scene.env, MOVIES_SCHEDULE: '0 6 1 * *', SCHEDULE_TIMEZONE: 'Europe/Berlin' })
  t.equal((await runsOf(scene)).length, 0, 'and so does another time zone')
  t.match((await db.query('select cron, timezone from reelhouse.schedule')).rows, [
    { cron: '0 6 1 * *', timezone: 'Europe/Berlin' },
  ])
})

t.test('a run that meets another load is skipped, and says which was in the way', async (t) => {
  const scene = await stage(t, { MOVIES_SCHEDULE: '*/2 * * * * *' })
  const { db } = scene
  await db.query(`insert into reelhouse.load (subject, state, mode, trigger, actor, source)
                  values ('movies', 'running', 'replace', 'cli', 'test', 'elsewhere.csv')`)
  await db.query('select pg_advisory_lock($1, 1)', [LIVING])
  const server = await serve(t, scene.env)
  const [skipped] = await ended('it is skipped', scene)
  t.match(skipped, { outcome: 'skipped', attempts: 0, load_id: null, note: 'load 1 was still queued or running' })
  await until('it says so', async () =>
    /due at \S+: skipped \(load 1 was still queued or running\)/.test(server.said.stdout),
  )
  await db.query("update reelhouse.load set state = 'cancelled', finished_at = now()")
  await db.query('select pg_advisory_unlock($1, 1)', [LIVING])
  await until('the next ones go on', async () => (await runsOf(scene)).some(({ outcome }) => outcome === 'published'))
})

t.test('a source that is not there is tried again, each time later, until it is', async (t) => {
  const scene = await stage(t)
  const late = join(scene.folder, 'late')
  await schedule(scene, '0 7 1 * *', firstOfMonth(1).toISOString())
  const server = await serve(t, { ...scene.env, MOVIES_SOURCE: late })
  await nextAttempt(scene, 1, 60, t)
  await nextAttempt(scene, 2, 300, t)
  await mkdir(late)
  await writeFile(join(late, 'movies_metadata.csv'), metadata(sound(3)))
  t.match(await ended('it is there', scene), [{ outcome: 'published', attempts: 3, load_id: 3, next_attempt_at: null }])
  t.match(await loadsOf(scene), [
    { state: 'failed', error: /no such file or folder/ },
    { state: 'failed', error: /no such file or folder/ },
    { state: 'published' },
  ])
  t.match(server.said.stdout, /load 1 did not come to its end; another try is due at \S+Z/)
})

t.test('after four attempts it is given up, and what can never work is not tried twice', async (t) => {
  const house = await build(t)
  const { writer, connect } = house.warehouse
  const subject = house.subjects.get('movies') as Subject
  const { signal } = new AbortController()
  /** What a scheduler does, as fast as it goes. */
  const loadFrom = async (source: string) => {
    const schedule = {
      subject: 'movies',
      source,
      mode: 'replace' as const,
      timetable: new Timetable('0 7 1 * *', 'UTC'),
    }
    await enterSchedule(writer, schedule, firstOfMonth(1))
    await enterMissed(writer, schedule, new Date())
    const outcomes: string[] = []
    for (;;) {
      const steps = await advance(writer, schedule, [0, 0, 0])
      outcomes.push(...steps.map(({ now }) => now))
      const started = steps.find(({ now }) => now === 'started')
      if (!started) return outcomes
      await runLoad(subject, started.load_id as number, {
        connect,
        access: sourceAccess(house.config),
        retain: 13,
        signal,
      }).catch(() => {})
    }
  }
  t.strictSame(await loadFrom(join(house.folder, 'never')), [
    ...['started', 'again', 'started', 'again', 'started', 'again', 'started', 'failed'],
  ])
  await sql`delete from reelhouse.schedule_run`.execute(writer)
  const broken = await house.file('broken.csv', 'not,what,was\n1,2,3\n')
  t.strictSame(await loadFrom(broken), ['started', 'failed'])
})

t.test('a run that waits for its next attempt is over when the next one is due', async (t) => {
  const scene = await stage(t)
  const { db } = scene
  await schedule(scene, '0 7 1 * *', firstOfMonth(1).toISOString())
  await db.query(`insert into reelhouse.load (subject, state, mode, trigger, actor, source, retriable, finished_at)
                  values ('movies', 'failed', 'replace', 'schedule', 'schedule', 'late', true, now())`)
  await db.query(
    `insert into reelhouse.schedule_run (subject, due_at, attempts, load_id, next_attempt_at)
                  values ('movies', $1, 1, 1, now() + interval '1 day')`,
    [firstOfMonth(1)],
  )
  await serve(t, scene.env)
  t.match(await ended('both are over', scene), [
    { outcome: 'failed', attempts: 1, load_id: 1, next_attempt_at: null, note: 'given up, as the next run was due' },
    { outcome: 'published', attempts: 1, load_id: 2 },
  ])
})

t.test('a server that is killed between what is due and its load leaves it to another', async (t) => {
  const scene = await stage(t)
  const { db, env } = scene
  await schedule(scene, '0 7 1 * *', firstOfMonth(1).toISOString())
  // What every load takes as it is queued.
  await db.query(`select pg_advisory_lock(hashtext('reelhouse.queue'), hashtext('movies'))`)
  const first = await serve(t, env)
  await until('it is about to queue the load', async () => {
    const { rows } = await db.query(
      "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%reelhouse.queue%'",
    )
    return rows.length === 1
  })
  const second = await serve(t, env)
  first.child.kill('SIGKILL')
  await first.ended
  await db.query(`select pg_advisory_unlock(hashtext('reelhouse.queue'), hashtext('movies'))`)
  t.match(await ended('the other has loaded it', scene), [{ outcome: 'published', attempts: 1, caught_up: true }])
  t.equal((await loadsOf(scene)).length, 1)
  t.match(second.said.stdout, /load \d+ begins/)
})

t.test('a load that was queued by a server which died before it began is begun again', async (t) => {
  const scene = await stage(t)
  const { db, env } = scene
  await schedule(scene, '0 7 1 * *', firstOfMonth(1).toISOString())
  await db.query(
    `insert into reelhouse.load (subject, state, mode, trigger, actor, source, created_at)
                  values ('movies', 'queued', 'replace', 'schedule', 'schedule', $1, now() - interval '59 seconds')`,
    [scene.source],
  )
  await db.query(
    `insert into reelhouse.schedule_run (subject, due_at, attempts, load_id) values ('movies', $1, 1, 1)`,
    [firstOfMonth()],
  )
  await serve(t, env)
  await nextAttempt(scene, 1, 60, t)
  t.match(await ended('it is loaded', scene), [{ outcome: 'published', attempts: 2, load_id: 2 }])
  t.match(await loadsOf(scene), [{ state: 'failed', error: /^No process took it up/ }, { state: 'published' }])
})

t.test('a load that was stopped with its server is begun again, one that was cancelled is not', async (t) => {
  const scene = await stage(t)
  const { db, env } = scene
  await schedule(scene, '0 7 1 * *', firstOfMonth(1).toISOString())
  await db.query('begin; lock table movies.film in share update exclusive mode')
  const first = await serve(t, env)
  await until('the load is under way', async () => (await first.get('/v1/loads/1')).stage === 'index')
  first.child.kill('SIGTERM')
  t.match(await first.ended, { code: 0, stderr: '' })
  await db.query('rollback')
  t.match(await loadsOf(scene), [{ state: 'cancelled', error: 'Stopped by SIGTERM.' }])
  await serve(t, env)
  await nextAttempt(scene, 1, 60, t)
  t.match(await ended('it is loaded', scene), [{ outcome: 'published', attempts: 2, load_id: 2 }])

  await db.query('update reelhouse.schedule_run set outcome = null, load_id = 1, next_attempt_at = null')
  await db.query("update reelhouse.load set cancel_asked_by = 'admin' where load_id = 1")
  t.match(await ended('it is settled', scene), [{ outcome: 'cancelled', attempts: 2, load_id: 1 }])
})

t.test('the schedule tells what comes, what runs and what was', async (t) => {
  const scene = await stage(t, { MOVIES_SCHEDULE: '30 7 1 * *', SCHEDULE_TIMEZONE: 'Europe/Berlin' })
  const { db } = scene
  await db.query(`insert into reelhouse.schedule_run (subject, due_at, outcome, note)
                  select 'movies', date '2025-01-01' + make_interval(months => n), 'skipped', 'month ' || n from generate_series(0, 4) n`)
  const server = await serve(t, scene.env)
  const place = '/v1/admin/schedules'
  t.equal((await ask(server.url + place)).status, 401)
  const asked = async (url: string, { url: house } = server) => (await ask(house + url, { headers: ADMIN })).json
  const { data } = await asked(`${place}?subject=movies&limit=2`)
  t.match(data, [
    {
      subject: 'movies',
      cron: '30 7 1 * *',
      timezone: 'Europe/Berlin',
      source: 'movies_metadata.csv',
      since: /Z$/,
      running: null,
      runs: [
        { due_at: '2025-05-01T00:00:00.000Z', outcome: 'skipped', started_at: null, load: null, note: 'month 4' },
        { due_at: '2025-04-01T00:00:00.000Z' },
      ],
    },
  ])
  t.equal(data[0].next.length, 3)
  for (const next of data[0].next) t.match(next, /^\d{4}-\d\d-01T0[56]:30:00\.000Z$/)
  const notes: string[] = []
  for (let url = `${place}?subject=movies&limit=2`; url; ) {
    const [page] = (await asked(url)).data
    notes.push(...page.runs.map(({ note }: { note: string }) => note))
    url = page.older
  }
  t.strictSame(notes, ['month 4', 'month 3', 'month 2', 'month 1', 'month 0'])
  t.match(await asked(`${place}?before=yesterday`), { status: 400, errors: [{ parameter: 'before' }] })
  t.match(await asked(`${place}?subject=nothing`), {
    status: 400,
    errors: [{ parameter: 'subject', detail: /^takes .*movies/ }],
  })

  const off = await serve(t, { ...scene.env, MOVIES_SCHEDULE: 'off' })
  t.match((await asked(`${place}?subject=movies`, off)).data, [{ cron: null, since: null, next: [] }])
  t.notMatch(off.said.stdout, /next scheduled/)
})

t.test('a subject that has a source is loaded on the first of each month, unless something else is said', async (t) => {
  const scene = await stage(t)
  const server = await startAndStop(t, scene.env)
  t.match(server.said.stdout, /next scheduled load of movies is due at \S+-01T07:00:00Z \(0 7 1 \* \* *, UTC\)/)
  const { MOVIES_SOURCE: _, ...without } = scene.env
  const none = await serve(t, without as Environment)
  t.notMatch(none.said.stdout, /next scheduled/)
})

t.test('a schedule that is none stops the start, and says what it takes', async (t) => {
  const { env } = await stage(t)
  const refused = async (settings: Environment, sentence: RegExp) =>
    t.match(await run(t, { ...env, ...settings }, 'serve'), { code: 2, stdout: '', stderr: sentence })
  await refused({ MOVIES_SCHEDULE: '0 25 1 * *' }, /MOVIES_SCHEDULE takes a cron line .* or off; 25 is no hour/)
  await refused({ MOVIES_SCHEDULE: 'monthly' }, /MOVIES_SCHEDULE takes .* 5 or 6 fields/)
  await refused(
    { SCHEDULE_TIMEZONE: 'Mars/Phobos' },
    /SCHEDULE_TIMEZONE takes the name of a time zone: UTC, Europe\/Berlin/,
  )
  await refused({ MOVIES_SCHEDULE: '0 7 1 * *', MOVIES_SOURCE: '' }, /MOVIES_SCHEDULE takes MOVIES_SOURCE/)
})
