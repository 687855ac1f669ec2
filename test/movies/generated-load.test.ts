import path from 'node:path'
import { sql } from 'kysely'
import t from 'tap'
import { type FolderSummary, generateMovies } from '../../ingest/movies/generate.ts'
import { build } from '../build.ts'
import { rowsOf } from './whole-data.ts'

t.test('a load of a generated folder finds what its summary says', async (t) => {
  const house = await build(t)
  const out = path.join(house.folder, 'generated')
  const { credits, keywords, links, ratings, ...films } = (await generateMovies({
    out,
    films: 3000,
    ratings: 40_000,
    seed: 4,
  })) as Required<FolderSummary>
  const load = await house.load(out)
  t.match(load, { state: 'published', error: null })
  t.match(load.files, [
    { family: 'films', read: films.records, loaded: films.films },
    {
      family: 'credits',
      bytes: credits.bytes,
      read: credits.records,
      loaded: credits.films,
      duplicate: credits.identical + credits.superseded,
      unmatched: credits.absent,
      rejected: 0,
      warnings: 0,
    },
    {
      family: 'keywords',
      bytes: keywords.bytes,
      read: keywords.records,
      loaded: keywords.films,
      duplicate: keywords.identical + keywords.superseded,
      unmatched: keywords.absent,
      rejected: 0,
      warnings: 0,
    },
    { family: 'links', bytes: links?.bytes, read: links?.records, loaded: links?.records, rejected: 0 },
    {
      family: 'ratings',
      bytes: ratings?.bytes,
      read: 40_000,
      loaded: ratings?.matched,
      unmatched_by: ratings?.unmatched,
      rejected: 0,
      duplicate: 0,
    },
  ])
  t.match(load.row_counts, {
    film: films.films,
    film_cast: credits.cast,
    film_crew: credits.crew,
    person: credits.people,
    film_keyword: keywords.entries,
    keyword: keywords.keywords,
    link: links?.records,
    rating: 40_000,
    film_rating: ratings?.films,
  })
  t.equal(
    (await rowsOf(house, load.id, 'link', 'movielens_id, film_id')).filter((row) => !row.includes('|')).length,
    links?.blank,
  )
  const added = await sql<{ count: number; stars: string }>`
    select sum(rating_count) as count, sum(rating_sum)::text as stars from movies.film_rating`.execute(
    house.warehouse.writer,
  )
  t.match(added.rows, [{ stars: Number(ratings?.stars).toFixed(1) }])
  const directors = await sql<{ films: number }>`
    select count(distinct film_id) as films from movies.film_crew where job = 'Director'
    group by person_id order by 1 desc limit 1`.execute(house.warehouse.writer)
  t.ok(Number(directors.rows[0]?.films) > 10, 'some directors have many films')
})
