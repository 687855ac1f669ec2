import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import t from 'tap'
import { build, temporaryFolder } from '../build.ts'
import { metadata, sound, vega } from './sources.ts'
import { actor, creditsCsv, folderOf, keywordsCsv } from './whole-data.ts'

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
  for (const [report, ...lacking] of [
    ['ratings?by=film', 'ratings'],
    ['person-years?job=Director', 'crew'],
    ['person-years?job=cast', 'cast'],
    ['person-years?job=Producer,cast', 'crew', 'cast'],
    ['content-rating-years?from=1990', 'content_ratings'],
    ['rankings?dimension=person', 'crew'],
    ['rankings?dimension=content_rating', 'content_ratings'],
    ['rankings?measure=rating_average', 'ratings'],
    ['top-films?measure=rating_average', 'ratings'],
    ['years?person_id=1', 'crew', 'cast'],
    ['films?person_id=1&job=cast', 'cast'],
    ['roi?keyword_id=1', 'keywords'],
  ] as const) {
    const { status, body } = await get(report)
    t.strictSame([status, body.data, body.meta.lacking], [200, [], lacking], report)
    t.strictSame((await get(`${report}&explain=true`)).body.data.lacking, lacking, `${report}, explained`)
  }
  for (const report of ['years', 'company-years', 'films', 'rankings', 'top-films', 'roi?by=all']) {
    t.notOk('lacking' in (await get(report)).body.meta, report)
    t.notOk('lacking' in (await get(report.replace(/\?|$/, '?explain=true&'))).body.data, report)
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
  t.match(await get('films/1'), { status: 200, body: { data: { cast: null, crew: null, keywords: null } } })
})

t.test('a film without what others of the load have has none of it', async (t) => {
  const house = await build(t)
  const get = async (place: string) => (await house.get(`/v1/movies/${place}`)).body
  await house.load(
    await folderOf(house, 'a', {
      'movies_metadata.csv': metadata(sound(2)),
      'credits.csv': creditsCsv([`[${actor(9, 'Ann', 'Otter')}]`, '[]', '1']),
      'keywords.csv': keywordsCsv(['1', "[{'id': 5, 'name': 'river'}]"]),
    }),
  )
  t.match((await get('films/1')).data, { cast: [{ name: 'Ann' }], crew: [], keywords: [{ name: 'river' }] })
  t.match((await get('films/2')).data, { cast: [], crew: [], keywords: [] })
  for (const report of ['person-years', 'person-years?job=cast', 'films?keyword_id=7'])
    t.notOk('lacking' in (await get(report)).meta, report)

  // Its films bring directors, and nothing else of the kind.
  const vegas = await build(t)
  await vegas.load(await vegas.file('movies.json', vega(['"Director": "Ann"', ''])))
  const ask = async (place: string) => (await vegas.get(`/v1/movies/${place}`)).body
  t.match((await ask('films/2')).data, { cast: null, crew: [], keywords: null })
  t.notOk('lacking' in (await ask('person-years')).meta)
  t.strictSame((await ask('person-years?job=cast')).meta.lacking, ['cast'])
})
