import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import t, { type Test } from 'tap'
import { openEmbedded } from '../src/embedded.ts'
import { environment, start, until } from './processes.ts'

const root = process.getuid?.() === 0
t.setTimeout(120_000)

const template = await place(t)
await (await openEmbedded(template)).release()

t.test(
  'the first use makes a warehouse, its release stops it, and the next use finds its data at the same address',
  async (t) => {
    const dir = join(await place(t), "with a space and an apostrophe's")
    const lines: string[] = []
    const first = await openEmbedded(dir, (line) => lines.push(line))
    t.match(first.url, /^postgres:\/\/reelhouse:\w{48}@127\.0\.0\.1:\d+\/reelhouse$/)
    t.equal(first.started, true)
    t.match(lines, [/^Making an empty warehouse in .*postgres$/])
    const settings = `select getdatabaseencoding() as encoding, current_setting('listen_addresses') as host,
    current_setting('unix_socket_directories') as sockets, current_setting('fsync') as fsync, current_setting('timezone') as zone`
    t.strictSame(await ask(first.url, settings), [
      { encoding: 'UTF8', host: '127.0.0.1', sockets: '', fsync: 'on', zone: 'UTC' },
    ])
    const password = await stat(join(dir, 'postgres/password'))
    t.equal(password.mode & 0o777, 0o600)
    await ask(first.url, "create table film as select 'Amélie' as title")
    await first.release()
    await first.release()
    t.equal(await serverPid(dir), 0, 'PostgreSQL is gone')

    const next = await openEmbedded(dir)
    t.equal(next.url, first.url)
    t.equal(next.started, true)
    t.strictSame(await ask(next.url, 'select title from film'), [{ title: 'Amélie' }])
    await next.release()
  },
)

t.test('several processes that start at the same moment share one PostgreSQL', async (t) => {
  const dir = await place(t)
  for (const round of ['on an empty folder', 'on a made one']) {
    // two of them in this one
    const users = await Promise.all([user(t, dir), user(t, dir), openEmbedded(dir), openEmbedded(dir)])
    t.equal(new Set(users.map(({ url }) => url)).size, 1, `one address ${round}`)
    t.equal(users.filter(({ started }) => started).length, 1, `one of them started it ${round}`)
    for (const { url } of users) t.strictSame(await ask(url, 'select 1 as one'), [{ one: 1 }])
    await Promise.all(users.map(({ release }) => release()))
    t.equal(await serverPid(dir), 0, 'and the last one stopped it')
  }
  t.strictSame(await readdir(dir), ['postgres'], 'nothing else is left in the folder')
})

t.test('a second user keeps PostgreSQL going when the first one leaves', async (t) => {
  const dir = await madePlace(t)
  const first = await openEmbedded(dir)
  const second = await user(t, dir)
  t.equal(second.started, false)
  await first.release()
  t.strictSame(await ask(second.url, 'select 1 as one'), [{ one: 1 }])
  await second.release()
  t.equal(await serverPid(dir), 0)
})

t.test('a killed user whose session is still there is nobody who will stop PostgreSQL', async (t) => {
  const dir = await madePlace(t)
  const last = await openEmbedded(dir)
  const killed = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(killed, 'close')
  const url = new URL(last.url)
  url.pathname = '/postgres'
  const session = new pg.Client({ connectionString: url.href, application_name: `reelhouse user ${killed.pid}` })
  session.on('error', () => {})
  await session.connect()
  await session.query('select pg_advisory_lock_shared(7335468)')
  const noticed = sleep(300).then(() => session.end())
  await last.release()
  t.equal(await serverPid(dir), 0)
  await noticed
})

t.test('a server that is told to stop before it has started, and twice, stops PostgreSQL, too', async (t) => {
  const dir = await madePlace(t)
  const server = start(t, environment({ folder: dir }), 'serve')
  await until('PostgreSQL runs', async () => (await serverPid(dir)) !== 0)
  server.child.kill('SIGTERM')
  await sleep(50)
  server.child.kill('SIGTERM')
  t.match(await server.ended, { code: 0, signal: null })
  t.equal(await serverPid(dir), 0)
})

t.test('whoever comes while the last user leaves gets a PostgreSQL that stays', async (t) => {
  const dir = await madePlace(t)
  let current = await openEmbedded(dir)
  // To come takes longer than to leave, so the moments that matter are before.
  for (let early = 24; early >= 0; early -= 2) {
    const coming = openEmbedded(dir)
    const left = sleep(early).then(current.release)
    const next = await coming
    await t.resolves(ask(next.url, 'select pg_sleep(0.03)'), `coming ${early} ms before`)
    await left
    current = next
  }
  await current.release()
})

t.test(
  'after kill -9 of its only user, PostgreSQL goes on, and the next user takes it over and stops it',
  async (t) => {
    const dir = await madePlace(t)
    const killed = await user(t, dir)
    await ask(killed.url, 'create table kept (n int)')
    const pid = await serverPid(dir)
    await killed.kill()
    const next = await openEmbedded(dir)
    t.equal(next.started, false)
    t.equal(await serverPid(dir), pid)
    t.strictSame(await ask(next.url, 'select n from kept'), [])
    await next.release()
    t.equal(await serverPid(dir), 0)
  },
)

