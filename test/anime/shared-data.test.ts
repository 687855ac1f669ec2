import { existsSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { build } from '../build.ts'
import { leftOut, shown } from './files.ts'

/**
 * The samples of the real data sets, with totals that a Python program of a few lines took from them with its own csv module. The data
 * is not part of this repository: REELHOUSE_SHARED_DATA names the folder that has it.
 */
const folder = path.join(process.env.REELHOUSE_SHARED_DATA ?? '../shared/data', 'anime')
const skip = existsSync(folder) ? false : `REELHOUSE_SHARED_DATA names no folder with the data, nor is it at ${folder}`

t.test('the samples of both data sets load as they are', { skip }, async (t) => {
  const house = await build(t)
  const load = await house.load(folder, { subject: 'anime' })
  t.match(load, { state: 'published', error: null, format: 'anime-2016' })
  t.match(load.files, [
    { name: /anime_2016/, family: 'titles', ...COUNTED.titles },
    { name: /watching_status/, family: 'statuses', read: 5, loaded: 5 },
    { name: /animelist/, family: 'ratings', ...COUNTED.ratings },
  ])
  t.match(load.notes, [/passed over, .*rating_complete/])
  t.equal((await leftOut(house, load.id, 'reject')).length, 0)
  t.match(load.row_counts, COUNTED.rows)
  const top = await shown(house, '/v1/anime/top-rated?min_scores=1&sort=-score_average,anime_id&limit=3', 'anime_id')
  t.strictSame(top, COUNTED.best)
  t.equal((await house.get('/v1/anime/top-rated')).body.meta.mean_of_all, COUNTED.mean)
  t.equal((await house.get('/v1/anime/ratings?limit=1&count=exact')).body.meta.total, COUNTED.ratings.loaded)
  const gintama = (await house.get('/v1/anime/titles?q=gintama%C2%B0&sort=-site_score')).body.data[0]
  t.match(gintama, { title: 'Gintama°', episodes: 51, site_score: 9.25, site_members: 114262 })
  t.match((await house.get('/v1/anime/titles/9969')).body.data, { title: "Gintama'" }, 'entities are characters')
})

const COUNTED = {
  titles: { read: 12_294, loaded: 12_294, rejected: 0, duplicate: 0, warnings: 0 },
  ratings: { read: 499, loaded: 381, rejected: 0, duplicate: 0, unmatched: 118 },
  rows: { title: 12_294, title_genre: 36_284, genre: 43, title_rating: 340, title_absent: 107, rating: 499 },
  best: ['235', '242', '263'],
  mean: 8.040698,
}
