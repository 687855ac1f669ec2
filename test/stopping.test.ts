import { once } from 'node:events'
import http from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { generateMovies } from '../ingest/movies/generate.ts'
import { ask } from './ask.ts'
import { readParquet } from './parquet-file.ts'
import { type Served, serve, until } from './serve.ts'

t.setTimeout(240_000)

/** A server that is stopped while analysts ask: whoever was taken on is answered, whole. */

async function served(t: Parameters<typeof serve>[0], settings: Record<string, string>): Promise<Served> {
  const house = await serve(t, { LOG_LEVEL: 'error', ...settings })
  const { path } = await generateMovies({ out: house.folder, films: 1500, seed: 3 })
  t.equal((await house.run('load', 'movies', '--source', path)).code, 0)
  await until(
    () => ask(`${house.url}/v1/movies/years`),
    ({ status }) => status === 200,
  )
  return house
}

t.test('what runs and what waits its turn is finished, whatever its format, and nothing new is taken', async (t) => {
  const house = await served(t, { POOL_SIZE: '2', CACHE_MB: '0' })
  const agent = new http.Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const get = async (path: string) => {
    const [answer] = (await once(http.get(house.url + path, { agent }), 'response')) as [http.IncomingMessage]
    const body = await buffer(answer)
    return { status: answer.statusCode, body, trailers: answer.trailers }
  }
  const whole = await get('/v1/movies/films?format=csv')
  const films = Number(whole.trailers['row-count'])
  // The one looks on; within its transaction the other would see the same for ever.
  const [observer, keeper] = [new pg.Client(house.databaseUrl), new pg.Client(house.databaseUrl)]
  await Promise.all([observer.connect(), keeper.connect()])
  await keeper.query('begin; lock table movies.film in access exclusive mode')
  const pages = Array.from({ length: 30 }, (_, votes) => get(`/v1/movies/genre-years?min_votes=${votes}`))
  const exports = ['csv', 'csv', 'parquet', 'parquet'].map((format) => get(`/v1/movies/films?format=${format}`))
  const waiting = async () =>
    (
      await observer.query(
        "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
      )
    ).rowCount
  // Of each two connections there is one for slow pages, and one for whole results.
  await until(waiting, (count) => count === 2)

  const exited = once(house.process, 'exit')
  house.process.kill('SIGTERM')
  await until(
    () => ask(`${house.url}/livez`).then(String, ({ code }) => code),
    (answer) => answer === 'ECONNREFUSED',
  )
  t.equal(house.process.exitCode, null, 'it does not go while it is asked')
  await keeper.query('rollback')
  await Promise.all([keeper.end(), observer.end()])
  const released = performance.now()
  for (const { status, body } of await Promise.all(pages)) {
    t.equal(status, 200)
    t.ok(JSON.parse(body.toString()).data.length > 0)
  }
  const [one, other, ...parquet] = await Promise.all(exports)
  for (const csv of [one, other]) t.strictSame([csv?.trailers, csv?.body], [whole.trailers, whole.body])
  for (const { body } of parquet) t.equal((await readParquet(body)).rows.length, films)
  t.strictSame(await exited, [0, null])
  t.ok(performance.now() - released < 9000, 'and goes as soon as they are')
})

t.test('analysts who ask on and on over connections that they keep lose no question', async (t) => {
  const house = await served(t, {})
  const asked = { answered: 0, refused: 0, broken: [] as unknown[] }
  const analyst = async (number: number) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    for (let n = 0; ; n++) {
      const path = n % 10 ? '/v1/movies/years' : `/v1/movies/films?min_votes=${number * 1000 + n}`
      try {
        const [answer] = (await once(http.get(house.url + path, { agent }), 'response')) as [http.IncomingMessage]
        const body = JSON.parse((await buffer(answer)).toString())
        if (answer.statusCode === 200) asked.answered += 1
        else asked.broken.push(body)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') asked.broken.push(error)
        asked.refused += 1
        break
      }
      await sleep((number * 7 + n * 3) % 5)
    }
    agent.destroy()
  }
  const analysts = Array.from({ length: 20 }, (_, number) => analyst(number))
  await sleep(1000)
  const exited = once(house.process, 'exit')
  const stopped = performance.now()
  house.process.kill('SIGTERM')
  await Promise.all(analysts)
  t.strictSame(await exited, [0, null])
  t.ok(performance.now() - stopped < 9000)
  t.strictSame(asked.broken, [])
  t.ok(asked.answered > 20)
  t.equal(asked.refused, 20, 'each of them until nobody answers the door')
})
