import path from 'node:path'
import { sql } from 'kysely'
import t from 'tap'
import { generateMovies } from '../../ingest/movies/generate.ts'
import { build } from '../build.ts'

t.test('films without a date are counted whether they are few or too many to be asked one by one', async (t) => {
  const house = await build(t)
  const folder = path.join(house.folder, 'generated')
  await generateMovies({ out: folder, films: 10_300, seed: 1 })
  const { id } = await house.load(folder)
  const { writer } = house.warehouse
  const film = sql.table(`movies.film_${id}`)
  const undated = async (links: string, member: string, ids: number[]) => {
    const found = await sql<{ films: number }>`
      select count(distinct film_id) as films from ${film} join ${sql.table(`movies.${links}_${id}`)} using (film_id)
      where release_date is null and ${sql.ref(member)} = any(${ids})`.execute(writer)
    return Number(found.rows[0]?.films)
  }
  // Other limits the second time, so that no answer of before is there.
  for (const [share, limit] of [
    ['few', 10],
    ['nearly all', 11],
  ] as const) {
    // No load does this to its rows: it stands for a file that has few dates.
    if (share !== 'few') await sql`update ${film} set release_date = null where film_id % 50 <> 0`.execute(writer)
    const companies = await undated('film_company', 'company_id', [1, 2, 3])
    const genres = await undated('film_genre', 'genre_id', [18, 35])
    if (share !== 'few') t.ok(companies > 100 && genres > 1000, `${companies} and ${genres} films`)
    for (const [url, films] of [
      ['company-years?company_id=1,2,3', companies],
      ['genre-years?genre_id=18,35', genres],
      ['years?genre_id=18,35', genres],
    ] as const)
      t.equal(
        (await house.get(`/v1/movies/${url}&limit=${limit}`)).body.meta.excluded.undated,
        films,
        `${share}: ${url}`,
      )
  }
  const total = await sql<{ films: number }>`
    select count(*) as films from ${film} where release_date is null`.execute(writer)
  t.ok(Number(total.rows[0]?.films) > 10_000, 'more than are asked one by one')
})
