import { setTimeout as sleep } from 'node:timers/promises'
import { type MixResult, mix } from '../mix.ts'
import { residentMb } from '../programs.ts'
import { median } from '../rounds.ts'
import { ADMIN_TOKEN, type Setting, show } from '../setting.ts'

/** A hundred analysts in an open loop: what they wait while a load runs, and while loads are published and rolled back. */

/** Two processors, which server, PostgreSQL and analysts share, have little time left. */
const PER_SECOND = 100
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
  const { load, served, row } = setting
  await served({}, async (server) => {
    const rest = mixOf(setting)
    await mix(server.url, { ...rest, seconds: 5, seed: 1 })
    const alone = await mix(server.url, { ...rest, seconds: 20, seed: 2 })
    const before = await residentMb(server.process.pid as number)
    const loading = load()
    const under = await mix(server.url, { ...rest, seconds: 3600, seed: 3, while: loading })
    await loading
    const what = `100 analysts, ${PER_SECOND} requests a second, p99 while a load runs`
    row(what, waited(under), `without a load: ${waited(alone)}`, (under.p99 / alone.p99).toFixed(2), '≤ 2')
    tellFaults(setting, [alone, under])
    const after = await residentMb(server.process.pid as number)
    row('· memory of the server', `${show(after)} MB`, `before the load: ${show(before)} MB`, '', '')
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
