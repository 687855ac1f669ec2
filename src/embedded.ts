/**
 * The warehouse's own PostgreSQL, for whoever has none: the server and the commands that use one data folder share it, the
 * first starts it and the last one stops it. It is nobody's child, so a user that is killed takes nobody else's database away.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type Cluster, openCluster } from './embedded-cluster.ts'
import { findServer, isAlive, type Server, startServer, stopServer, tail } from './embedded-server.ts'

/** A running embedded PostgreSQL that this process uses. */
export interface EmbeddedWarehouse {
  /** postgres://reelhouse:…@127.0.0.1:port/reelhouse */
  readonly url: string
  /** True when this call started it, false when it was found running. */
  readonly started: boolean
  /** Gives up its use; the last user stops PostgreSQL. */
  release(): Promise<void>
}

/**
 * Every user holds this advisory lock shared, in one connection of its own, for as long as it lives. To leave is to try for it
 * alone: who gets it is the last, and keeps newcomers waiting until PostgreSQL is gone. (Counting sessions in
 * pg_stat_activity instead lets one in between the count and the stop.) Locks are per database: all meet in `postgres`,
 * so `reelhouse` can be dropped or copied meanwhile.
 */
const USERS = 7_335_468

/** What their sessions are called; the number of the process follows. */
const USER = 'reelhouse user'

/** How long PostgreSQL may take to notice that a process which was killed has left; on a busy machine more than a moment. */
const NOTICING_MS = 5000

/** How long users take to be back after PostgreSQL crashed or was restarted: they look for it at least once a second. */
const OTHERS_MS = 2000

type Log = (line: string) => void

interface Session {
  client: pg.Client
  port: number
  started: boolean
}

export async function openEmbedded(dataDir: string, log: Log = () => {}): Promise<EmbeddedWarehouse> {
  const cluster = await openCluster(dataDir, log)
  const leaving = new AbortController()
  const first = await attach(cluster, log)
  let session: Promise<Session | undefined> = Promise.resolve(first)
  let released: Promise<void> | undefined
  let rejoinedAt = Number.NEGATIVE_INFINITY
  watch(first)

  return {
    url: `postgres://reelhouse:${cluster.password}@127.0.0.1:${first.port}/reelhouse`,
    started: first.started,
    release() {
      leaving.abort()
      released ??= session.then(async (last) => {
        if (!last) return
        // After a crash the others are on their way back, too: whoever is quicker must not take itself for the last.
        await sleep(Math.max(0, rejoinedAt + OTHERS_MS - performance.now()))
        await leave(cluster, last.client, log)
      })
      return released
    },
  }

  function watch({ client }: Session): void {
    client.once('end', () => {
      if (!leaving.signal.aborted) session = rejoin()
    })
  }

  /** PostgreSQL crashed, or somebody restarted it: be a user again, as soon as that works. */
  async function rejoin(): Promise<Session | undefined> {
    for (let complained = false; !leaving.signal.aborted; ) {
      try {
        const again = await attach(cluster, log)
        if (again.port !== first.port) log(`PostgreSQL moved to port ${again.port}: start this program again to use it`)
        rejoinedAt = performance.now()
        watch(again)
        return again
      } catch (error) {
        if (!complained) log(`PostgreSQL went away: ${(error as Error).message}`)
        complained = true
        await sleep(1_000, undefined, { signal: leaving.signal }).catch(() => {})
      }
    }
    return undefined
  }
}

/** Finds PostgreSQL or starts it, and becomes one of its users. Others start and stop it meanwhile: act, then look again. */
async function attach(cluster: Cluster, log: Log): Promise<Session> {
  let started = false
  let told = performance.now()
  let patience = performance.now() + 30_000
  for (;;) {
    const server = await findServer(cluster)
    if (!server) started = (await startServer(cluster)) || started
    else if (server.status === 'ready') {
      const client = await join(cluster, server)
      if (client) return { client, port: server.port, started }
    } else {
      patience = performance.now() + 30_000 // Recovery from a crash takes what it takes.
      if (performance.now() - told > 10_000) {
        log(`Waiting for PostgreSQL, which is ${server.status} (process ${server.pid}, log in ${cluster.logFile})`)
        told = performance.now()
      }
    }
    if (performance.now() > patience) throw await givenUp(cluster, server)
    await sleep(20)
  }
}

async function givenUp({ data, logFile }: Cluster, server: Server | undefined): Promise<Error> {
  const what = server
    ? `PostgreSQL (process ${server.pid}) does not answer on port ${server.port}. If that process is another program, remove ${data}/postmaster.pid.`
    : `PostgreSQL in ${data} does not start.`
  return new Error(`${what} The end of ${logFile}:\n${(await tail(logFile)).trim()}`)
}

/** A session as a user; none when PostgreSQL goes down just then. */
async function join({ data, password }: Cluster, { port }: Server): Promise<pg.Client | undefined> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'reelhouse',
    password,
    database: 'postgres',
    application_name: `${USER} ${process.pid}`,
    connectionTimeoutMillis: 10_000,
  })
  client.on('error', () => {}) // 'end' follows, and says it all
  try {
    await client.connect()
    await client.query('select pg_advisory_lock_shared($1)', [USERS])
    const { rowCount } = await client.query("select from pg_database where datname = 'reelhouse'")
    if (!rowCount) await client.query('create database reelhouse').catch(unlessAnotherDid)
    return client
  } catch (cause) {
    await client.end().catch(() => {})
    if (wasCutOff(cause)) return undefined
    throw new Error(`PostgreSQL in ${data}, port ${port}, refused us: ${(cause as Error).message}.`, { cause })
  }
}

async function leave(cluster: Cluster, client: pg.Client, log: Log): Promise<void> {
  try {
    if (await isLast(client)) await stopServer(cluster, log)
  } finally {
    await client.end().catch(() => {})
  }
}

async function isLast(client: pg.Client): Promise<boolean> {
  try {
    await client.query('select pg_advisory_unlock_shared($1)', [USERS])
    const deadline = performance.now() + NOTICING_MS
    for (;;) {
      const { rows } = await client.query<{ last: boolean }>('select pg_try_advisory_lock($1) as last', [USERS])
      if (rows[0]!.last) return true
      // The session of a load's process that was killed with us may be there yet: that is nobody who will stop PostgreSQL.
      if ((await hasLivingUsers(client)) || performance.now() > deadline) return false
      await sleep(20)
    }
  } catch (error) {
    if (wasCutOff(error)) return false // PostgreSQL went first.
    throw error
  }
}

/** Whether any session that holds the lock is of a process that lives. */
async function hasLivingUsers(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ name: string }>(
    `select application_name as name from pg_locks join pg_stat_activity using (pid)
     where locktype = 'advisory' and classid = 0 and objid = $1 and objsubid = 1 and granted and pid <> pg_backend_pid()`,
    [USERS],
  )
  return rows.some(({ name }) => {
    const pid = Number(name.slice(USER.length))
    return !(pid > 0) || isAlive(pid)
  })
}

/** By a server that is starting, stopping (57P01 to 57P03) or gone. Its other answers, which have an SQLSTATE, are final. */
function wasCutOff(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || /^57P0[123]$/.test(error.code ?? '')
}

function unlessAnotherDid(error: unknown): void {
  const { code } = error as pg.DatabaseError
  if (code !== '42P04' && code !== '23505') throw error // duplicate_database, and unique_violation when at the same moment
}
