import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Admission } from '../src/admission.ts'
import { build, type House } from './build.ts'
import { metadata } from './movies/sources.ts'
import { until } from './processes.ts'

/** Who may ask the database, who waits, and who is told to come back. */

const stays = new AbortController().signal

/** Work that lasts until it is let go. */
function work() {
  let end!: () => void
  const over = new Promise<void>((resolve) => {
    end = resolve
  })
  const state = { begun: false, end, work: async () => {} }
  state.work = async () => {
    state.begun = true
    await over
  }
  return state
}

/** A kind that is known to be quick. */
const quick = async (admission: Admission, kind = 'quick') => {
  await admission.run(kind, stays, async () => {})
  return kind
}

t.test('what is more than may wait is refused at once, and whoever leaves makes room', async (t) => {
  const admission = new Admission(1, 2)
  const kind = await quick(admission)
  const first = work()
  const running = admission.run(kind, stays, first.work)
  const leaving = new AbortController()
  const [second, third, fourth] = [work(), work(), work()]
  const left = t.rejects(admission.run(kind, leaving.signal, second.work), /gone/)
  const waiting = admission.run(kind, stays, third.work)
  await t.rejects(admission.run(kind, stays, fourth.work), /Too many questions are waiting/)
  leaving.abort(new Error('gone'))
  await left
  const last = admission.run(kind, stays, fourth.work)
  await sleep(0)
  t.strictSame([first.begun, second.begun, third.begun, fourth.begun], [true, false, false, false])
  for (const one of [first, third, fourth]) one.end()
  await Promise.all([running, waiting, last])
  t.notOk(second.begun, 'nothing is done for whoever has left')
  await admission.run(kind, stays, async () => t.pass('and all places are free again'))
})

t.test('slow questions leave half of the connections to quick ones, in the order of their coming', async (t) => {
  const admission = new Admission(4)
  const kind = await quick(admission)
  const slow = Array.from({ length: 6 }, work)
  const all = slow.map((one, index) => admission.run(`slow ${index}`, stays, one.work))
  await sleep(0)
  t.strictSame(
    slow.map(({ begun }) => begun),
    [true, true, false, false, false, false],
  )
  await admission.run(kind, stays, async () => t.pass('a quick one passes them'))
  slow[0]?.end()
  await all[0]
  await sleep(0)
  t.strictSame(slow.map(({ begun }) => begun).lastIndexOf(true), 2, 'the one that waited longest is next')
  for (const one of slow) one.end()
  await Promise.all(all)
})

t.test('a failure frees its place', async (t) => {
  const admission = new Admission(1)
  await t.rejects(
    admission.run('bad', stays, async () => Promise.reject(new Error('broken'))),
    /broken/,
  )
  await t.rejects(async () => {
    for await (const _ of admission.stream(stays, async function* () {
      yield 1
      throw new Error('cut off')
    }));
  }, /cut off/)
  await admission.run('bad', stays, async () => t.pass())
})

t.test('questions that hang keep nobody from quick ones; too many are told to come back', async (t) => {
  const house = await build(t, { POOL_SIZE: '2', CACHE_MB: '0' })
  await house.app.listen({ host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${(house.app.server.address() as AddressInfo).port}/v1/movies`
  await house.load(
    await house.file('movies_metadata.csv', metadata([{ id: '1', title: 'One', release_date: '1995-01-01' }])),
  )
  // Often enough to be known as quick, even where the machine is busy.
  for (let asked = 0; asked < 20; asked++) t.equal(await status(`${url}/years`), 200)

  const locker = await house.warehouse.connect('test')
  await locker.query('begin; lock table movies.film_genre in access exclusive mode')
  const leaving = new AbortController()
  // Of single films, so the rollup cannot tell.
  const hanging = Array.from({ length: 3 }, (_, index) =>
    fetch(`${url}/genre-years?min_votes=${index}`, { signal: leaving.signal }),
  )
  const active = async () =>
    Number(
      (
        await house.warehouse.connect('test').then(async (client) => {
          const found = await client.query(
            `select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
          )
          await client.end()
          return found
        })
      ).rows[0].count,
    )
  await until('one of them hangs', async () => (await active()) === 1)
  t.equal(await status(`${url}/years`), 200, 'a quick one is answered')
  t.equal(await active(), 1, 'of two connections they have one')

  const more = Array.from({ length: 60 }, (_, index) =>
    fetch(`${url}/genre-years?min_votes=${100 + index}`, { signal: leaving.signal }).then(async (answer) => ({
      status: answer.status,
      retryAfter: answer.headers.get('retry-after'),
      problem: await answer.json(),
    })),
  )
  const refused = await Promise.race(more)
  t.match(refused, {
    status: 503,
    retryAfter: '5',
    problem: { detail: 'Too many questions are waiting; ask again in a moment.' },
  })
  leaving.abort()
  await Promise.allSettled([...hanging, ...more])
  await until('whoever left is not worked for', async () => (await active()) === 0)
  await locker.query('rollback')
  await locker.end()
  t.equal(await status(`${url}/genre-years?min_votes=1`), 200)
})

t.test('whole results, however many and slow, keep nobody from a page', async (t) => {
  const house = await build(t, { POOL_SIZE: '2', CACHE_MB: '0' })
  const url = `${await house.app.listen({ host: '127.0.0.1', port: 0 })}/v1/movies`
  await house.load(
    await house.file('movies_metadata.csv', metadata([{ id: '1', title: 'One', release_date: '1995-01-01' }])),
  )
  const locker = await house.warehouse.connect('test')
  // Looks on; within its transaction the locker would see the same for ever.
  const observer = await house.warehouse.connect('test')
  await locker.query('begin; lock table movies.film_genre in access exclusive mode')
  const exports = Array.from({ length: 12 }, (_, index) =>
    status(`${url}/genre-years?min_votes=${index}&format=${['csv', 'ndjson', 'parquet'][index % 3]}`),
  )
  const hanging = async () =>
    (
      await observer.query(
        "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
      )
    ).rowCount
  await until('one of them hangs', async () => (await hanging()) === 1)
  for (const page of ['years', 'companies', 'company-years?sort=-revenue']) t.equal(await status(`${url}/${page}`), 200)
  t.equal(await hanging(), 1, 'while they still hang')
  await locker.query('rollback')
  await Promise.all([locker.end(), observer.end()])
  t.strictSame([...new Set(await Promise.all(exports))], [200])
})

/** Of an answer that is read to its end, so that its connection is free. */
async function status(url: string): Promise<number> {
  const answer = await fetch(url)
  await answer.text()
  return answer.status
}

t.test('a server that is told to stop does not wait for connections that have said nothing', async (t) => {
  const house = await build(t)
  await house.app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect((house.app.server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  await until('the server knows it', async () => (await connections(house)) === 1)
  const startedAt = performance.now()
  await house.app.close()
  t.ok(performance.now() - startedAt < 5000)
  socket.destroy()
})

const connections = (house: House) =>
  new Promise<number>((resolve, reject) => {
    house.app.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