t.test('after kill -9 of PostgreSQL its users get it back, where it was, with all that was committed', async (t) => {
  const dir = await madePlace(t)
  const one = await openEmbedded(dir)
  const other = await user(t, dir)
  await ask(one.url, 'create table kept as select 42 as n')
  const before = await serverPid(dir)
  process.kill(before, 'SIGKILL')
  const deadline = Date.now() + 20_000
  let rows: unknown[] | undefined
  while (!rows && Date.now() < deadline)
    rows = await ask(one.url, 'select n from kept').catch(() => sleep(50, undefined))
  t.strictSame(rows, [{ n: 42 }])
  const users = "select count(*)::int as users from pg_stat_activity where application_name like 'reelhouse user %'"
  while ((await ask(one.url, users))[0].users < 2 && Date.now() < deadline) await sleep(50)
  const after = await serverPid(dir)
  t.not(after, before)
  await one.release()
  t.equal(await serverPid(dir), after, 'the other one uses it again')
  await other.release()
  t.equal(await serverPid(dir), 0)
})

t.test('after kill -9 of everybody the next use recovers', async (t) => {
  const dir = await madePlace(t)
  const killed = await user(t, dir)
  await ask(killed.url, 'create table kept as select generate_series(1, 100000) as n')
  await killed.kill()
  process.kill(await serverPid(dir), 'SIGKILL')
  const next = await openEmbedded(dir)
  t.equal(next.started, true)
  t.strictSame(await ask(next.url, 'select count(*)::int as n from kept'), [{ n: 100_000 }])
  await next.release()
})

t.test('a stale postmaster.pid does not keep PostgreSQL from starting', async (t) => {
  const dir = await madePlace(t)
  const file = join(dir, 'postgres/data/postmaster.pid')
  const { uid, gid } = await stat(join(dir, 'postgres'))
  // Of the same account: of another one's process PostgreSQL thinks for itself that it cannot be a server.
  const foreign = spawn('sleep', ['600'], { stdio: 'ignore', ...(root && { uid, gid }) })
  t.teardown(() => foreign.kill())
  const otherDir = await madePlace(t)
  const other = await openEmbedded(otherDir)
  for (const [whose, pid] of [
    ['another program', foreign.pid],
    ['the PostgreSQL of another folder', await serverPid(otherDir)],
    ['nobody', 4_194_305],
  ] as const) {
    await writeFile(
      file,
      `${pid}\n${dir}/postgres/data\n1700000000\n5432\n\n127.0.0.1\n  1234567         0\nready   \n`,
    )
    const warehouse = await openEmbedded(dir)
    t.equal(warehouse.started, true, `whose pid is of ${whose}`)
    await warehouse.release()
  }
  await writeFile(file, '')
  await utimes(file, 0, 0)
  const warehouse = await openEmbedded(dir)
  t.equal(warehouse.started, true, 'or which is empty, after a power cut')
  await warehouse.release()
  t.equal(foreign.exitCode ?? foreign.signalCode, null, 'and the other program is left alone')
  t.strictSame(await ask(other.url, 'select 1 as one'), [{ one: 1 }])
  await other.release()
})

t.test('a process killed while it makes the warehouse leaves nothing that matters', async (t) => {
  const dir = await place(t)
  const maker = spawnUser(t, dir)
  while (!(await readdir(dir)).some((name) => name.startsWith('postgres.new-'))) await sleep(5)
  await sleep(100)
  await maker.kill()
  t.match(await readdir(dir), [/^postgres\.new-/])
  // Its initdb is still at work, and may be for one sweep more.
  const deadline = Date.now() + 10_000
  do await (await openEmbedded(dir)).release()
  while ((await readdir(dir)).length > 1 && Date.now() < deadline)
  t.strictSame(await readdir(dir), ['postgres'], 'the next one sweeps')
})

t.test('the port taken meanwhile by another program is left to it', async (t) => {
  const dir = await madePlace(t)
  const before = await openEmbedded(dir)
  await before.release()
  const squatter = createServer().listen(Number(new URL(before.url).port), '127.0.0.1')
  t.teardown(() => squatter.close())
  await once(squatter, 'listening')
  const after = await openEmbedded(dir)
  t.not(after.url, before.url)
  t.strictSame(await ask(after.url, 'select 1 as one'), [{ one: 1 }])
  await after.release()
})

t.test('a log of more than 10 MB is put aside at the next start', async (t) => {
  const dir = await madePlace(t)
  const log = join(dir, 'postgres/server.log')
  await truncate(log, 10_000_001)
  await (await openEmbedded(dir)).release()
  t.equal((await stat(`${log}.1`)).size, 10_000_001)
  t.ok((await stat(log)).size < 10_000)
})

