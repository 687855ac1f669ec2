import t from 'tap'
import { ADMIN_TOKEN, build } from '../build.ts'

/** Rejected records, read again. */

const COLUMNS = 'id,title,release_date,budget,revenue,popularity,production_companies,genres'
const REST =
  'original_title,imdb_id,status,original_language,runtime,vote_average,vote_count,overview,tagline,homepage,poster_path,belongs_to_collection,production_countries,spoken_languages'
const line = (id: string, title: string, budget: string) =>
  `${id},${title},1998-06-12,${budget},,,[],[]${','.repeat(14)}`
const csv = (...lines: string[]) => `${[`${COLUMNS},${REST}`, ...lines].join('\n')}\n`

const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }

async function scene(t: Parameters<typeof build>[0], text: string) {
  const house = await build(t)
  const load = await house.load(await house.file('movies_metadata.csv', text))
  const replay = (id: number, body?: object) =>
    house.app.inject({
      method: 'POST',
      url: `/v1/admin/loads/${id}/replay`,
      headers,
      ...(body ? { payload: body } : {}),
    })
  /** Replays, and waits for how it ends. */
  const replayed = async (id: number, body?: object) => {
    const answer = await replay(id, body)
    t.equal(answer.statusCode, 202, answer.body)
    const { id: made } = JSON.parse(answer.body)
    for (;;) {
      const { body } = await house.get(`/v1/loads/${made}`)
      if (!/queued|running/.test(body.state)) return body
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  return { house, load, replay, replayed }
}

t.test('a rejected record whose text is mended comes into what readers see, with its line', async (t) => {
  const { house, load, replayed } = await scene(
    t,
    csv(line('1', 'One', '1000'), line('2', '', '2000'), line('3', 'Three', '3000'), '4,Four'),
  )
  t.match(load.files, [{ read: 4, loaded: 2, rejected: 2 }])
  const mended = [{ file: 'movies_metadata.csv', line: 3, raw: line('2', 'Two', '2000') }]
  const again = await replayed(load.id, { mended })
  t.match(again, {
    state: 'published',
    mode: 'merge',
    replay_of: load.id,
    trigger: 'admin',
    files: [{ name: 'movies_metadata.csv', read: 2, loaded: 1, rejected: 1 }],
    row_counts: { film: 3 },
  })
  const { body } = await house.get('/v1/movies/films?fields=film_id,title,budget,source_line,load_id,source_load_id')
  t.strictSame(body.data, [
    { film_id: 1, title: 'One', budget: 1000, source_line: 2, load_id: 2, source_load_id: 1 },
    { film_id: 2, title: 'Two', budget: 2000, source_line: 3, load_id: 2, source_load_id: 1 },
    { film_id: 3, title: 'Three', budget: 3000, source_line: 4, load_id: 2, source_load_id: 1 },
  ])
  t.match((await house.get(`/v1/loads/${again.id}/rejects?severity=reject`)).body.data, [
    { line: 5, code: 'wrong_field_count' },
  ])
  const { body: audit } = await house.get('/v1/loads/1')
  t.equal(audit.state, 'superseded')
  const deeds = JSON.parse((await house.app.inject({ url: '/v1/admin/audit', headers })).body).data
  t.match(deeds[0], { actor: 'admin', action: 'replay', load: again.id, detail: { of: 1, mended: 1 } })
})

t.test('what still cannot be read makes no new load', async (t) => {
  const { house, load, replayed } = await scene(t, csv(line('1', 'One', '1000'), line('2', '', '2000')))
  t.match(await replayed(load.id), {
    state: 'unchanged',
    notes: ['none of the records that load 1 rejected can be read yet'],
    files: [{ read: 1, rejected: 1 }],
  })
  t.equal((await house.get('/v1/movies/years')).body.meta.load.id, load.id)
})

t.test('a film that was read later stays as it is', async (t) => {
  const { house, load, replayed } = await scene(
    t,
    // The third line is a later record of the film that the second would be.
    csv(line('1', '', '111'), line('1', 'Later', '1000'), line('2', '', '2000')),
  )
  const text = (at: number, id: string) => ({ file: 'movies_metadata.csv', line: at, raw: line(id, 'Mended', '5') })
  const again = await replayed(load.id, { mended: [text(2, '1'), text(4, '2')] })
  t.match(again, { state: 'published', files: [{ read: 2, loaded: 1, duplicate: 1, rejected: 0 }] })
  const { body } = await house.get('/v1/movies/films?fields=film_id,title')
  t.strictSame(body.data, [
    { film_id: 1, title: 'Later' },
    { film_id: 2, title: 'Mended' },
  ])
  t.match((await house.get(`/v1/loads/${again.id}/rejects?severity=duplicate`)).body.data, [
    { line: 2, code: 'superseded', reason: 'film 1 was read later, at line 3 of load 1; that one is kept' },
  ])

  // Nor does a load that came after the rejected line lose anything.
  await house.load(await house.file('next/movies_metadata.csv', csv(line('2', 'Next month', '7'))), { mode: 'merge' })
  const late = await replayed(load.id, { mended: [text(4, '2')] })
  t.match(late.files, [{ read: 2, loaded: 0, duplicate: 1, rejected: 1 }])
  t.match((await house.get('/v1/movies/films/2')).body.data, { title: 'Next month', source_load_id: 3 })
})

t.test('a replay that cannot be is refused', async (t) => {
  const { house, load, replay, replayed } = await scene(t, csv(line('1', 'One', '1000'), line('2', '', '2000')))
  t.match(await replay(99), { statusCode: 404 })
  const clean = await house.load(await house.file('b/movies_metadata.csv', csv(line('1', 'One', '1000'))))
  t.match(await replay(clean.id), { statusCode: 409, body: /Load 2 rejected nothing/ })
  t.match(await replay(load.id, { mended: [{ file: 'x', line: 0, raw: 'x' }] }), { statusCode: 400 })
  const lost = [{ file: 'movies_metadata.csv', line: 2, raw: line('9', 'Nine', '1') }]
  t.match(await replayed(load.id, { mended: lost }), {
    state: 'failed',
    error: 'load 1 rejected nothing at line 2 of movies_metadata.csv',
  })
  const two = [{ file: 'movies_metadata.csv', line: 3, raw: `${line('8', 'Eight', '1')}\n${line('9', 'Nine', '1')}` }]
  const again = await replayed(load.id, { mended: two })
  t.equal(again.state, 'unchanged')
  t.match((await house.get(`/v1/loads/${again.id}/rejects`)).body.data, [{ line: 3, code: 'not_one_record' }])
})

t.test('records of a JSON file are replayed as well', async (t) => {
  const house = await build(t)
  const films = [
    { Title: 'One', 'Release Date': 'Jun 12 1998' },
    { 'Release Date': 'Jun 12 1998', 'US Gross': 5 },
  ]
  const load = await house.load(await house.file('movies.json', JSON.stringify(films)))
  const { body: before } = await house.get(`/v1/loads/${load.id}/rejects`)
  const raw = JSON.stringify({ ...films[1], Title: 'Two' })
  const { statusCode, body } = await house.app.inject({
    method: 'POST',
    url: `/v1/admin/loads/${load.id}/replay`,
    headers,
    payload: { mended: [{ file: before.data[0].file, line: before.data[0].line, raw }] },
  })
  t.equal(statusCode, 202, body)
  for (let state = ''; !/published|failed/.test(state); ) state = (await house.get('/v1/loads/2')).body.state
  t.match((await house.get('/v1/movies/films?fields=title,source_line')).body.data, [
    { title: 'One', source_line: 1 },
    { title: 'Two', source_line: 2 },
  ])
})
