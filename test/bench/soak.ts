import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Memory } from './memory.ts'
import { mix } from './mix.ts'
import { listening, PROGRAM, ran } from './programs.ts'
import { Said } from './said.ts'

/**
 * A hundred analysts for as long as is asked, while one load after the other is published and old ones are dropped: whether everybody is
 * answered, each from one load, and whether memory stays what it was.
 */

export interface SoakOptions {
  minutes: number
  films: number
  /** Requests a second. */
  perSecond: number
  /** Seconds from the beginning of one load to that of the next. */
  loadEvery: number
  /** Settings of the server and of the loads, which share a warehouse. */
  env: Record<string, string>
  folder: string
  row(...cells: string[]): void
}

/** Files that loads are made of, in turn; more than are kept, so that one comes back after its first load is gone. */
const FILES = 4
const RETAINED = 3

/** Memory at the end against that of the middle. */
const MOST_GROWTH = 1.25

/** @returns whether all was as it should be */
export async function soak(options: SoakOptions): Promise<boolean> {
  const { minutes, films, perSecond, loadEvery, env: given, folder, row } = options
  const env = { ...given, RETAIN_LOADS: String(RETAINED) }
  const seconds = minutes * 60
  const reelhouse = (...args: string[]) => ran(process.execPath, [PROGRAM, ...args], env)
  const files = Array.from({ length: FILES }, (_, index) => path.join(folder, `soak-${index}`))
  for (const [index, out] of files.entries())
    await reelhouse('generate', 'movies', '--out', out, '--films', String(films), '--seed', String(index + 1))
  const madeOf = new Map<string, string>()
  const took: number[] = []
  const load = async (source: string) => {
    const { stdout, seconds } = await reelhouse('load', 'movies', '--source', source, '--force', '--json')
    madeOf.set(`movies=${JSON.parse(stdout).id}`, source)
    took.push(seconds)
  }
  await load(files[0] as string)
  const server = await listening(PROGRAM, ['serve'], env)
  const memory = new Memory(server.process.pid as number, env)
  try {
    const asked = { perSecond, companies: Math.max(100, films / 2) }
    const said = new Said()
    await mix(server.url, { ...asked, seconds: Math.min(10, seconds / 6), seed: 1 })
    const over = new AbortController()
    const loading = (async () => {
      for (let index = 1; ; index++) {
        const begun = performance.now()
        await load(files[index % FILES] as string)
        await sleep(loadEvery * 1000 - (performance.now() - begun), undefined, { signal: over.signal })
      }
    })().catch((error: Error) => {
      if (error.name !== 'AbortError') throw error
    })
    memory.watch()
    const result = await Promise.race([
      mix(server.url, { ...asked, seconds, seed: 2, hear: (heard) => said.hear(heard) }),
      // A load that fails ends it.
      loading.then(() => new Promise<never>(() => {})),
    ])
    over.abort()
    const { server: ours, sessions, buffers } = await memory.told(Math.min(loadEvery, seconds / 3))
    await loading
    const same = said.between((version) => String(madeOf.get(version)))
    const mixed = result.mixed + said.differing + same.differing.length
    const growth = ours.end / ours.middle
    const last = [...madeOf.keys()].findLast((version) => result.loads.has(version)) as string
    const { pages, bytes } = said.pagesOf(last)
    const mb = ({ start, middle, end }: typeof ours) => [start, middle, end].map((one) => one.toFixed(0)).join(', ')

    row('what', `${minutes} min`, 'reach')
    row('---', '---', '---')
    row('requests', `${result.requests + result.exports}, ${result.exports} of them exports`, `${perSecond} a second`)
    row('errors', [...result.errors].map(([why, times]) => `${times} × ${why}`).join('; ') || '0', '0')
    row('mixed loads', `${mixed} ${same.differing.slice(0, 3).join('; ')}`.trim(), '0')
    row('· held against another load of the same files', `${same.compared} answers`, '')
    row('loads made, seen', `${took.length}, ${result.loads.size}`, '')
    row('loads whose tables are there', String(await memory.loads()), `${RETAINED}, and what nobody could drop unseen`)
    row('load time', `${Math.min(...took).toFixed(1)} to ${Math.max(...took).toFixed(1)} s`, '')
    row('not modified', String(result.notModified), '')
    row('p50, p99', `${result.p50.toFixed(1)}, ${result.p99.toFixed(0)} ms`, '')
    row('memory of the server: start, middle, end', `${mb(ours)} MB`, `end ≤ ${MOST_GROWTH} × middle`)
    row('· from load to load', ours.each.map((one) => one.toFixed(0)).join(', '), '')
    for (const [what, one] of [
      ['· of PostgreSQL’s sessions, each by itself', sessions],
      ['· of PostgreSQL’s shared buffers, as far as anybody looked at them', buffers],
    ] as const) {
      row(what, one ? `${mb(one)} MB` : 'cannot be read here', '')
      row('· from load to load', one?.each.map((one) => one.toFixed(0)).join(', ') ?? '', '')
    }
    row('pages told of the last load', `${pages} of ${(bytes / 2 ** 20).toFixed(1)} MB`, '')
    // With errors of the server's own its log tells why.
    if (result.errors.size > 0) process.stderr.write(server.said())
    return result.errors.size === 0 && mixed === 0 && growth <= MOST_GROWTH
  } finally {
    await memory.close()
    await server.stop()
  }
}
