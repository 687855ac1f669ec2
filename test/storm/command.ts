import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { Environment } from '../processes.ts'

const PROGRAM = path.join(import.meta.dirname, '../../src/bin/reelhouse.js')
const WARM = path.join(import.meta.dirname, 'warm.js')

/** A command that has read its modules and waits for a word; see `warm.ts`. */
export interface Command {
  child: ChildProcess
  ready: Promise<unknown>
  exited: Promise<unknown>
  go(): void
  said(): string
}

export function warmCommand(env: Environment, ...args: string[]): Command {
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, ['--import', WARM, PROGRAM, ...args], {
    env: { PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (some: string) => {
      text += some
    })
  const exited = once(child, 'close')
  return {
    child,
    exited,
    ready: Promise.race([once(child, 'message'), exited]),
    go: () => void child.send('go'),
    said: () => text,
  }
}
