import http from 'node:http'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { generateMovies } from '../ingest/movies/generate.ts'
import { ask } from './ask.ts'
import { ADMIN_TOKEN } from './build.ts'
import { serve } from './serve.ts'

t.setTimeout(360_000)

const ANALYSTS = 100
/** Between two questions of one analyst, at most; with 0 they ask as fast as the machine answers, and all wait for one another. */
const PAUSE_MS = Number(process.env.UNDISTURBED_PAUSE_MS ?? 2000)
const MOVES = 20

/** Publishing is to take 100 ms at most on an idle machine; a test shares its machine, so it only refuses what is far off. */
const BOUND_MS = 1000

const middle = (times: number[], share: number) =>
  [...times].sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))] as number

t.test('publishing and rolling back take moments while 100 analysts read, and none of them waits', async (t) => {
  const house = await serve(t, { LOG_LEVEL: 'error' })
  for (const seed of [1, 2]) {
    const { path } = await generateMovies({ out: `${house.folder}/${seed}`, films: 4000, seed })
    t.equal((await house.run('load', 'movies', '--source', path)).code, 0)
  }

  const agent = new http.Agent({ keepAlive: true, maxSockets: ANALYSTS })
  let reading = true
  const answers: { at: number; took: number; load: number }[] = []
  /** What one of two loads says of a year, by load: an answer that differs would be of both, or of none. */
  const said = new Map<string, string>()
  const read = async (analyst: number) => {
    for (let n = 0; reading; n++) {
      const since = performance.now()
      const company = 1 + ((analyst * 31 + n * 7) % 500)
      const url = `${house.url}/v1/movies/company-years?company_id=${company}&limit=5`
      const { status, body } = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
        http
          .get(url, { agent }, async (response) => resolve({ status: response.statusCode, body: await text(response) }))
          .on('error', reject)
      })
      if (status !== 200) throw new Error(`${status}: ${body}`)
      const { data, meta } = JSON.parse(body)
      const key = `${meta.load.id} ${company}`
      const rows = JSON.stringify(data)
      if ((said.get(key) ?? rows) !== rows)
        throw new Error(`load ${meta.load.id} says two things of company ${company}`)
      said.set(key, rows)
      answers.push({ at: since, took: performance.now() - since, load: meta.load.id })
      await new Promise((resolve) => setTimeout(resolve, ((analyst * 7 + n * 13) % 20) * (PAUSE_MS / 20)))
    }
  }
  const analysts = Array.from({ length: ANALYSTS }, (_, analyst) => read(analyst))
  const rested = new Promise((resolve) => setTimeout(resolve, 2000))
  await Promise.race([rested, Promise.all(analysts)])
  const calm = answers.map(({ took }) => took)

  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
  const times: Record<'publish' | 'rollback', number[]> = { publish: [], rollback: [] }
  const movedFrom = answers.length
  for (let move = 0; move < MOVES; move++)
    for (const [act, where, load] of [
      ['rollback', '/v1/admin/subjects/movies/rollback', 1],
      ['publish', '/v1/admin/loads/2/publish', 2],
    ] as const) {
      const since = performance.now()
      const reply = await ask(house.url + where, { method: 'POST', headers })
      times[act].push(performance.now() - since)
      t.match(reply, { status: 200, json: { load } })
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  const busy = answers.slice(movedFrom).map(({ took }) => took)
  reading = false
  await Promise.all(analysts)
  agent.destroy()

  const figures = (name: string, of: number[]) =>
    `${name}: median ${middle(of, 0.5).toFixed(0)} ms, p99 ${middle(of, 0.99).toFixed(0)} ms, longest ${Math.max(...of).toFixed(0)} ms`
  t.comment(figures('publish', times.publish))
  t.comment(figures('roll back', times.rollback))
  t.comment(figures(`${calm.length} answers before`, calm))
  t.comment(figures(`${busy.length} answers meanwhile`, busy))
  t.ok(middle(times.publish, 0.5) < BOUND_MS && middle(times.rollback, 0.5) < BOUND_MS, 'they take moments')
  t.ok(middle(busy, 0.99) < middle(calm, 0.99) * 3 + 100, 'no answer takes much longer than before')
  t.strictSame([...new Set(answers.map(({ load }) => load))].sort(), [1, 2], 'both loads were read')
})
