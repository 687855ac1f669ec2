import t from 'tap'
import { build, type House } from './build.ts'

/** A request that comes again to the letter is answered from what was found out before; nobody can tell, but by the time it takes. */

const csv = (revenue: number) =>
  `id,title,release_date,budget,revenue,production_companies,genres\n${[1, 2, 3]
    .map((id) => `${id},${'Film '.repeat(60)}${id},1995-01-0${id},1,${revenue},"[{'name': 'A', 'id': 3}]",[]`)
    .join('\n')}\n`

async function loaded(house: House, revenue: number) {
  const file = await house.file('movies_metadata.csv', csv(revenue))
  return await house.load(file, { format: 'the-movies-dataset' })
}

/** All that tells one answer from another; when it was made and how long it took does not. */
async function ask(house: House, url: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') {
  const answer = await house.app.inject({ method, url, headers })
  const { date: _, 'server-timing': timing, ...rest } = answer.headers
  return { timing, told: { status: answer.statusCode, headers: rest, body: answer.rawPayload.toString('base64') } }
}

t.test('the second answer is the first, to the letter', async (t) => {
  const house = await build(t, { CORS_ORIGINS: 'https://desk.example' })
  await loaded(house, 5)
  const asked: [url: string, headers: Record<string, string>][] = [
    ['/v1/movies/films', {}],
    ['/v1/movies/films', { 'accept-encoding': 'gzip' }],
    ['/v1/movies/films', { 'accept-encoding': 'br' }],
    ['/v1/movies/films', { accept: 'text/csv' }],
    ['/v1/movies/films?limit=2', {}],
    ['/v1/movies/films?limit=2&format=ndjson', { 'accept-encoding': 'gzip' }],
    ['/v1/movies/films?limit=2&format=parquet', {}],
    ['/v1/movies/films?as_of=1', {}],
    ['/v1/movies/films/2', {}],
    ['/v1/movies/company-years', { origin: 'https://desk.example' }],
    ['/v1/movies/company-years', {}],
  ]
  for (const [url, headers] of asked) {
    const first = await ask(house, url, headers)
    const second = await ask(house, url, headers)
    t.strictSame(second.told, first.told, `${url} ${JSON.stringify(headers)}`)
    if (!url.includes('limit') && headers.accept === undefined) t.equal(second.timing, 'cache;desc=hit')
  }
  const desk = await ask(house, '/v1/movies/company-years', { origin: 'https://desk.example' })
  t.equal(desk.told.headers['access-control-allow-origin'], 'https://desk.example')
  const nobody = await ask(house, '/v1/movies/company-years')
  t.notOk('access-control-allow-origin' in nobody.told.headers, 'nor is anybody told what another origin was')
  const head = await ask(house, '/v1/movies/films', {}, 'HEAD')
  t.strictSame([head.told.status, head.told.body], [200, ''])
})

t.test('whoever has it already is told so, first and second', async (t) => {
  const house = await build(t)
  await loaded(house, 5)
  const url = '/v1/movies/films?limit=1'
  const { told } = await ask(house, url)
  const etag = String(told.headers.etag)
  for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await ask(house, url, { 'if-none-match': tag })
    t.match(
      again.told,
      { status: 304, body: '', headers: { etag, vary: told.headers.vary, 'data-version': 'movies=1' } },
      tag,
    )
    t.notOk('link' in again.told.headers || 'content-type' in again.told.headers)
  }
  t.equal((await ask(house, url, { 'if-none-match': '"other"' })).told.status, 200)
})

t.test('never from a load that is no longer the published one', async (t) => {
  const house = await build(t)
  const revenue = async () => (await house.get('/v1/movies/films?limit=1')).body.data[0].revenue
  await loaded(house, 5)
  t.strictSame([await revenue(), await revenue()], [5, 5])
  await loaded(house, 7)
  t.strictSame([await revenue(), await revenue()], [7, 7])
  const headers = { authorization: 'Bearer token-of-the-tests-0123456789' }
  await house.app.inject({ method: 'POST', url: '/v1/admin/subjects/movies/rollback', headers })
  t.strictSame([await revenue(), await revenue()], [5, 5])
})

t.test('what is wrong stays wrong, and what an admin sees is for admins', async (t) => {
  const house = await build(t)
  await loaded(house, 5)
  for (const url of ['/v1/movies/films?no=1', '/v1/movies/films?limit=x'])
    for (const _ of [1, 2]) t.equal((await ask(house, url)).told.status, 400)
  const url = '/v1/movies/films?explain=true'
  const admin = { authorization: 'Bearer token-of-the-tests-0123456789' }
  const plan = async (headers: Record<string, string>) =>
    'plan' in JSON.parse(Buffer.from((await ask(house, url, headers)).told.body, 'base64').toString()).data
  t.strictSame([await plan(admin), await plan({}), await plan(admin), await plan({})], [true, false, true, false])
})
