import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { loadSubjects } from '../src/subjects.ts'
import { ask, type Reply } from './ask.ts'
import { ADMIN_TOKEN, temporaryFolder } from './build.ts'
import { type Served, serve, until } from './serve.ts'

const LOADS = '/v1/admin/loads'

const post = (house: Served, where: string, body?: object, token: string | undefined = ADMIN_TOKEN) =>
  ask(house.url + where, {
    method: 'POST',
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })

const ended = (house: Served, { headers }: Reply) =>
  until(
    async () => (await ask(house.url + headers.location)).json,
    ({ state }) => !['queued', 'running'].includes(state),
    60,
  )

const films = (count: number, more: object[] = []) =>
  JSON.stringify([
    ...Array.from({ length: count }, (_, n) => ({ Title: `Film ${n}`, 'Release Date': 'Jun 12 1998' })),
    ...more,
  ])

t.test('only admins may act', async (t) => {
  const house = await serve(t)
  for (const where of [LOADS, '/v1/admin/loads/1/publish', '/v1/admin/subjects/movies/rollback']) {
    const none = await post(house, where, { subject: 'movies' }, '')
    t.equal(none.status, 401)
    t.match(none.headers, { 'www-authenticate': 'Bearer', 'content-type': /^application\/problem\+json/ })
    const wrong = await post(house, where, { subject: 'movies' }, 'wrong-token-0123456789')
    t.equal(wrong.status, 401)
    t.match(wrong.headers['www-authenticate'], /invalid_token/)
    for (const authorization of [
      `Basic ${ADMIN_TOKEN}`,
      ADMIN_TOKEN,
      'Bearer',
      `Bearer ${ADMIN_TOKEN}x`,
      'Bearer  x y',
    ])
      t.equal((await ask(house.url + where, { method: 'POST', headers: { authorization } })).status, 401, authorization)
  }
  const unread = await ask(house.url + LOADS, {
    method: 'POST',
    body: '{"',
    headers: { 'content-type': 'application/json' },
  })
  t.equal(unread.status, 401, 'and what they sent is not even read')
  t.equal((await post(house, LOADS, { subject: 'no-such' })).status, 400, 'whoever has the token gets on')
})

t.test('named tokens tell who acted', async (t) => {
  const house = await serve(t, {
    ADMIN_TOKEN: undefined,
    ADMIN_TOKENS: 'ada:token-of-ada-0123456789,bob:token-of-bob-0123456789',
  })
  t.equal((await post(house, LOADS, { subject: 'x' }, 'token-of-ada-0123456789')).status, 400)
  t.equal((await post(house, LOADS, { subject: 'x' }, 'token-of-bob-0123456789')).status, 400)
  t.equal((await post(house, LOADS, { subject: 'x' })).status, 401)
})

t.test('without a configured token one is made, kept for its owner alone, and its place is printed', async (t) => {
  const house = await serve(t, { ADMIN_TOKEN: undefined })
  const file = path.join(house.folder, 'admin-token')
  t.equal((await stat(file)).mode & 0o777, 0o600)
  const token = (await readFile(file, 'utf8')).trim()
  t.match(token, /^[\w-]{32,}$/)
  await until(
    async () => house.output(),
    (output) => output.includes('admin-token'),
  )
  t.equal((await post(house, LOADS, { subject: 'x' }, token)).status, 400)
  t.notMatch(house.output(), token)
})

