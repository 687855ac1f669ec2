import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import t from 'tap'
import { build, type House } from '../build.ts'
import { leftOut, listCsv, loadFolder, rowsOf, shown, titlesCsv } from './files.ts'

const TITLES = titlesCsv({ Episodes: '10', Type: 'TV' }, { Episodes: 'Unknown', Type: 'OVA' }, { Episodes: '1' })

/** What the equation of its last file says. */
const lists = ({ files }: Awaited<ReturnType<House['load']>>) => files.at(-1)

t.test('each bad line among clean ones is named, and the others are kept', async (t) => {
  const house = await build(t)
  const many = Array.from({ length: 3000 }, (_, index) => `${index + 100},1,7,2,10`)
  const bad: [line: string, found: string][] = [
    ['1,1,11,2,10', 'bad_rating reject: "11" is not a rating from 1 to 10, nor 0 for none'],
    ['1,1,-1,2,10', 'bad_rating reject: "-1" is not a rating from 1 to 10, nor 0 for none'],
    ['1,1,7.5,2,10', 'bad_rating reject: "7.5" is not a rating from 1 to 10, nor 0 for none'],
    ['1,1,7,0,10', 'bad_status reject: "0" is not a watching status: those are 1, 2, 3, 4, 6'],
    ['1,1,7,5,10', 'bad_status reject: "5" is not a watching status: those are 1, 2, 3, 4, 6'],
    ['1,1,7,33,10', 'bad_status reject: "33" is not a watching status: those are 1, 2, 3, 4, 6'],
    ['1,1,7,55,10', 'bad_status reject: "55" is not a watching status: those are 1, 2, 3, 4, 6'],
    ['x,1,7,2,10', 'bad_id reject: "x" is not a whole number from 0 on'],
    ['1,0,7,2,10', 'bad_id reject: "0" is not a positive integer'],
    ['3000000000,1,7,2,10', 'bad_id reject: "3000000000" is larger than 2^31 - 1'],
    ['1,1,7,2,some', 'bad_count reject: "some" is not a whole number from 0 on'],
    ['1,1,7,2,', 'missing reject: is missing'],
    ['1,1,7,2', 'wrong_field_count reject: has 4 fields where the header has 5'],
  ]
  const odd = ['0,1,0,6,0', '2.0,2,+8,01,3.0', '3,1,10,1,65535', '4,8,9,2,1', '4,9,9,2,1', '5,9,0,2,1']
  const lines = [...many, ...bad.map(([line]) => line), ...odd, '100,1,7,2,10', '101,1,8,2,10']
  const load = await loadFolder(house, 'a', { 'anime.csv': TITLES, 'animelist.csv': listCsv(...lines) })
  t.match(load, { state: 'published', error: null })
  t.match(lists(load), {
    ...{ read: 3021, loaded: 3003, rejected: 13, duplicate: 2, unmatched: 3, unmatched_by: { title_absent: 3 } },
  })
  t.strictSame(await leftOut(house, 1), [
    'animelist.csv 2 identical duplicate: the rating of title 1 by user 100 stands again at line 3021, the same',
    'animelist.csv 3 superseded duplicate: the rating of title 1 by user 101 stands again at line 3022, with other values; the last one is kept',
    ...bad.map(([, found], index) => `animelist.csv ${3002 + index} ${found}`),
    'animelist.csv 3018 title_absent unmatched: title 8 of user 4: the load has no such title',
    'animelist.csv 3019 title_absent unmatched: title 9 of user 4: the load has no such title',
    'animelist.csv 3020 title_absent unmatched: title 9 of user 5: the load has no such title',
  ])
  t.match(load.row_counts, { rating: 3006, title_rating: 2, title_absent: 2 })
  const url = '/v1/anime/ratings?user_id=0,2,3,4,101'
  t.strictSame(await shown(house, url, 'user_id', 'anime_id', 'score', 'status', 'episodes'), [
    '0|1|-|6|0',
    '2|2|8|1|3',
    '3|1|10|1|65535',
    '101|1|8|2|10',
  ])
  t.strictSame((await house.get(url)).body.meta.excluded, { title_absent: 3 })
  t.match((await house.get('/v1/anime/ratings?limit=1&count=exact')).body.meta, { total: 3003 }, 'what was loaded')
})

