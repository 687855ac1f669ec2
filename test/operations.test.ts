import os from 'node:os'
import path from 'node:path'
import { sql } from 'kysely'
import t from 'tap'
import { rollBack } from '../ingest/publish.ts'
import { ask } from './ask.ts'
import { ADMIN_TOKEN, build } from './build.ts'
import { type Served, serve, until } from './serve.ts'

/** What admins do around loads: asked twice, done once; and who did it. */

const films = (...titles: string[]) => JSON.stringify(titles.map((Title) => ({ Title, 'Release Date': 'Jun 12 1998' })))

const post = (house: Served, where: string, body: object, key?: string, token = ADMIN_TOKEN) =>
  ask(`${house.url}/v1/admin/${where}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    body: JSON.stringify(body),
  })

const ended = (house: Served, id: number) =>
  until(
    async () => (await ask(`${house.url}/v1/loads/${id}`)).json,
    ({ state }) => !/queued|running/.test(state),
  )

t.test('a request that is sent again under its key starts nothing, whatever has become of the first', async (t) => {
  const house = await serve(t, {
    ADMIN_TOKEN: undefined,
    ADMIN_TOKENS: `ada:${ADMIN_TOKEN},bob:token-of-bob-0123456789`,
    SOURCE_ROOTS: os.tmpdir(),
  })
  const { writeFile } = await import('node:fs/promises')
  const source = path.join(house.folder, 'movies.json')
  await writeFile(source, films('One'))
  const asked = { subject: 'movies', source }

  const together = await Promise.all(Array.from({ length: 8 }, () => post(house, 'loads', asked, 'monday')))
  t.strictSame([...new Set(together.map(({ status }) => status))], [202])
  t.strictSame([...new Set(together.map(({ json }) => json.id))], [1])
  t.equal(together.filter(({ headers }) => headers['idempotent-replayed']).length, 7, 'one of eight has started it')
  t.match(await ended(house, 1), { state: 'published' })
  const late = await post(house, 'loads', asked, 'monday')
  t.match(late, { status: 202, headers: { location: '/v1/loads/1' } })
  t.match(late.json, { id: 1, state: 'published' }, 'the load as it is now')

  t.match((await post(house, 'loads', { ...asked, hold: true }, 'monday')).json, {
    status: 422,
    detail: /The Idempotency-Key was used for another request, which started load 1/,
  })
  const other = await post(house, 'loads', { ...asked, force: true }, 'monday', 'token-of-bob-0123456789')
  t.match(other.json, { id: 2 }, 'keys are each admin’s own')
  t.match(await ended(house, 2), { state: 'published' })
  t.match((await post(house, 'loads', { ...asked, force: true }, 'tuesday')).json, { id: 3 })
  t.match(await ended(house, 3), { state: 'published' })
  for (const key of ['', 'a b', 'ü', 'x'.repeat(256)])
    t.equal((await post(house, 'loads', asked, key).catch(() => ({ status: 400 }))).status, 400, JSON.stringify(key))

  const audit = async (query = '') =>
    (await ask(`${house.url}/v1/admin/audit${query}`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).json
      .data
  t.match(await audit(), [
    { actor: 'ada', action: 'load', load: 3, detail: { force: true, source: 'movies.json' } },
    { actor: 'bob', action: 'load', load: 2 },
    { actor: 'ada', action: 'load', load: 1, at: /Z$/ },
  ])
  t.equal((await audit()).length, 3, 'what was refused or sent again is no deed')
  await house.run('rollback', 'movies')
  t.match(await audit('?limit=1'), [{ actor: /^cli:/, action: 'rollback', load: 2, detail: { from: 3 } }])
  t.equal((await audit('?subject=music')).length, 0)
  t.equal((await ask(`${house.url}/v1/admin/audit`)).status, 401)
  t.notMatch(JSON.stringify(await audit()), house.folder, 'folders stay at home')
})

t.test('a key whose request was refused can be used again', async (t) => {
  const house = await serve(t, { SOURCE_ROOTS: os.tmpdir() })
  const { writeFile } = await import('node:fs/promises')
  const source = path.join(house.folder, 'movies.json')
  await writeFile(source, films('One'))
  t.equal((await post(house, 'loads', { subject: 'movies', source: '/etc/passwd' }, 'k')).status, 403)
  t.equal((await post(house, 'loads', { subject: 'movies', source }, 'k')).status, 202)
  const busy = await post(house, 'loads', { subject: 'movies', source }, 'other')
  if (busy.status === 409) {
    await ended(house, 1)
    t.equal((await post(house, 'loads', { subject: 'movies', source }, 'other')).json.id, 2)
  }
})

t.test('a schedule does not bring back what somebody took back, held, or saw blocked', async (t) => {
  const house = await build(t)
  const db = house.warehouse.writer
  const scheduled = (source: string) => house.load(source, { trigger: 'schedule', actor: 'schedule' })
  const first = await house.file('a/movies.json', films('One'))
  const second = await house.file('b/movies.json', films('Two'))
  const third = await house.file('c/movies.json', films('Three'))
  t.match(await scheduled(first), { state: 'published' })
  t.match(await scheduled(first), { state: 'unchanged', notes: ['the same files as load 1, which is published'] })
  t.match(await scheduled(second), { state: 'published' })
  await rollBack(db, 'movies', { actor: 'test' })
  t.match(await scheduled(second), { state: 'unchanged', notes: ['the same files as load 3, which was rolled back'] })
  t.match(await house.load(second), { state: 'published' }, 'a person may')
  t.match(await scheduled(first), { state: 'published' }, 'what was replaced, and not taken back, may come again')

  t.match(await house.load(third, { hold: true }), { state: 'held' })
  t.match(await scheduled(third), { state: 'unchanged', notes: ['the same files as load 7, which is held'] })
  await sql`update reelhouse.load set state = 'blocked' where load_id = 7`.execute(db)
  t.match(await scheduled(third), { state: 'unchanged', notes: ['the same files as load 7, which is blocked'] })
})

t.test('publications keep their order when the clock goes backwards', async (t) => {
  const house = await build(t)
  const db = house.warehouse.writer
  for (const title of ['One', 'Two']) await house.load(await house.file(`${title}/movies.json`, films(title)))
  // As if the clock had been an hour ahead when the second was published.
  await sql`update reelhouse.publication set at = at + interval '1 hour' where load_id = 2`.execute(db)
  await house.load(await house.file('Three/movies.json', films('Three')))
  const { rows } = await sql<{ load_id: number; later: boolean }>`
    select load_id, at > lag(at, 1, '-infinity') over (order by publication_id) as later
    from reelhouse.publication order by publication_id`.execute(db)
  t.strictSame(
    rows,
    [1, 2, 3].map((load_id) => ({ load_id, later: true })),
  )
  t.equal((await house.get('/v1/movies/years')).body.meta.load.id, 3)
})