t.test('sources are where the server’s owner allows them, and nowhere else', async (t) => {
  const outside = await serve(t)
  const secret = path.join(outside.folder, 'movies.json')
  await writeFile(secret, films(2))
  const root = path.join(outside.folder, 'root')
  await mkdir(root)
  await symlink(secret, path.join(root, 'link.json'))
  await symlink(outside.folder, path.join(root, 'up'))
  await writeFile(path.join(root, 'movies.json'), films(2))
  await mkdir(path.join(outside.folder, 'root-not'))
  const house = await serve(t, { SOURCE_ROOTS: root, SOURCE_HOSTS: 'data.example' })
  for (const source of [
    secret,
    '/etc/passwd',
    '/etc/no-such-file',
    '.',
    '',
    `${root}/../movies.json`,
    `${root}/link.json`,
    `${root}/up`,
    `${root}/up/movies.json`,
    `${root}/up/no-such-file.json`,
    `${root}-not`,
    pathToFileURL(secret).href,
    'file:///etc/passwd',
    'file://data.example/etc/passwd',
    'http://169.254.169.254/latest',
    'https://data.example.evil.example/movies.json',
    's3://bucket/movies.json',
    `${root}\0/movies.json`,
  ]) {
    const reply = await post(house, LOADS, { subject: 'movies', source })
    t.equal(reply.status, source === '' ? 400 : 403, source)
    t.notMatch(reply.text, root, 'and where that is, is not told')
  }
  for (const source of [`${root}/movies.json`, pathToFileURL(`${root}/movies.json`).href, root]) {
    const reply = await post(house, LOADS, { subject: 'movies', source, format: 'vega-movies', force: true })
    t.equal(reply.status, 202, source)
    const load = await ended(house, reply)
    t.equal(load.state, 'published', load.error)
    t.notMatch(JSON.stringify(load), root)
  }
  t.equal((await post(outside, LOADS, { subject: 'movies', source: secret })).status, 403, 'by default nowhere')
})

t.test('a load is started, followed, published and taken back', async (t) => {
  const sample = (await loadSubjects()).get('movies')?.sample
  const house = await serve(t, { MOVIES_SOURCE: sample?.path() })
  const started = await post(house, LOADS, { subject: 'movies' })
  t.equal(started.status, 202)
  t.equal(started.headers.location, '/v1/loads/1')
  t.match(started.json, { id: 1, subject: 'movies', state: /queued|running/, trigger: 'admin', source: 'movies.json' })
  const again = await post(house, LOADS, { subject: 'movies' })
  t.equal(again.status, 409)
  t.match(again.json.detail, /\b1\b/)
  t.equal(again.headers.location, '/v1/loads/1')
  t.match(await ended(house, started), { state: 'published', row_counts: { film: 3200 } })

  t.match((await ended(house, await post(house, LOADS, { subject: 'movies' }))).state, 'unchanged')
  const held = await post(house, LOADS, { subject: 'movies', force: true, hold: true })
  t.match(await ended(house, held), { id: 3, state: 'held' })
  const dry = await post(house, LOADS, { subject: 'movies', force: true, dry_run: true })
  t.match(await ended(house, dry), { id: 4, state: 'checked' })

  t.test('publish and rollback move what readers see', async (t) => {
    const current = async () => (await ask(`${house.url}/v1/movies/years?limit=1`)).json.meta.load.id
    t.match((await post(house, '/v1/admin/loads/3/publish')).json, { subject: 'movies', load: 3 })
    await until(current, (id) => id === 3, 2)
    t.match((await post(house, '/v1/admin/subjects/movies/rollback')).json, { subject: 'movies', load: 1 })
    await until(current, (id) => id === 1, 2)
    t.equal((await post(house, '/v1/admin/subjects/movies/rollback')).status, 409, 'it never toggles')
    t.match((await post(house, '/v1/admin/subjects/movies/rollback', { to: 3 })).json, { load: 3 })
    await until(current, (id) => id === 3, 2)
    t.equal((await post(house, '/v1/admin/loads/3/publish')).status, 409)
    t.equal((await post(house, '/v1/admin/loads/4/publish', { force: true })).status, 409, 'a dry run left no rows')
    t.equal((await post(house, '/v1/admin/loads/99/publish')).status, 404)
    t.equal((await post(house, '/v1/admin/loads/x/publish')).status, 400)
    t.equal((await post(house, '/v1/admin/subjects/nothing/rollback')).status, 404)
  })

  t.test('what cannot be asked for is a 400 that says what can', async (t) => {
    for (const [body, parameter, says] of [
      [{}, 'subject', /./],
      [{ subject: 'no-such' }, 'subject', /movies/],
      [{ subject: '__proto__' }, 'subject', /movies/],
      [{ subject: 'movies', format: 'no-such' }, 'format', /vega-movies/],
      [{ subject: 'movies', mode: 'append' }, 'mode', /replace/],
      [{ subject: 'movies', hold: 'yes' }, 'hold', /boolean/],
      [{ subject: 'movies', colour: 'red' }, 'colour', /subject/],
    ] as const) {
      const { status, json } = await post(house, LOADS, body)
      t.equal(status, 400)
      t.match(json.errors, [{ parameter, detail: says }])
    }
    const unconfigured = await serve(t)
    t.match((await post(unconfigured, LOADS, { subject: 'movies' })).json, {
      status: 400,
      detail: /MOVIES_SOURCE/,
    })
  })

  t.test('the text of a reject is for admins only', async (t) => {
    const rejects = '/v1/loads/1/rejects'
    const open = await ask(house.url + rejects)
    t.match(open.json.data, [{ file: 'movies.json', line: 3054, severity: 'reject', reason: String }])
    t.notOk('raw' in open.json.data[0])
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
    t.type((await ask(house.url + rejects, { headers })).json.data[0].raw, 'string')
    t.equal(
      (await ask(`${house.url}${rejects}?format=csv`)).text.split('\r\n')[0],
      'file,line,code,severity,column,reason',
    )
    t.match((await ask(`${house.url}${rejects}?format=csv`, { headers })).text.split('\r\n')[0], /,reason,raw$/)
    t.equal((await ask(house.url + rejects, { headers: { authorization: 'Bearer wrong' } })).status, 401)
    t.notOk('sample' in (await ask(`${house.url}/v1/loads/1/checks`)).json.data[0])
    t.ok('sample' in (await ask(`${house.url}/v1/loads/1/checks`, { headers })).json.data[0])
  })

  t.notMatch(house.output(), ADMIN_TOKEN, 'no token is logged')
  t.match(house.output(), /"url":"\/v1\/admin\/loads"/, 'although requests are')
})

