import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import t from 'tap'
import { generateAnime } from '../../ingest/anime/generate.ts'
import { build, temporaryFolder } from '../build.ts'
import { leftOut } from './files.ts'

t.test('a load of a generated folder finds what its summary says', async (t) => {
  const house = await build(t)
  const out = path.join(house.folder, 'generated')
  const { titles, synopses, ratings } = await generateAnime({ out, titles: 1500, ratings: 60_000, seed: 4 })
  const load = await house.load(out, { subject: 'anime' })
  t.match(load, { state: 'published', error: null })
  const { badStatus, badRating, identical, superseded, unmatched } = ratings
  t.match(load.files, [
    { bytes: titles.bytes, read: titles.records, loaded: titles.records, warnings: 0 },
    { bytes: synopses.bytes, read: synopses.records, loaded: synopses.records, warnings: 0 },
    { read: 5, loaded: 5 },
    {
      ...{ bytes: ratings.bytes, read: 60_000, loaded: ratings.loaded, rejected: badStatus + badRating },
      ...{ duplicate: identical + superseded, unmatched },
    },
  ])
  for (const oddity of [badStatus, badRating, identical + superseded, unmatched]) t.ok(oddity > 0)
  t.match(load.row_counts, {
    title: 1500,
    title_text: synopses.records - synopses.none,
    rating: ratings.loaded + unmatched,
  })
  const codes = (await leftOut(house, 1)).map((found) => / (\w+) \w+: /.exec(found)?.[1])
  const counted = (code: string) => codes.filter((one) => one === code).length
  t.strictSame(
    [counted('bad_status'), counted('bad_rating'), counted('identical'), counted('superseded')],
    [badStatus, badRating, identical, superseded],
  )
  const { rows } = await sql<{ users: number; scores: number; score_sum: number; unknown: number }>`
    select sum(users)::integer as users, sum(scores)::integer as scores, sum(score_sum)::integer as score_sum,
           (select count(*) from anime.title where episodes is null)::integer as unknown
    from anime.title_rating`.execute(house.warehouse.writer)
  t.strictSame(rows, [
    {
      users: ratings.loaded,
      scores: ratings.scores,
      score_sum: ratings.scoreSum,
      unknown: titles.withoutEpisodes,
    },
  ])
})

t.test('the same numbers give the same bytes, and more ratings begin with the fewer', async (t) => {
  const made = async (seed: number, ratings: number) => {
    const out = await temporaryFolder(t)
    await generateAnime({ out, titles: 200, ratings, seed })
    return Promise.all(
      ['anime.csv', 'anime_with_synopsis.csv', 'animelist.csv'].map(
        async (name) => await readFile(path.join(out, name)),
      ),
    )
  }
  const digests = async (seed: number) =>
    (await made(seed, 3000)).map((bytes) => createHash('sha256').update(bytes).digest('hex'))
  t.strictSame(await digests(1), await digests(1))
  t.notSame(await digests(1), await digests(2))
  const [few, more] = [(await made(1, 1000))[2] as Buffer, (await made(1, 3000))[2] as Buffer]
  t.ok(more.subarray(0, few.length).equals(few))
  t.equal(few.toString().trimEnd().split('\n').length, 1001)
})
