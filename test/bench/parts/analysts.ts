import { setTimeout as sleep } from 'node:timers/promises'
import { type MixResult, mix } from '../mix.ts'
import { residentMb } from '../programs.ts'
import { inTurn, median } from '../rounds.ts'
import { ADMIN_TOKEN, type Setting, show } from '../setting.ts'

/** A hundred analysts in an open loop: what they wait while a load runs, and while loads are published and rolled back. */

/**
 * Each of them every two seconds. One request in twenty is the whole of company-years, which takes 0.4 s of processor time: at a hundred a second they
 * alone would take two processors, and wait longer and longer.
 */
const PER_SECOND = 50
/** As a hundred do who look at what they are shown. */
const CALM_PER_SECOND = 25

const mixOf = ({ asked }: Setting, perSecond = PER_SECOND) => ({ perSecond, companies: Math.max(100, asked.films / 2) })

const waited = ({ p50, p99 }: MixResult) => `${show(p99)} ms (p50 ${show(p50)})`

/** What nobody may meet, of several runs. */
function tellFaults({ row }: Setting, runs: MixResult[]): void {
  const errors = runs.flatMap((run) => [...run.errors])
  const [mixed, requests] = [
    runs.reduce((sum, run) => sum + run.mixed, 0),
    runs.reduce((sum, run) => sum + run.requests, 0),
  ]
  row('· errors, mixed loads', `${errors.length}, ${mixed} of ${requests}`, errors.map(String).join('; '), '', '0')
}

export async function whileLoading(setting: Setting): Promise<void> {
  const { load, served, row, tell } = setting
  await served({}, async (server) => {
    const rest = mixOf(setting)
    const memory = () => residentMb(server.process.pid as number)
    const warmUp = () => mix(server.url, { ...rest, seconds: 5, seed: 1 })
    await warmUp()
    const before = await memory()
    const runs: MixResult[] = []
    const p99 = async (more: { seconds: number; seed: number; while?: Promise<unknown> }) => {
      const run = await mix(server.url, { ...rest, ...more })
      runs.push(run)
      return run.p99
    }
    const took: number[] = []
    const compared = await inTurn(
      async () => {
        const loading = load()
        const under = await p99({ seconds: 3600, seed: runs.length + 2, while: loading })
        took.push((await loading).seconds)
        return under
      },
      async () => {
        // The load before has emptied the cache.
        await warmUp()
        return await p99({ seconds: 20, seed: runs.length + 2 })
      },
    )
    tell(
      `100 analysts, ${PER_SECOND} requests a second, p99 while a load runs`,
      compared,
      'without a load',
      'ms',
      '≤ 2',
    )
    const p50s = (parity: number) => show(median(runs.filter((_, nth) => nth % 2 === parity).map(({ p50 }) => p50)))
    row('· p50', `${p50s(0)} ms`, `${p50s(1)} ms`, '', '')
    row('· the load meanwhile', `${show(median(took))} s`, '', '', '')
    tellFaults(setting, runs)
    row('· memory of the server', `${show(await memory())} MB`, `before the loads: ${show(before)} MB`, '', '')
  })
}

const MOVES = 10

export async function whilePublishing(setting: Setting): Promise<void> {
  const first = setting.loaded.id
  const second = (await setting.load()).id
  await setting.served({}, async ({ url }) => {
    await mix(url, { ...mixOf(setting), seconds: 5, seed: 4 })
    for (const perSecond of [PER_SECOND, CALM_PER_SECOND]) await moving(setting, url, { perSecond, first, second })
  })
}

/** Goes back and forth between two loads. */
async function moving(
  setting: Setting,
  url: string,
  { perSecond, first, second }: { perSecond: number; first: number; second: number },
): Promise<void> {
  const { row } = setting
  const rest = mixOf(setting, perSecond)
  const alone = await mix(url, { ...rest, seconds: 10, seed: 5 })
  const times: Record<'rollback' | 'publish', number[]> = { rollback: [], publish: [] }
  const act = async (kind: 'rollback' | 'publish', path: string, body: object) => {
    const askedAt = performance.now()
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }
    const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    times[kind].push(performance.now() - askedAt)
    if (answer.status !== 200) throw new Error(`${kind} was answered with ${answer.status} ${await answer.text()}`)
    await sleep(500)
  }
  const moves = (async () => {
    for (let move = 0; move < MOVES; move++) {
      await act('rollback', '/v1/admin/subjects/movies/rollback', { to: first })
      await act('publish', `/v1/admin/loads/${second}/publish`, {})
    }
  })()
  const under = await mix(url, { ...rest, seconds: 600, seed: 6, while: moves })
  await moves
  for (const [kind, what] of [
    ['publish', 'publish'],
    ['rollback', 'roll back'],
  ] as const)
    row(
      `${what} among 100 analysts, ${perSecond} requests a second`,
      `median ${show(median(times[kind]))} ms, longest ${show(Math.max(...times[kind]))}`,
      '',
      '',
      '≤ 100 ms',
    )
  const what = '· p99 of the analysts, whose cache each of them empties'
  row(what, waited(under), `otherwise: ${waited(alone)}`, (under.p99 / alone.p99).toFixed(2), '')
  tellFaults(setting, [alone, under])
}