t.test('what is wrong is said in a sentence that tells what to do', async (t) => {
  const dir = await madePlace(t)
  const warehouse = await openEmbedded(dir)
  await warehouse.release()
  const data = join(dir, 'postgres/data')

  await t.test('a setting that PostgreSQL refuses: the end of its log, and no secret', async (t) => {
    await writeFile(join(data, 'postgresql.auto.conf'), "shared_buffers = 'plenty'\n")
    const error: Error = await openEmbedded(dir).then(
      () => t.fail('it started'),
      (error) => error,
    )
    t.match(
      error.message,
      /did not start\. The end of .*server\.log:\n[\s\S]*invalid value for parameter "shared_buffers"/,
    )
    t.notMatch(error.message, new URL(warehouse.url).password)
    await writeFile(join(data, 'postgresql.auto.conf'), '')
  })

  await t.test('the data of another major version', async (t) => {
    await writeFile(join(data, 'PG_VERSION'), '17\n')
    await t.rejects(openEmbedded(dir), {
      message: `${data} was made by PostgreSQL 17; this program brings PostgreSQL 18, which cannot read it. See "Moving to the next PostgreSQL major" in README.md.`,
    })
  })

  await t.test('other files where the data should be', async (t) => {
    const other = await place(t)
    const { uid, gid } = await stat(join(dir, 'postgres'))
    await mkdir(join(other, 'postgres/photos'), { recursive: true })
    await chown(join(other, 'postgres'), uid, gid)
    await t.rejects(openEmbedded(other), { message: /is in the way: it holds files, but no PostgreSQL data/ })
    t.strictSame(await readdir(other), ['postgres'])
  })

  await t.test('a path that pg_ctl would take for a command', async (t) => {
    await t.rejects(openEmbedded(join(await place(t), '$HOME')), { message: /has one of " \$ ` \\ in its path/ })
  })

  await t.test(
    'a data folder that the account which runs PostgreSQL for root cannot reach',
    { skip: !root },
    async (t) => {
      const closed = await place(t)
      await chmod(closed, 0o700)
      await t.rejects(openEmbedded(join(closed, 'data')), {
        message:
          `PostgreSQL refuses to run as root, so the user postgres is to run it, and that user cannot enter ${closed} on the way to ` +
          `the data folder ${closed}/data/postgres. Set DATA_DIR to a folder such as /var/lib/reelhouse, run as an ordinary user, ` +
          'or set DATABASE_URL to a PostgreSQL of yours.',
      })
    },
  )

  await t.test("somebody else's data folder, and one that cannot be written", { skip: !root }, async (t) => {
    await t.rejects(user(t, dir, 65_534), {
      message: /postgres belongs to the user with id \d+, and you are 65534\. Run as/,
    })
    await t.rejects(user(t, await place(t), 65_534), {
      message: /cannot be written \(EACCES.*\)\. Set DATA_DIR to a folder that can/,
    })
  })
})

/** A data folder that user postgres can reach when we are root; its PostgreSQL ends with the test. */
async function place(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'reelhouse-embedded-'))
  await chmod(dir, 0o755)
  t.teardown(async () => {
    const pid = await serverPid(dir)
    if (pid) process.kill(pid, 'SIGQUIT')
    while (pid && isAlive(pid)) await sleep(20)
    await rm(dir, { recursive: true, force: true, maxRetries: 5 })
  })
  return dir
}

/** The same with a warehouse in it, copied: faster than making one. */
async function madePlace(t: Test): Promise<string> {
  const dir = await place(t)
  await promisify(execFile)('cp', ['-a', join(template, 'postgres'), dir])
  return dir
}

/** Of the PostgreSQL that runs in `dir` or below; 0 when there is none. */
async function serverPid(dir: string): Promise<number> {
  for (const name of await readdir(dir, { recursive: true }).catch(() => [])) {
    if (!name.endsWith('data/postmaster.pid')) continue
    const pid = Number.parseInt(await readFile(join(dir, name), 'utf8').catch(() => '0'), 10)
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (process.platform !== 'linux' || command.includes(dir)) return pid
  }
  return 0
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function ask(url: string, sql: string) {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

/** Another process that uses the warehouse until the end of its stdin. */
const script = `
  import { openEmbedded } from ${JSON.stringify(new URL('../src/embedded.js', import.meta.url).href)}
  try {
    const { url, started, release } = await openEmbedded(process.argv[1])
    console.log(JSON.stringify({ url, started }))
    for await (const _ of process.stdin);
    await release()
  } catch ({ message }) {
    console.log(JSON.stringify({ message }))
  }`

function spawnUser(t: Test, dir: string, uid?: number) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, dir], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(uid && { uid, gid: uid }),
  })
  const exit = once(child, 'exit')
  t.teardown(() => child.kill('SIGKILL'))
  return {
    said: once(createInterface(child.stdout), 'line').then(([line]) => JSON.parse(line)),
    async release() {
      child.stdin.end()
      await exit
    },
    async kill() {
      child.kill('SIGKILL')
      await exit
    },
  }
}

async function user(t: Test, dir: string, uid?: number) {
  const { said, release, kill } = spawnUser(t, dir, uid)
  const { url, started, message } = (await said) as { url: string; started: boolean; message?: string }
  if (message) throw new Error(message)
  return { url, started, release, kill }
}