t.test('a rating of 0 is no score: it is in no mean, and in every count of users', async (t) => {
  const house = await build(t)
  const lines = ['1,1,10,2,10', '2,1,0,2,12', '3,1,7,4,3', '4,1,0,6,0', '1,2,0,1,5', '2,2,4,2,7', '3,3,0,6,0']
  await loadFolder(house, 'a', { 'anime.csv': TITLES, 'animelist.csv': listCsv(...lines) })
  const top = '/v1/anime/top-rated?min_scores=1'
  t.strictSame(await shown(house, top, 'anime_id', 'scores', 'score_average', 'score_bayesian'), [
    // (50 * 7 + 17) / 52, and (50 * 7 + 4) / 51: 7 is the mean of 10, 7 and 4.
    '1|2|8.5|7.057692',
    '2|1|4|6.941176',
  ])
  t.strictSame(await shown(house, `${top}&prior_scores=1`, 'anime_id', 'score_bayesian'), ['1|8', '2|5.5'])
  t.strictSame(await shown(house, `${top}&prior_scores=0`, 'anime_id', 'score_bayesian'), ['1|8.5', '2|4'])
  t.match((await house.get(top)).body.meta, { mean_of_all: 7, excluded: { unscored: 1, min_scores: 0 } })
  const fewer = (await house.get('/v1/anime/top-rated?min_scores=2&type=OVA')).body
  t.match(fewer, { data: [], meta: { mean_of_all: 7, excluded: { unscored: 0, min_scores: 1 } } })
  const counts = ['anime_id', 'watching', 'completed', 'on_hold', 'dropped', 'planned', 'watchers', 'users']
  t.strictSame(await shown(house, '/v1/anime/most-watched', ...counts), [
    '1|0|2|0|1|1|3|4',
    '2|1|1|0|0|0|2|2',
    '3|0|0|0|0|1|0|1',
  ])
  const seen = ['anime_id', 'episodes', 'watchers', 'episodes_seen', 'seen_share', 'watchers_above', 'drop_rate']
  t.strictSame(await shown(house, '/v1/anime/completion', ...seen), [
    // 10, 12 of 10, and 3 episodes; one of three gave up.
    '1|10|3|23|0.766667|1|0.333333',
    '2|-|2|-|-|-|0',
    '3|1|0|0|-|0|-',
  ])
})

t.test('rows are for training or testing by a hash that anybody can compute', async (t) => {
  const house = await build(t)
  const lines = Array.from({ length: 600 }, (_, index) => `${index},${1 + (index % 3)},${index % 11},2,1`)
  await loadFolder(house, 'a', { 'anime.csv': TITLES, 'animelist.csv': listCsv(...lines) })
  for (const [seed, share, asked] of [
    [1, 0.2, ''],
    [7, 0.35, '&seed=7&test_share=0.35'],
  ] as const) {
    const tests = lines.filter((line) => {
      const [user, title] = line.split(',')
      const hex = createHash('md5').update(`${seed}:${user}:${title}`).digest('hex').slice(0, 8)
      return Number.parseInt(hex, 16) < share * 2 ** 32
    })
    t.ok(Math.abs(tests.length / 600 - share) < 0.06)
    const rows = async (more: string) =>
      await shown(house, `/v1/anime/ratings?limit=1000${asked}${more}`, 'user_id', 'anime_id', 'split')
    const wanted = tests.map((line) => `${line.split(',').slice(0, 2).join('|')}|test`)
    t.strictSame(await rows('&split=test'), wanted)
    t.equal((await rows('&split=train')).length, 600 - tests.length)
    t.strictSame(
      (await rows('')).filter((row) => row.endsWith('test')),
      wanted,
    )
  }
  const scored = await shown(house, '/v1/anime/ratings?limit=1000&scored=true&status=2', 'score')
  t.equal(scored.length, 600 - Math.ceil(600 / 11))
  t.notOk(scored.includes('-'))
  for (const asked of ['test_share=0', 'test_share=1', 'test_share=.0', 'test_share=0.1234567', 'seed=x', 'split=both'])
    t.match(await house.get(`/v1/anime/ratings?${asked}`), {
      status: 400,
      body: { errors: [{ parameter: asked.split('=')[0] }] },
    })
})

