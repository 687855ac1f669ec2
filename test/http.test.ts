import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { ask, askRaw, nextOf, type Reply } from './ask.ts'
import { build, type House } from './build.ts'

const REPORT = '/v1/movies/years'

async function listening(t: Test, settings?: Record<string, string>): Promise<House & { url: string }> {
  const house = await build(t, settings)
  const sample = house.subjects.get('movies')?.sample
  await house.load(sample?.path() as string, { trigger: 'sample', format: sample?.format })
  return Object.assign(house, { url: await listen(house.app) })
}

const listen = (app: FastifyInstance) => app.listen({ port: 0, host: '127.0.0.1' })

/** Every error has this shape, and tells nothing of what is inside. */
function isProblem(t: Test, reply: Pick<Reply, 'status' | 'text' | 'headers'>, status: number): void {
  t.equal(reply.status, status, reply.text)
  t.match(reply.headers['content-type'], /^application\/problem\+json/)
  const problem = JSON.parse(reply.text)
  t.match(problem, { type: 'about:blank', title: /\w/, status, detail: /\w/, instance: /\w/ })
  t.notMatch(reply.text, /select |from movies|\bat .*\.[jt]s:|\/node_modules\/|"\/(home|root|tmp|work)/i)
  t.notOk(reply.headers.etag, 'a problem has no ETag')
}

t.test('a warehouse that holds the sample', async (t) => {
  const house = await listening(t)
  const get = (path: string, headers: Record<string, string> = {}) => ask(house.url + path, { headers })

  t.test('an ETag is strong, and differs by query, format and encoding', async (t) => {
    const etags = await Promise.all(
      [
        get(REPORT),
        get(`${REPORT}?from=1990`),
        get(`${REPORT}?limit=5`),
        get(`${REPORT}?sort=-year`),
        get(`${REPORT}?fields=year`),
        get(`${REPORT}?count=exact`),
        get(`${REPORT}?format=csv`),
        get(`${REPORT}?format=csv&limit=100`),
        get(`${REPORT}?format=ndjson`),
        get(`${REPORT}?format=parquet`),
        get(`${REPORT}?format=parquet&limit=100`),
        get(REPORT, { 'accept-encoding': 'gzip' }),
        get(REPORT, { 'accept-encoding': 'br' }),
        get('/v1/movies/genre-years'),
      ].map(async (reply) => (await reply).headers.etag),
    )
    t.ok(
      etags.every((etag) => /^"[\w-]+"$/.test(etag ?? '')),
      'each is strong',
    )
    t.equal(new Set(etags).size, etags.length)
  })

  t.test('requests that mean the same have the same ETag', async (t) => {
    const same = [
      '?from=1990&to=1995',
      '?to=1995&from=1990',
      '?from=1990&to=1995&limit=100&sort=period&format=json',
      '?from=1990&to=1995&exclude_suspect=false',
    ]
    const etags = await Promise.all(same.map(async (query) => (await get(REPORT + query)).headers.etag))
    t.strictSame(new Set(etags).size, 1, etags.join(' '))
    const ids = await Promise.all(
      ['2,1', '1,2', '1,2,2'].map(async (list) => (await get(`${REPORT}?genre_id=${list}`)).headers.etag),
    )
    t.strictSame(new Set(ids).size, 1)
  })

  t.test('what is unchanged is a 304 that asks no database', async (t) => {
    const first = await get(`${REPORT}?from=2001`)
    const etag = String(first.headers.etag)
    const before = await statements(house)
    for (const asked of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const reply = await get(`${REPORT}?from=2001`, { 'if-none-match': asked })
      t.equal(reply.status, 304)
      t.equal(reply.body.length, 0)
      t.match(reply.headers, { etag, 'cache-control': 'public, no-cache', 'data-version': 'movies=1', vary: /accept/ })
    }
    const head = await ask(`${house.url}${REPORT}?from=2001`, { method: 'HEAD', headers: { 'if-none-match': etag } })
    t.equal(head.status, 304)
    t.equal(await statements(house), before)
    t.equal((await get(`${REPORT}?from=2001`, { 'if-none-match': '"other"' })).status, 200)
  })

  t.test('what was asked before is answered from memory', async (t) => {
    const first = await get(`${REPORT}?from=2002`)
    t.match(first.headers['server-timing'], /^db;dur=/)
    const before = await statements(house)
    const again = await get(`${REPORT}?from=2002`)
    t.equal(again.headers['server-timing'], 'cache;desc=hit')
    t.equal(again.text, first.text)
    t.equal(await statements(house), before)
  })

  t.test('a client is told how long an answer holds, and of which load it is', async (t) => {
    const current = await get(REPORT)
    t.match(current.headers, {
      'cache-control': 'public, no-cache',
      'data-version': 'movies=1',
      'content-type': 'application/json; charset=utf-8',
    })
    const varies = String(current.headers.vary).toLowerCase()
    t.match(varies, /accept\b/)
    t.match(varies, /accept-encoding/)
    t.equal(
      (await get(`${REPORT}?as_of=1`)).headers['cache-control'],
      'public, max-age=31536000, immutable',
      'a load by its number never changes',
    )
    t.equal((await get('/v1/movies/films/999999999?as_of=1')).headers['cache-control'], 'no-store')
  })

  t.test('the Link header leads through all pages, in the format that was asked for', async (t) => {
    const whole = await get(`${REPORT}?limit=1000`)
    const joined: unknown[] = []
    let pages = 0
    for (let path: string | undefined = `${REPORT}?limit=30`; path; pages += 1) {
      const page = await get(path)
      t.equal(page.status, 200)
      joined.push(...page.json.data)
      t.equal(page.json.meta.complete, nextOf(page) === undefined)
      path = nextOf(page)
    }
    t.equal(pages, Math.ceil(whole.json.data.length / 30))
    t.strictSame(joined, whole.json.data)
    // The first answer is kept, and serves the second request too; its link must be the second one's.
    const byHeader = await get(`${REPORT}?limit=7`, { accept: 'text/csv' })
    const byParameter = await get(`${REPORT}?format=csv&limit=7`)
    t.equal(byParameter.headers.etag, byHeader.headers.etag)
    t.match(nextOf(byParameter), /format=csv/)
    t.notMatch(nextOf(byHeader), /format=csv/)
  })

  t.test('answers come packed when the client takes them so', async (t) => {
    const paths = [REPORT, `${REPORT}?format=csv`, `${REPORT}?format=ndjson`, '/v1', '/openapi.json', '/openapi.yaml']
    paths.push('/v1/loads/1/rejects?format=csv')
    for (const path of paths) {
      const plain = await get(path)
      t.notOk(plain.headers['content-encoding'])
      for (const encoding of ['gzip', 'br']) {
        const packed = await get(path, { 'accept-encoding': encoding })
        t.equal(packed.status, 200)
        t.equal(packed.headers['content-encoding'], encoding, `${path} comes as ${encoding}`)
        t.equal(packed.text, plain.text)
        t.match(String(packed.headers.vary).toLowerCase(), /accept-encoding/)
      }
    }
    const preferred = await get(REPORT, { 'accept-encoding': 'gzip;q=0.5, identity' })
    t.notOk(preferred.headers['content-encoding'], 'the client’s preference counts')
    t.notOk((await get(REPORT, { 'accept-encoding': 'deflate' })).headers['content-encoding'])
    const best = await get(REPORT, { 'accept-encoding': 'gzip, deflate, br' })
    t.equal(best.headers['content-encoding'], 'br')
  })

  t.test('HEAD says what GET would say', async (t) => {
    const paths = [REPORT, `${REPORT}?format=csv`, `${REPORT}?format=ndjson`, '/v1', '/v1/loads/1', '/livez', '/readyz']
    paths.push('/v1/movies/films/999999999', '/v1/loads/1/rejects?format=csv')
    for (const path of paths) {
      const [head, whole] = await Promise.all([ask(house.url + path, { method: 'HEAD' }), get(path)])
      t.equal(head.status, whole.status, path)
      t.equal(head.body.length, 0)
      for (const name of ['etag', 'cache-control', 'content-type', 'data-version', 'content-length', 'trailer', 'vary'])
        t.equal(head.headers[name], whole.headers[name], `${name} of ${path}`)
    }
  })

  t.test('a path says which methods it takes', async (t) => {
    const options = await ask(house.url + REPORT, { method: 'OPTIONS' })
    t.equal(options.status, 204)
    t.equal(options.headers.allow, 'GET, HEAD, OPTIONS')
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'TRACE']) {
      const reply = await ask(house.url + REPORT, { method, headers: { 'content-type': 'text/plain' } })
      isProblem(t, reply, 405)
      t.equal(reply.headers.allow, 'GET, HEAD, OPTIONS')
    }
    const long = await ask(house.url + REPORT, { method: 'PUT', body: 'x'.repeat(100_000) })
    isProblem(t, long, 405)
    const admin = await get('/v1/admin/loads')
    isProblem(t, admin, 405)
    t.equal(admin.headers.allow, 'OPTIONS, POST')
  })

  t.test('what cannot be answered is problem+json that says why', async (t) => {
    isProblem(t, await get('/v1/movies/no-such-report'), 404)
    isProblem(t, await get('/nothing'), 404)
    isProblem(t, await get('/v1/movies/films/999999999'), 404)
    isProblem(t, await get('/v1/movies/films/999999999', { 'if-none-match': '*' }), 404)
    isProblem(t, await get(REPORT, { accept: 'image/png' }), 406)
    isProblem(t, await get(`${REPORT}?from=abc`), 400)
    const post = (body: string, type: string) =>
      ask(`${house.url}/v1/admin/loads`, {
        method: 'POST',
        body,
        headers: { 'content-type': type, authorization: `Bearer ${house.config.adminTokens[0]?.token}` },
      })
    isProblem(t, await post('{"subject": ', 'application/json'), 400)
    isProblem(t, await post('subject=movies', 'text/plain'), 415)
    isProblem(t, await post(JSON.stringify({ subject: 'x'.repeat(100_000) }), 'application/json'), 413)
    isProblem(t, await post('{"__proto__": {"subject": "movies"}}', 'application/json'), 400)
    isProblem(t, await post('[]', 'application/json'), 400)
  })

  t.test('what is not HTTP, or too long, is problem+json too', async (t) => {
    for (const [bytes, status] of [
      ['NONSENSE\r\n\r\n', 400],
      ['GET /v1 HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n', 400],
      [`GET /v1?q=${'x'.repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`, 431],
      [`GET /v1 HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
      ['GET /v1/%zz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n', 400],
    ] as const) {
      const [head = '', text = ''] = (await askRaw(house.url, bytes)).split('\r\n\r\n')
      const [, type = ''] = /content-type: (.*)/i.exec(head) ?? []
      isProblem(t, { status: Number(head.split(' ')[1]), text, headers: { 'content-type': type } }, status)
    }
  })
})

t.test('by default any origin may read', async (t) => {
  const house = await listening(t)
  const simple = await ask(house.url + REPORT, { headers: { origin: 'https://a.example' } })
  t.equal(simple.headers['access-control-allow-origin'], '*')
  t.match(simple.headers['access-control-expose-headers'], /etag.*link/i)
  const preflight = await ask(`${house.url}/v1/admin/loads`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://a.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, content-type',
    },
  })
  t.equal(preflight.status, 204)
  t.match(preflight.headers, {
    'access-control-allow-methods': /POST/,
    'access-control-allow-headers': /authorization/,
    'access-control-max-age': '600',
  })
})

t.test('CORS_ORIGINS names those who may, and caches keep them apart', async (t) => {
  const house = await listening(t, { CORS_ORIGINS: 'https://a.example,https://b.example' })
  const from = (origin: string) => ask(house.url + REPORT, { headers: { origin } })
  t.equal((await from('https://b.example')).headers['access-control-allow-origin'], 'https://b.example')
  const stranger = await from('https://evil.example')
  t.notOk(stranger.headers['access-control-allow-origin'])
  t.match(stranger.headers.vary, /origin/i)
  t.match(stranger.headers.vary, /accept-encoding/i)
})

/** Which statement each of the server's connections ran last, and when: unchanged as long as none runs any. */
async function statements({ warehouse }: House): Promise<string> {
  const observer = await warehouse.connect('observer')
  const { rows } = await observer.query<{ ran: string }>(`
    select string_agg(pid || ' ' || query_start, ',' order by pid) as ran from pg_stat_activity
    where datname = current_database() and application_name like 'reelhouse%'`)
  await observer.end()
  return String(rows[0]?.ran)
}
