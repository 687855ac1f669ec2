import { sql } from 'kysely'
import t from 'tap'
import { PublishError, publish, rollBack } from '../ingest/publish.ts'
import { build, type House } from './build.ts'

/** Loads of one film each, all of them published once; the last is the current one. */
async function threeLoads(house: House): Promise<number[]> {
  const ids: number[] = []
  for (const title of ['One', 'Two', 'Three']) {
    const film = [{ Title: title, 'Release Date': 'Jun 12 1998' }]
    ids.push((await house.load(await house.file('movies.json', JSON.stringify(film)))).id)
  }
  return ids
}

t.test('publications and roll-backs at the same moment go one after the other', async (t) => {
  const house = await build(t)
  const ids = await threeLoads(house)
  const db = house.warehouse.writer
  const refusal = (error: unknown) => {
    if (error instanceof PublishError) return 'refused'
    throw error
  }
  for (let round = 0; round < 15; round++) {
    const [first = 0, second = 0] = [ids[round % 3], ids[(round + 1) % 3]]
    await Promise.all([
      publish(db, first, { actor: 'a', subjects: house.subjects }).catch(refusal),
      publish(db, second, { actor: 'b', subjects: house.subjects }).catch(refusal),
      rollBack(db, 'movies', { actor: 'c' }).catch(refusal),
    ])
    const { rows } = await sql<{ published: number; pointed: number }>`
      select (select load_id from reelhouse.load where state = 'published') as published,
             (select load_id from reelhouse.pointer) as pointed`.execute(db)
    t.equal(rows[0]?.published, rows[0]?.pointed)
  }
})

t.test('the instant at which a load says it was published is the one at which readers got it', async (t) => {
  const house = await build(t)
  for (const id of await threeLoads(house)) {
    const { body: load } = await house.get(`/v1/loads/${id}`)
    const { body } = await house.get(`/v1/movies/films?as_of=${load.published_at}`)
    t.same(body.meta.load, { id, published_at: load.published_at, data_through: load.data_through })
  }
})

t.test('who is told that a load is published is answered from it, heard or not', async (t) => {
  const house = await build(t)
  const [, second] = await threeLoads(house)
  // As the rows are between a publication and its notification's arrival.
  await sql`update reelhouse.load set state = 'superseded' where state = 'published'`.execute(house.warehouse.writer)
  await sql`update reelhouse.load set state = 'published' where load_id = ${second}`.execute(house.warehouse.writer)
  await sql`update reelhouse.pointer set load_id = ${second}`.execute(house.warehouse.writer)
  t.equal((await house.get(`/v1/loads/${second}`)).body.state, 'published')
  t.equal((await house.get('/v1/movies/years')).body.meta.load.id, second)
})

t.test('a notification by somebody else is no publication, and harms nobody', async (t) => {
  const house = await build(t)
  const ids = await threeLoads(house)
  await sql`notify reelhouse_publications`.execute(house.warehouse.writer)
  await sql`notify reelhouse_publications, 'not JSON'`.execute(house.warehouse.writer)
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.equal((await house.get('/v1/movies/years')).body.meta.load.id, ids.at(-1))
})
