import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { ADMIN_TOKEN } from './build.ts'

/** `reelhouse` as its users run it: processes of their own, told apart from the test by nothing but their environment. */

const PROGRAM = path.join(import.meta.dirname, '../src/bin/reelhouse.js')

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface Running {
  child: ChildProcess
  /** What it has printed so far. */
  said: { stdout: string; stderr: string }
  ended: Promise<Ended>
}

export type Environment = Record<string, string>

/** Settings of a process that uses this database and folder; nothing of the test's own environment reaches it. */
export const environment = ({ databaseUrl, folder }: { databaseUrl?: string; folder: string }): Environment => ({
  ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
  DATA_DIR: folder,
  ADMIN_TOKEN,
  SAMPLE: 'off',
  PORT: '0',
})

/** Starts a command; it is killed when the test ends before it. */
export function start(t: Test, env: Environment, ...args: string[]): Running {
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
    })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...said }) as Ended)
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { child, said, ended }
}

/** Runs a command to its end. */
export const run = (t: Test, env: Environment, ...args: string[]): Promise<Ended> => start(t, env, ...args).ended

export interface Served extends Running {
  url: string
  /** A GET whose answer is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asks for
  get(path: string): Promise<any>
  /** A POST as the admin. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asks for
  post(path: string, body: object, headers?: Record<string, string>): Promise<{ status: number; body: any }>
}

/** Starts a server and waits until it listens. */
export async function serve(t: Test, env: Environment): Promise<Served> {
  const running = start(t, { LOG_LEVEL: 'error', ...env }, 'serve')
  const url = await until(`the server listens`, async () => {
    if (running.child.exitCode !== null) throw new Error(`the server ended: ${running.said.stderr}`)
    return /listens on (\S+)/.exec(running.said.stdout)?.[1]
  })
  return {
    ...running,
    url,
    get: async (place) => await (await fetch(url + place)).json(),
    async post(place, body, more) {
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json', ...more }
      const answer = await fetch(url + place, { method: 'POST', headers, body: JSON.stringify(body) })
      return { status: answer.status, body: await answer.json() }
    },
  }
}

/** The process that a server started for a load. */
export async function childOf({ child }: Running): Promise<number> {
  return await until('the load has a process', async () => {
    const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,args='])
    const line = stdout.split('\n').find((text) => text.trim().split(/\s+/)[1] === String(child.pid))
    return line?.includes('run-load') ? Number.parseInt(line, 10) : undefined
  })
}

/** Who asks more often than that keeps the processes that he waits for from their work. */
export const LOOK_AGAIN_MS = 40

/** Asks again and again until there is an answer. @throws when there is none for 20 seconds */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (Date.now() > deadline) throw new Error(`in 20 seconds it was never so that ${what}`)
    await sleep(LOOK_AGAIN_MS)
  }
}
