import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { House } from '../build.ts'
import { environment, serve } from '../processes.ts'

/** How many statements an answer takes, counted on the way to the database. */

/** Pages of a rollup and of films, with and without a count, and a single row. */
const ASKED = ['company-years', 'films', 'genre-years?count=exact&attribution=split', 'rankings', 'films/']

/** Without a statement for so long, a server has started. */
const QUIET_MS = 300

/** By how it was asked: of all pages, the most that one took. */
export async function statementsOf(t: Test, house: House): Promise<{ uncached: number; repeated: number }> {
  const { url, count } = await counting(t, house.databaseUrl)
  const server = await serve(t, environment({ databaseUrl: url, folder: house.folder }))
  const film = (await server.get('/v1/movies/films?limit=1')).data[0].film_id
  // What the server does for itself when it starts is no page's.
  for (let before = -1; before !== count(); await sleep(QUIET_MS)) before = count()
  const most = { uncached: 0, repeated: 0 }
  for (const asked of ASKED)
    for (const time of ['uncached', 'repeated'] as const) {
      const before = count()
      const answer = await fetch(`${server.url}/v1/movies/${asked.replace(/\/$/, `/${film}`)}`)
      if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`)
      await answer.text()
      most[time] = Math.max(most[time], count() - before)
    }
  return most
}

/** A way to the database that counts the statements that are sent over it: messages that run one, whether prepared or as a text. */
async function counting(t: Test, databaseUrl: string) {
  const target = new URL(databaseUrl)
  const sockets = new Set<net.Socket>()
  let statements = 0
  const server = net.createServer((near) => {
    const far = net.connect(Number(target.port), target.hostname)
    for (const socket of [near, far]) sockets.add(socket.on('error', () => {}))
    near.pipe(far)
    far.pipe(near)
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
    let sent = Buffer.alloc(0)
    let started = false
    near.on('data', (chunk: Buffer) => {
      sent = Buffer.concat([sent, chunk])
      // A message is its kind, a letter, and its length, four bytes which count themselves; the first has no letter.
      for (let kind = started ? 1 : 0; sent.length >= kind + 4; kind = 1) {
        const end = kind + sent.readInt32BE(kind)
        if (sent.length < end) return
        if (started && 'QE'.includes(String.fromCharCode(sent[0] as number))) statements += 1
        started = true
        sent = sent.subarray(end)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${(server.address() as net.AddressInfo).port}`
  return { url: url.href, count: () => statements }
}
