/**
 * PostgreSQL's processes on a cluster: found, started, stopped. Its own `postmaster.pid`, which it creates exclusively, is the
 * only lock between processes that act at once: whoever loses looks again.
 */
import { randomUUID } from 'node:crypto'
import { chmod, link, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, isAbsolute, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from './embedded-cluster.ts'
import { run } from './embedded-program.ts'
import { freePort, settings } from './embedded-settings.ts'

/** What postmaster.pid says. `status` is starting, ready or stopping. */
export interface Server {
  pid: number
  port: number
  status: string
}

const LOG_BYTES = 10_000_000

/** The PostgreSQL that runs on this cluster, coming and going included. */
export async function findServer({ data }: Cluster): Promise<Server | undefined> {
  const file = join(data, 'postmaster.pid')
  const text = await readOr(file, undefined)
  if (text === undefined) return undefined
  const [first, , , port, , , , status] = text.split('\n')
  const pid = Math.abs(Number(first)) // negative: single-user mode
  if (!pid) {
    // Made and not yet written, unless a machine that lost power left it so.
    const age = Date.now() - (await stat(file).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs
    if (age < 10_000) return { pid: 0, port: 0, status: 'starting' }
  } else if (await mayServe(pid, data)) return { pid, port: Number(port), status: status?.trim() ?? 'starting' }
  // Left by a crash. PostgreSQL itself takes the place of a dead process, but not if its pid has gone to another one.
  if (!pid || isAlive(pid)) await removeStale(file, text)
  return undefined
}

/** False only when sure. A process tells by its command line, which everyone may read, unlike its working folder. */
async function mayServe(pid: number, data: string): Promise<boolean> {
  const argv =
    process.platform === 'linux'
      ? (await readOr(`/proc/${pid}/cmdline`, '')).split('\0')
      : [(await run('/bin/ps', ['-o', 'comm=', '-p', String(pid)], '/')).stdout.trim()]
  if (basename(argv[0]!) !== 'postgres') return false
  const at = argv.indexOf('-D')
  const folder = at > 0 ? argv[at + 1] : undefined
  if (!folder || !isAbsolute(folder)) return true
  return (await realpath(folder).catch(() => folder)) === data
}

/**
 * Removes `file` if it still says `text`; a server that has just started is given its file back. Should processes of a
 * killed server linger, PostgreSQL finds them without the file, by the shared memory whose key is the folder's inode.
 */
async function removeStale(file: string, text: string): Promise<void> {
  const aside = `${file}.stale-${randomUUID()}`
  try {
    await rename(file, aside)
    if ((await readFile(aside, 'utf8')) !== text) await link(aside, file)
    await rm(aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error // ENOENT: another process of ours did it
  }
}

/**
 * Starts PostgreSQL on its own, not as our child, on the port that it had before unless another program has taken that.
 * False: somebody else is at it, or a dead one's processes are ending.
 */
export async function startServer(cluster: Cluster): Promise<boolean> {
  const { data, logFile } = cluster
  const before = await stat(logFile).catch(() => undefined)
  if (before && before.size > LOG_BYTES) await rename(logFile, `${logFile}.1`)
  const conf = join(data, 'reelhouse.conf')
  const draft = `${conf}.${randomUUID()}`
  try {
    await writeFile(draft, settings())
    await chmod(draft, 0o644) // whatever our umask: the account must read it
    await rename(draft, conf)
  } catch (cause) {
    await rm(draft, { force: true })
    throw new Error(`PostgreSQL in ${data} cannot start: ${(cause as Error).message}.`, { cause })
  }
  // Looking first whether the port is free would take it from another process that looks at the same moment.
  const earlier = await earlierPort(data)
  let failure = await startOn(earlier ?? (await freePort()), cluster)
  if (failure && earlier && IN_USE.test(failure) && !(await findServer(cluster)))
    failure = await startOn(await freePort(), cluster)
  if (!failure) return true
  // Somebody else's runs. The log may not tell any more: sessions that a starting server refuses fill it in moments.
  if ((await findServer(cluster)) || IN_USE.test(failure) || ANOTHER.test(failure)) return false
  throw new Error(`PostgreSQL in ${data} did not start. The end of ${logFile}:\n${failure.trim()}`)
}

const IN_USE = /Address already in use/
const ANOTHER = /lock file .* (already exists|is empty)|shared memory block .* in use/

/** @returns what the log says of why it did not start; undefined when it did, or is at it */
async function startOn(port: number, { data, logFile, programs, folder, account }: Cluster) {
  const from = (await stat(logFile).catch(() => undefined))?.size ?? 0
  // Recovery from a crash may take minutes: pg_ctl waits for ten seconds, and the caller looks on.
  const start = ['start', '-s', '-w', '-t', '10', '-D', data, '-l', logFile, '-o', `-p ${port}`]
  const { code, stderr } = await run(programs.pg_ctl, start, folder, account)
  if (code === 0 || stderr.includes('did not start in time')) return undefined
  return (await tail(logFile, from)) || stderr || `pg_ctl ended with code ${code}`
}

/** The port of the server that ran here last: PostgreSQL notes how it was called, once the data folder is its own. */
async function earlierPort(data: string): Promise<number | undefined> {
  const [, port] = /"-p" "(\d+)"/.exec(await readOr(join(data, 'postmaster.opts'), '')) ?? []
  return port === undefined ? undefined : Number(port)
}

/** Stops PostgreSQL, ending the sessions that it has, and waits until it is gone. */
export async function stopServer(cluster: Cluster, log: (line: string) => void): Promise<void> {
  const { data, folder, programs, account } = cluster
  const server = await findServer(cluster)
  if (!server) return
  // pg_ctl must not wait: when another process starts PostgreSQL at once, it would wait for that one to stop.
  const { code, stderr } = await run(programs.pg_ctl, ['stop', '-s', '-W', '-m', 'fast', '-D', data], folder, account)
  for (let tries = 0; tries < 3_000; tries++) {
    if ((await findServer(cluster))?.pid !== server.pid) return
    if (code !== 0) throw new Error(`PostgreSQL in ${data} did not stop: ${stderr.trim()}`)
    await sleep(20)
  }
  log(`PostgreSQL in ${data} is taking its time to stop (process ${server.pid})`)
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export async function readOr<T>(file: string, otherwise: T): Promise<string | T> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code!)) return otherwise
    throw error
  }
}

/** What a file says after `from`, at most its last 2,000 bytes. */
export async function tail(file: string, from = 0): Promise<string> {
  const handle = await open(file).catch(() => undefined)
  if (!handle) return ''
  try {
    const { size } = await handle.stat()
    const start = Math.max(from, size - 2_000)
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(2_000), position: start })
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}
