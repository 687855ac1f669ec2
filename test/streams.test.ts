import { createHash } from 'node:crypto'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'csv-parse/sync'
import { sql } from 'kysely'
import pg from 'pg'
import t from 'tap'
import { keptBatches } from '../src/stream.ts'
import { ask, nextOf } from './ask.ts'
import { build } from './build.ts'
import { metadata } from './movies/sources.ts'
import { until } from './serve.ts'

const EXPORT = '/v1/movies/films'
const sha256 = (text: string) => `sha-256=${createHash('sha256').update(text).digest('base64')}`

t.test('whole results of 30,000 films', async (t) => {
  const house = await build(t, { POOL_SIZE: '3' })
  await house.subjects.get('movies')?.generate?.write({ out: house.folder, sizes: { films: 30_000 }, seed: 7 })
  const load = await house.load(house.folder)
  t.equal(load.state, 'published', load.error ?? '')
  const films = Number(load.row_counts.film)
  const url = await house.app.listen({ port: 0, host: '127.0.0.1' })
  const get = (path: string, headers: Record<string, string> = {}) => ask(url + path, { headers })

  // Looks on; not from within a transaction, where it would see the same sessions for ever.
  const admin = new pg.Client(house.databaseUrl)
  await admin.connect()
  t.teardown(() => admin.end())

  t.test('a CSV is RFC 4180, and its trailers prove that it is whole', async (t) => {
    for (const encoding of ['identity', 'gzip', 'br']) {
      const reply = await get(`${EXPORT}?format=csv`, { 'accept-encoding': encoding })
      t.equal(reply.status, 200)
      t.match(reply.headers, {
        'content-type': 'text/csv; charset=utf-8; header=present',
        'content-disposition': 'attachment; filename="movies-films.csv"',
        'transfer-encoding': 'chunked',
      })
      t.equal(reply.headers.trailer, 'Row-Count, Body-Digest')
      t.strictSame(reply.trailers, { 'row-count': String(films), 'body-digest': sha256(reply.text) })
      t.ok(reply.text.endsWith('\r\n'))
      const rows = parse(reply.text, { columns: true, recordDelimiter: '\r\n' }) as Record<string, string>[]
      t.equal(rows.length, films)
    }
  })

  t.test('CSV says what JSON says, with unknown as empty', async (t) => {
    const json = (await get(`${EXPORT}?limit=1000`)).json.data as Record<string, unknown>[]
    const csv = parse((await get(`${EXPORT}?format=csv&limit=1000`)).text, { columns: true }) as object[]
    const cell = (value: unknown) => (Array.isArray(value) ? value.join('|') : String(value ?? ''))
    t.strictSame(
      csv,
      json.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, cell(value)]))),
    )
    t.strictSame(Object.keys(csv[0] as object), Object.keys(json[0] as object))
  })

  t.test('NDJSON ends with a record that proves that it is whole, on a page too', async (t) => {
    for (const [query, rows] of [
      ['', films],
      ['&limit=20', 20],
      ['&year=1801', 0],
    ] as const) {
      const { text, status } = await get(`${EXPORT}?format=ndjson${query}`, { 'accept-encoding': 'gzip' })
      t.equal(status, 200)
      const cut = text.lastIndexOf('{"end"')
      t.strictSame(JSON.parse(text.slice(cut)), { end: true, rows, digest: sha256(text.slice(0, cut)) })
      t.equal(text.slice(0, cut).split('\n').length - 1, rows)
    }
  })

  t.test('pages of CSV lead on by their Link header', async (t) => {
    const whole = (await get(`${EXPORT}?format=csv&fields=film_id`)).text
    let joined = 'film_id\r\n'
    for (let path: string | undefined = `${EXPORT}?format=csv&fields=film_id&limit=4000`; path; ) {
      const page = await get(path)
      joined += page.text.replace('film_id\r\n', '')
      path = nextOf(page)
    }
    t.equal(joined, whole)
  })

  t.test('an export that is cut off never passes for a whole one', async (t) => {
    for (const format of ['csv', 'ndjson', 'parquet'])
      for (const encoding of ['identity', 'gzip', 'br']) {
        const broken = new Promise<Error | 'ended'>((resolve) => {
          const request = http.get(`${url}${EXPORT}?format=${format}`, {
            agent: false,
            headers: { 'accept-encoding': encoding },
          })
          request.on('error', resolve)
          request.on('response', (response) => {
            response.on('error', resolve)
            response.on('end', () => resolve('ended'))
            response.resume()
            void until(
              () => endStatements(admin),
              (ended) => ended > 0,
            )
          })
        })
        t.match(await broken, { code: 'ECONNRESET' }, `${format} as ${encoding}`)
      }
    t.equal((await get(EXPORT)).status, 200, 'and the server goes on')
  })

  t.test('an export that fails before its first row is a problem', async (t) => {
    const keeper = new pg.Client(house.databaseUrl)
    await keeper.connect()
    await keeper.query('begin; lock table movies.film in access exclusive mode')
    const asked = get(`${EXPORT}?format=csv&sort=title`, { 'accept-encoding': 'gzip' })
    await until(
      () => exporting(admin),
      (found) => found > 0,
    )
    await endStatements(admin)
    const reply = await asked
    await keeper.query('rollback')
    await keeper.end()
    t.equal(reply.status, 503)
    t.match(reply.headers, { 'content-type': /^application\/problem\+json/, 'retry-after': /^\d+$/ })
    t.notOk(reply.headers['content-disposition'] || reply.headers.trailer || reply.headers.etag)
    t.equal(reply.json.status, 503)
  })

  t.test('a client that leaves takes its statement with it', async (t) => {
    const keeper = new pg.Client(house.databaseUrl)
    await keeper.connect()
    const leave = async (path: string) => {
      const request = http.get(url + path, { agent: false }).on('error', () => {})
      request.on('response', (response) => response.on('error', () => {}).pause())
      await until(
        () => exporting(admin),
        (found) => found > 0,
      )
      request.destroy()
      return request
    }
    await leave(`${EXPORT}?format=csv`)
    await until(
      () => exporting(admin),
      (found) => found === 0,
      5,
    )
    // Behind a lock a statement lasts for ever, unless it is cancelled.
    await keeper.query('begin; lock table movies.film in access exclusive mode')
    for (const query of [
      '?sort=-title',
      '?format=csv&sort=title',
      '?format=ndjson&sort=title',
      '?format=parquet&sort=title',
    ]) {
      await leave(EXPORT + query)
      await until(
        () => exporting(admin),
        (found) => found === 0,
        5,
      )
    }
    await keeper.query('rollback')
    await keeper.end()
    t.equal((await get(`${EXPORT}?sort=-title`)).status, 200)
  })
})

const ACTIVE = `from pg_stat_activity
  where datname = current_database() and application_name in ('reelhouse reader', 'reelhouse exporter') and state <> 'idle'`

/** Statements of reports that are under way. */
const exporting = async (client: pg.Client) => Number((await client.query(`select count(*) ${ACTIVE}`)).rows[0].count)

const endStatements = async (client: pg.Client) =>
  Number((await client.query(`select pg_terminate_backend(pid) ${ACTIVE}`)).rowCount)

t.test('a whole result may take as long as its reader does, but not as long as the database likes', async (t) => {
  const house = await build(t, { STATEMENT_TIMEOUT_MS: '300' })
  const { id } = await house.load(await house.file('movies_metadata.csv', metadata([{ id: '1' }])))
  const { signal } = new AbortController()
  const numbers = (rows: string) =>
    keptBatches(house.warehouse, [id], (db) => db.selectFrom(sql`${sql.raw(rows)}`.as('numbers')).selectAll(), signal)
  let rows = 0
  for await (const batch of numbers('generate_series(1, 3500)')) {
    rows += batch.length
    await sleep(400)
  }
  t.equal(rows, 3500)
  await t.rejects(numbers('(select pg_sleep(5))').next(), { code: '57014' })
})