t.test(
  'a load of titles alone has the lists of the load before, by reference, counted by its own titles',
  async (t) => {
    const house = await build(t, { RETAIN_LOADS: '1' })
    const first = { 'anime.csv': TITLES, 'animelist.csv': listCsv('1,1,10,2,10', '1,4,6,2,5', '2,4,8,4,3') }
    t.match(lists(await loadFolder(house, 'a', first)), { loaded: 1, unmatched: 2 })
    t.match((await house.get('/v1/anime/top-rated?min_scores=1')).body.meta, { mean_of_all: 10 })
    const more = titlesCsv({ Episodes: '8' }, {}, {}, { Episodes: '4' })
    const second = await loadFolder(house, 'b', { 'anime.csv': more })
    t.match(second, {
      state: 'published',
      families: [
        { family: 'ratings', load: 1 },
        { family: 'titles', load: 2 },
      ],
      notes: [/^ratings carried over from load 1 /],
    })
    const kept = await sql<{ name: string }>`
    select relname as name from pg_class where relnamespace = 'anime'::regnamespace and relkind = 'r' and relname like 'rating%'
    order by 1`.execute(house.warehouse.writer)
    t.strictSame(
      kept.rows.map(({ name }) => name),
      ['rating_1', 'rating_total_1'],
    )
    t.strictSame(await shown(house, '/v1/anime/ratings', 'user_id', 'anime_id', 'score'), ['1|1|10', '1|4|6', '2|4|8'])
    t.strictSame(
      await shown(house, '/v1/anime/completion?sort=anime_id', 'anime_id', 'episodes_seen', 'watchers_above'),
      ['1|8|1', '4|7|1'],
    )
    t.match((await house.get('/v1/anime/top-rated')).body.meta, { mean_of_all: 8 })

    const part = await house.file('part/animelist.csv', listCsv('1,4,0,1,6', '3,3,5,2,1', '3,9,5,2,1'))
    const third = await house.load(part, { subject: 'anime', mode: 'merge' })
    t.match(third, { state: 'published', files: [{ read: 3, loaded: 2, unmatched: 1 }] })
    t.strictSame(
      await shown(house, '/v1/anime/ratings', 'user_id', 'anime_id', 'score'),
      ['1|1|10', '1|4|-', '2|4|8', '3|3|5'],
      'an entry takes the place of the one that it is of, and the others stay',
    )
    t.strictSame(await rowsOf(house, 3, 'title_absent', 'anime_id, ratings'), ['9|1'])
  },
)

t.test('an entry that was rejected can be mended', async (t) => {
  const house = await build(t)
  await loadFolder(house, 'a', { 'anime.csv': TITLES, 'animelist.csv': listCsv('1,1,10,2,10', '1,2,11,2,1') })
  const mended = [{ file: 'animelist.csv', line: 3, raw: '1,2,1,2,1' }]
  const replay = await house.load('', { subject: 'anime', replayOf: 1, mode: 'merge', mended })
  t.match(replay, { state: 'published', files: [{ read: 1, loaded: 1 }] })
  t.strictSame(await shown(house, '/v1/anime/ratings', 'anime_id', 'score'), ['1|10', '2|1'])
  const again = await house.load('', { subject: 'anime', replayOf: 1, mode: 'merge', mended })
  t.match(again, { state: 'unchanged', files: [{ duplicate: 1 }] })
})

t.test('without lists reports on them are empty, and say what they lack', async (t) => {
  const house = await build(t)
  await loadFolder(house, 'a', { 'anime.csv': titlesCsv({ Genres: 'Action', Aired: '2001' }) })
  for (const name of ['top-rated', 'most-watched', 'completion', 'ratings'])
    t.match((await house.get(`/v1/anime/${name}`)).body, { data: [], meta: { lacking: ['ratings'] } }, name)
  t.match((await house.get('/v1/anime/ratings?format=csv&x=')).status, 400)
  t.match((await house.get('/v1/anime/genre-years')).body.data, [
    { genre: 'Action', year: 2001, titles: 1, scores: null, score_average: null, score_average_known: null },
  ])
  t.match((await house.get('/v1/anime/titles/1')).body.data, {
    ...{ users: null, scores: null, users_by_status: null, users_by_score: null },
  })
})
