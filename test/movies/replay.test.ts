import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import t, { type Test } from 'tap'
import { ask } from '../ask.ts'
import { ADMIN_TOKEN } from '../build.ts'
import { serve, until } from '../serve.ts'

/** Rejected records, read again. */

const COLUMNS = 'id,title,release_date,budget,revenue,popularity,production_companies,genres'
const REST =
  'original_title,imdb_id,status,original_language,runtime,vote_average,vote_count,overview,tagline,homepage,poster_path,belongs_to_collection,production_countries,spoken_languages'
const line = (id: string, title: string, budget: string) =>
  `${id},${title},1998-06-12,${budget},,,[],[]${','.repeat(14)}`
const csv = (...lines: string[]) => `${[`${COLUMNS},${REST}`, ...lines].join('\n')}\n`

const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }

async function scene(t: Test) {
  const house = await serve(t)
  const file = async (name: string, text: string) => {
    const place = path.join(house.folder, name)
    await mkdir(path.dirname(place), { recursive: true })
    await writeFile(place, text)
    return place
  }
  const load = async (source: string, ...options: string[]) =>
    JSON.parse((await house.run('load', 'movies', '--json', '--source', source, ...options)).output)
  const get = async (url: string) => (await ask(house.url + url, { headers })).json
  const replay = (id: number, body: object = {}) =>
    ask(`${house.url}/v1/admin/loads/${id}/replay`, { method: 'POST', headers, body: JSON.stringify(body) })
  /** Replays, and waits for how it ends. */
  const replayed = async (id: number, body?: object) => {
    const answer = await replay(id, body)
    t.equal(answer.status, 202, answer.text)
    return await until(
      () => get(`/v1/loads/${answer.json.id}`),
      ({ state }) => !/queued|running/.test(state),
      60,
    )
  }
  return { file, load, get, replay, replayed }
}

t.test('a rejected record whose text is mended comes into what readers see, with its line', async (t) => {
  const { file, load, get, replayed } = await scene(t)
  const lines = [line('1', 'One', '1000'), line('2', '', '2000'), line('3', 'Three', '3000'), '4,Four']
  const first = await load(await file('movies_metadata.csv', csv(...lines)))
  t.match(first.files, [{ read: 4, loaded: 2, rejected: 2 }])
  const mended = [{ file: 'movies_metadata.csv', line: 3, raw: line('2', 'Two', '2000') }]
  const again = await replayed(first.id, { mended })
  t.match(again, {
    state: 'published',
    mode: 'merge',
    replay_of: first.id,
    trigger: 'admin',
    files: [{ name: 'movies_metadata.csv', read: 2, loaded: 1, rejected: 1 }],
    row_counts: { film: 3 },
  })
  const { data } = await get('/v1/movies/films?fields=film_id,title,budget,source_line,load_id,source_load_id')
  t.strictSame(data, [
    { film_id: 1, title: 'One', budget: 1000, source_line: 2, load_id: 2, source_load_id: 1 },
    { film_id: 2, title: 'Two', budget: 2000, source_line: 3, load_id: 2, source_load_id: 1 },
    { film_id: 3, title: 'Three', budget: 3000, source_line: 4, load_id: 2, source_load_id: 1 },
  ])
  t.match((await get(`/v1/loads/${again.id}/rejects?severity=reject`)).data, [{ line: 5, code: 'wrong_field_count' }])
  t.equal((await get('/v1/loads/1')).state, 'superseded')
  const [deed] = (await get('/v1/admin/audit')).data
  t.match(deed, { actor: 'admin', action: 'replay', load: again.id, detail: { of: 1, mended: 1 } })
})

t.test('what still cannot be read makes no new load', async (t) => {
  const { file, load, get, replayed } = await scene(t)
  await load(await file('movies_metadata.csv', csv(line('1', 'One', '1000'), line('2', '', '2000'))))
  t.match(await replayed(1), {
    state: 'unchanged',
    notes: ['none of the records that load 1 left out brings anything new yet'],
    files: [{ read: 1, rejected: 1 }],
  })
  t.equal((await get('/v1/movies/years')).meta.load.id, 1)
})

