import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { ADMIN_TOKEN, copyOfTemplate, temporaryFolder } from './build.ts'
import { LOOK_AGAIN_MS } from './processes.ts'

/** The program itself, serving a warehouse of the test's own in a process of its own, as users run it. */
export interface Served {
  url: string
  databaseUrl: string
  folder: string
  process: ChildProcess
  /** What it has printed so far: log and stdout together. */
  output(): string
  /** Runs another command on the same warehouse. */
  run(...args: string[]): Promise<{ code: number | null; output: string }>
}

const program = path.join(import.meta.dirname, '../src/bin/reelhouse.js')

/** @param settings environment variables beside those that a test needs anyway; `undefined` takes one away */
export async function serve(t: Test, settings: Record<string, string | undefined> = {}): Promise<Served> {
  const databaseUrl = await copyOfTemplate(t)
  const folder = await temporaryFolder(t)
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: databaseUrl,
    DATA_DIR: folder,
    ADMIN_TOKEN,
    SAMPLE: 'off',
    PORT: '0',
    ...settings,
  } as NodeJS.ProcessEnv
  const child = spawn(process.execPath, [program, 'serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGTERM')
    await exited
  })
  let output = ''
  const listening = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
        const [, url] = /listens on (http:\S+)/.exec(output) ?? []
        if (url) resolve(url)
      })
    child.once('exit', () => reject(new Error(`The server ended:\n${output}`)))
  })
  return {
    url: await listening,
    databaseUrl,
    folder,
    process: child,
    output: () => output,
    run: (...args) => run(args, env),
  }
}

async function run(args: string[], env: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}

/** Asks until the answer satisfies, and gives that answer. */
export async function until<T>(ask: () => Promise<T>, satisfies: (answer: T) => boolean, seconds = 20): Promise<T> {
  for (const end = Date.now() + seconds * 1000; ; await sleep(LOOK_AGAIN_MS)) {
    const answer = await ask()
    if (satisfies(answer)) return answer
    if (Date.now() > end) throw new Error(`Not within ${seconds} s; the last answer: ${JSON.stringify(answer)}`)
  }
}
