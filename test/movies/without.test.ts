import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import t from 'tap'
import { build, temporaryFolder } from '../build.ts'
import { metadata, sound } from './sources.ts'

t.test('of what is not loaded reports say that it is unknown, and guess nothing', async (t) => {
  const house = await build(t)
  const file = path.join(await temporaryFolder(t), 'movies_metadata.csv')
  await writeFile(file, metadata(sound(3)))
  await house.load(file)
  const get = async (place: string) => await house.get(`/v1/movies/${place}`)
  for (const report of ['company-years', 'genre-years', 'years', 'companies', 'films']) {
    const { body } = await get(`${report}?fields=rating_count,rating_average`)
    t.ok(body.data.length > 0)
    for (const row of body.data) t.strictSame(row, { rating_average: null, rating_count: null }, report)
  }
  for (const report of [
    'ratings',
    'person-years',
    'person-years?job=cast',
    'content-rating-years',
    'rankings?dimension=person',
    'rankings?measure=rating_average',
    'top-films?measure=rating_average',
  ]) {
    const { status, body } = await get(report)
    t.strictSame([status, body.data], [200, []], report)
  }
  for (const report of ['years', 'company-years', 'companies', 'films', 'rankings', 'top-films', 'roi']) {
    const detail = /load \d+ does not have; it has no price index at all: load one$/
    t.match(await get(`${report}?prices=real`), {
      status: 400,
      body: { errors: [{ parameter: 'price_index', detail }] },
    })
    t.equal((await get(`${report}?prices=real&format=csv`)).status, 400, `${report} as CSV`)
  }
  const { films } = (await get('years?explain=true')).body.data
  t.equal(films.in_load, 3)
  t.match(await get('films/1'), { status: 200, body: { data: { cast: [], crew: [], keywords: [] } } })
})