t.test('answers stay quick while a load of 45,000 films runs', async (t) => {
  const folder = await temporaryFolder(t)
  const [before, after] = [path.join(folder, 'before'), path.join(folder, 'after')]
  const subject = (await loadSubjects()).get('movies')
  await subject?.generate?.write({ out: before, sizes: { films: 3000 }, seed: 3 })
  await subject?.generate?.write({ out: after, sizes: { films: 45_000 }, seed: 3 })
  const house = await serve(t, { MOVIES_SOURCE: before, SOURCE_ROOTS: folder, LOG_LEVEL: 'warn' })
  await ended(house, await post(house, LOADS, { subject: 'movies' }))
  let n = 0
  const latency = async () => {
    const since = performance.now()
    // Another question each time, so that none is answered from memory.
    n += 1
    const reply = await ask(`${house.url}/v1/movies/company-years?company_id=${n}&limit=1`)
    if (reply.status !== 200) throw new Error(reply.text)
    return { took: performance.now() - since, load: reply.json.meta.load.id as number }
  }
  const measure = async (going: () => boolean) => {
    const found = []
    while (going()) found.push(await latency())
    const sorted = found.map(({ took }) => took).sort((a, b) => a - b)
    return { loads: found.map(({ load }) => load), typical: sorted[Math.floor(sorted.length * 0.95)] as number }
  }
  await measure(() => n < 100)
  const idle = await measure(() => n < 400)
  const started = await post(house, LOADS, { subject: 'movies', source: after })
  let running = true
  const load = ended(house, started).finally(() => {
    running = false
  })
  const busy = await measure(() => running)
  t.match(await load, { state: 'published', row_counts: { film: /^4[45]\d{3}$/ } })
  t.ok(busy.loads.length > 50, 'it was asked all the while')
  t.strictSame([...new Set(busy.loads)], busy.loads.includes(2) ? [1, 2] : [1], 'the old load, then the new')
  const bound = Math.max(idle.typical * 6, 50)
  t.ok(busy.typical < bound, `p95 of ${busy.typical.toFixed(1)} ms, ${idle.typical.toFixed(1)} ms without a load`)
})
