import { sql } from 'kysely'
import t from 'tap'
import { findings } from '../ingest/check-kinds.ts'
import type { Check } from '../ingest/checks.ts'
import { ADMIN_TOKEN, build } from './build.ts'

const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }

/** So many films, each of a title of its own. */
const films = (count: number, more: (index: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, index) => ({
    Title: `Film ${index}`,
    'Release Date': 'Jun 12 1998',
    ...more(index),
  }))

t.test('each kind of check finds what breaks its claim, and says how much of it there is', async (t) => {
  const house = await build(t)
  await house.load(
    await house.file(
      'movies.json',
      JSON.stringify(films(250, (index) => (index < 120 ? { 'Release Date': null } : {}))),
    ),
  )
  const of = { name: 'x', claim: 'x', severity: 'warn', table: 'film' } as const
  const scope = {
    loadId: 1,
    fileDate: '1998-12-31',
    dataThrough: '1998-06-12',
    mode: 'replace',
    replay: false,
    rowCounts: { film: 250 },
  } as const
  const found = async (check: Check, at: object = {}) =>
    (await findings(check, 'movies', { ...scope, ...at }).execute(house.warehouse.writer)).rows[0]
  await sql`update movies.film set status = case when film_id < 4 then 'Lost' else 'Released' end,
                                   imdb_id = case when film_id in (5, 6) then 'tt0' else 'tt' || film_id end`.execute(
    house.warehouse.writer,
  )

  const undated = await found({ ...of, kind: 'not_null', column: 'release_date' })
  t.match(undated, { failing: 120, observed: '120 rows' })
  t.equal(undated?.sample.length, 100, 'the first hundred are kept')
  t.match(undated?.sample[0], { film_id: 1, title: String, release_date: null })
  t.match(await found({ ...of, kind: 'not_null', column: 'title' }), { failing: 0, sample: [] })
  t.match(await found({ ...of, kind: 'unique', columns: ['imdb_id'] }), {
    failing: 2,
    sample: [{ film_id: 5 }, { film_id: 6 }],
  })
  t.match(await found({ ...of, kind: 'unique', columns: ['film_id', 'imdb_id'] }), { failing: 0 })
  t.match(await found({ ...of, kind: 'accepted_values', column: 'status', values: ['Released'] }), {
    failing: 3,
    sample: [{ film_id: 1, status: 'Lost' }, { film_id: 2 }, { film_id: 3 }],
  })
  const to = { table: 'reelhouse.load_file', columns: ['load_id', 'file_no'] }
  const relationship = {
    ...of,
    kind: 'relationship',
    columns: ['source_load_id', 'source_file_no'],
    to,
  } satisfies Check
  t.match(await found(relationship), { failing: 0 })
  await sql`update movies.film set source_file_no = 7 where film_id = 9`.execute(house.warehouse.writer)
  t.match(await found(relationship), { failing: 1, sample: [{ film_id: 9, source_file_no: 7 }] })
  t.match(await found({ ...of, kind: 'plausibility', breaks: () => sql`film_id > 248` }), { failing: 2 })
  t.match(await found({ ...of, kind: 'row_count', min: 250 }), { failing: 0, observed: '250 rows' })
  t.match(await found({ ...of, kind: 'row_count', min: 251 }), { failing: 1 })
  t.match(await found({ ...of, kind: 'freshness', maxDays: 202 }), {
    failing: 0,
    observed: 'data through 1998-06-12, file of 1998-12-31',
  })
  t.match(await found({ ...of, kind: 'freshness', maxDays: 201 }), { failing: 1 })
  t.match(await found({ ...of, kind: 'freshness', maxDays: 201 }, { dataThrough: null }), {
    failing: 1,
    observed: 'no dated rows',
  })
  t.match(await found({ ...of, kind: 'conservation' }), {
    failing: 0,
    observed: '250 read = 250 loaded + 0 rejected + 0 duplicate + 0 unmatched',
  })
  t.match(await found({ ...of, kind: 'conservation' }, { loadId: 99 }), { failing: 1, observed: 'nothing read' })
})

t.test(
  'a load with 5 % fewer films than the last of its source is published, one with less is blocked until forced',
  async (t) => {
    const house = await build(t)
    const load = async (count: number, request: object = {}) =>
      await house.load(await house.file('movies.json', JSON.stringify(films(count))), request)
    const volume = async (id: number) =>
      (await house.get(`/v1/loads/${id}/checks`)).body.data.find(({ kind }: { kind: string }) => kind === 'volume')
    await load(300, { trigger: 'sample' })
    t.match(await load(100), { state: 'published' }, 'the sample is no month’s data')
    t.match(await volume(2), { passed: true, observed: '100 rows, the first load of this source' })
    t.match(await load(95), { state: 'published' })
    t.match(await volume(3), { passed: true, failing: 0, observed: '95 rows, 100 in load 2' })
    t.match(await load(90), { state: 'blocked' })
    t.match(await volume(4), { passed: false, severity: 'error', observed: '90 rows, 95 in load 3' })
    t.match(await load(90, { mode: 'merge', force: true }), { state: 'published' }, 'a merge has any number')
    t.equal(await volume(5), undefined)
    t.match(
      await house.load(await house.file('other/movies.json', JSON.stringify(films(10)))),
      { state: 'published' },
      'another source',
    )
    t.match(await load(89), { state: 'blocked' }, 'against the last one that was published and whole')
    t.match(await volume(7), { observed: '89 rows, 95 in load 3' })

    const publish = (body?: object) =>
      house.app.inject({
        method: 'POST',
        url: '/v1/admin/loads/4/publish',
        headers,
        ...(body ? { payload: body } : {}),
      })
    t.match(await publish(), { statusCode: 409, body: /Load 4 is blocked by its checks/ })
    t.match(await publish({ force: true }), { statusCode: 200 })
    const { data } = JSON.parse((await house.app.inject({ url: '/v1/admin/audit?load=4', headers })).body)
    t.match(data[0], { actor: 'admin', action: 'publish', load: 4, detail: { although: 'blocked' } })
    t.match(await load(88), { state: 'published' }, 'what was published by force is what the next is held against')
  },
)

t.test('offending rows are kept with the load and shown to admins', async (t) => {
  const house = await build(t)
  await house.load(
    await house.file(
      'movies.json',
      JSON.stringify(films(3, (index) => (index === 1 ? { 'Production Budget': 5 } : {}))),
    ),
  )
  const named = async (options: object) =>
    JSON.parse((await house.app.inject({ url: '/v1/loads/1/checks', ...options })).body).data.find(
      ({ name }: { name: string }) => name === 'film_suspect',
    )
  t.match(await named({ headers }), {
    kind: 'plausibility',
    severity: 'warn',
    passed: false,
    failing: 1,
    sample: [{ title: 'Film 1', budget: 5, suspect: ['budget_under_1000'] }],
  })
  t.notOk('sample' in (await named({})))
})
