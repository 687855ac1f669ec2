import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import path from 'node:path'

/** Programs that the bench runs: ours and those that ours is compared with, each a process of its own. */

export const PROGRAM = path.join(import.meta.dirname, '../../src/bin/reelhouse.js')

export interface Started {
  url: string
  process: ChildProcess
  /** What it has printed so far. */
  said(): string
  stop(): Promise<void>
}

/** Starts a script that prints where it listens. */
export async function listening(script: string, args: string[], env: Record<string, string>): Promise<Started> {
  const child = spawn(process.execPath, [script, ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  let said = ''
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
        const [, found] = /listens on (http:\S+)/.exec(said) ?? []
        if (found) resolve(found)
      })
    child.once('exit', () => reject(new Error(`${script} ended:\n${said}`)))
  })
  return {
    url,
    process: child,
    said: () => said,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

export interface Ran {
  seconds: number
  stdout: string
  /** The most memory that it held, in MB. */
  peak: number
}

/** Runs a program to its end. @throws Error with what it said when it fails */
export async function ran(command: string, args: string[], env: Record<string, string> = {}): Promise<Ran> {
  const startedAt = performance.now()
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
    })
  let peak = 0
  const watch = setInterval(async () => {
    peak = Math.max(peak, await residentMb(child.pid as number))
  }, 50)
  const [code] = await once(child, 'close').finally(() => clearInterval(watch))
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${said.stderr}${said.stdout}`)
  return { seconds: (performance.now() - startedAt) / 1000, stdout: said.stdout, peak }
}

/** What a process holds in memory now, in MB; 0 once it is gone, or where there is no /proc. */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}