t.test('a film that was read later stays as it is', async (t) => {
  const { file, load, get, replayed } = await scene(t)
  // The third line is a later record of the film that the second would be.
  const lines = [line('1', '', '111'), line('1', 'Later', '1000'), line('2', '', '2000')]
  await load(await file('movies_metadata.csv', csv(...lines)))
  const text = (at: number, id: string) => ({ file: 'movies_metadata.csv', line: at, raw: line(id, 'Mended', '5') })
  const again = await replayed(1, { mended: [text(2, '1'), text(4, '2')] })
  t.match(again, { state: 'published', files: [{ read: 2, loaded: 1, duplicate: 1, rejected: 0 }] })
  t.strictSame((await get('/v1/movies/films?fields=film_id,title')).data, [
    { film_id: 1, title: 'Later' },
    { film_id: 2, title: 'Mended' },
  ])
  t.match((await get(`/v1/loads/${again.id}/rejects?severity=duplicate`)).data, [
    { line: 2, code: 'superseded', reason: 'film 1 was read later, at line 3 of load 1; that one is kept' },
  ])

  // Nor does a load that came after the rejected line lose anything.
  await load(await file('next/movies_metadata.csv', csv(line('2', 'Next month', '7'))), '--mode', 'merge')
  const late = await replayed(1, { mended: [text(4, '2')] })
  t.match(late, { state: 'unchanged', files: [{ read: 2, loaded: 0, duplicate: 1, rejected: 1 }] })
  t.match((await get('/v1/movies/films/2')).data, { title: 'Next month', source_load_id: 3 })
})

t.test('a replay that cannot be is refused', async (t) => {
  const { file, load, get, replay, replayed } = await scene(t)
  await load(await file('movies_metadata.csv', csv(line('1', 'One', '1000'), line('2', '', '2000'))))
  t.equal((await replay(99)).status, 404)
  const clean = await load(await file('b/movies_metadata.csv', csv(line('1', 'One', '1000'))))
  t.match(await replay(clean.id), { status: 409, text: /Load 2 rejected nothing/ })
  t.equal((await replay(1, { mended: [{ file: 'x', line: 0, raw: 'x' }] })).status, 400)
  const lost = [{ file: 'movies_metadata.csv', line: 2, raw: line('9', 'Nine', '1') }]
  t.match(await replayed(1, { mended: lost }), {
    state: 'failed',
    error: 'load 1 rejected nothing at line 2 of movies_metadata.csv',
  })
  const two = `${line('8', 'Eight', '1')}\n${line('9', 'Nine', '1')}`
  const again = await replayed(1, { mended: [{ file: 'movies_metadata.csv', line: 3, raw: two }] })
  t.equal(again.state, 'unchanged')
  t.match((await get(`/v1/loads/${again.id}/rejects`)).data, [{ line: 3, code: 'not_one_record' }])
})

t.test('records of a JSON file are replayed as well', async (t) => {
  const { file, load, get, replayed } = await scene(t)
  const films = [
    { Title: 'One', 'Release Date': 'Jun 12 1998' },
    { 'Release Date': 'Jun 12 1998', 'US Gross': 5 },
  ]
  await load(await file('movies.json', JSON.stringify(films)))
  const [reject] = (await get('/v1/loads/1/rejects')).data
  const raw = JSON.stringify({ ...films[1], Title: 'Two' })
  t.match(await replayed(1, { mended: [{ file: reject.file, line: reject.line, raw }] }), { state: 'published' })
  t.match((await get('/v1/movies/films?fields=title,source_line')).data, [
    { title: 'One', source_line: 1 },
    { title: 'Two', source_line: 2 },
  ])
})
