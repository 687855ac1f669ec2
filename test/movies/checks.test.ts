import { sql } from 'kysely'
import t from 'tap'
import { findings } from '../../ingest/check-kinds.ts'
import { checks } from '../../ingest/movies/checks.ts'
import { build } from '../build.ts'
import { metadata, sound } from './sources.ts'
import { folderOf, LINKS } from './whole-data.ts'

const HEADER = 'userId,movieId,rating,timestamp'
const films = metadata(sound(3))

t.test('links, ratings and price indexes are checked as films are', async (t) => {
  const house = await build(t)
  const folder = (ratings: number, more: Record<string, string> = {}) =>
    folderOf(house, 'month', {
      'movies_metadata.csv': films,
      'links.csv': LINKS,
      'ratings.csv': [HEADER, ...Array.from({ length: ratings }, (_, index) => `${index + 1},10,4.0,1`)].join('\n'),
      ...more,
    })
  const found = async (load: number) => {
    const { body } = await house.get(`/v1/loads/${load}/checks`)
    // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asks for
    return Object.fromEntries(body.data.map((check: any) => [check.name, check]))
  }

  await house.load(
    await folder(100, {
      'monthly.csv': 'DATE,A,B\n2000-01-01,1,1\n2000-02-01,2,.\n2000-04-01,3,2\n2000-05-01,3,2\n2000-06-01,3,2\n',
      'quarterly.csv': 'DATE,Q\n2000-01-01,1\n2000-04-01,2\n2000-07-01,3\n',
    }),
  )
  t.match(await found(1), {
    rating_volume: { severity: 'warn', passed: true, observed: '100 rows, the first load of this source' },
    film_rating_stars: { severity: 'error', passed: true },
    link_film: { severity: 'warn', passed: false, failing: 1, observed: '1 rows' },
    link_film_id: { severity: 'warn', passed: false, failing: 2 },
    price_index_gap: { severity: 'warn', passed: false, failing: 2 },
  })
  const gap = checks.find(({ name }) => name === 'price_index_gap')
  const scope = { loadId: 1, fileDate: '', dataThrough: null, mode: 'replace', replay: false, rowCounts: {} } as const
  const { writer } = house.warehouse
  if (gap)
    t.match((await findings(gap, 'movies', scope).execute(writer)).rows[0]?.sample, [
      { series: 'B', month: '2000-04-01', value: 2 },
      { series: 'A', month: '2000-04-01', value: 3 },
    ])

  await house.load(await folder(94))
  t.match(await found(2), { rating_volume: { passed: false, observed: '94 rows, 100 in load 1' } })
  t.equal((await house.get('/v1/loads/2')).body.state, 'published', 'a warning keeps nothing back')
  const later = await folder(95)
  await house.load(`${later}/movies_metadata.csv`)
  t.equal((await found(3)).rating_volume, undefined, 'ratings that are carried over are not counted')
  await house.load(later, { mode: 'merge' })
  t.equal((await found(4)).rating_volume, undefined)
  await house.load(later)
  t.match(await found(5), { rating_volume: { observed: '95 rows, 94 in load 2' } })

  const stars = checks.find(({ name }) => name === 'film_rating_stars')
  for (const [change, failing] of [
    ['rating_count = rating_count + 1', 1],
    ['rating_count = rating_count - 1, rating_sum = rating_sum + 0.5', 1],
    ['rating_sum = rating_sum - 0.5', 0],
  ] as const) {
    await sql`update movies.film_rating set ${sql.raw(change)} where load_id = 5`.execute(writer)
    if (stars) t.match((await findings(stars, 'movies', { ...scope, loadId: 5 }).execute(writer)).rows[0], { failing })
  }
})
