import { sql } from 'kysely'
import t from 'tap'
import { build } from '../build.ts'
import { metadata, sound } from './sources.ts'
import { folderOf, LINKS, leftOut, rowsOf } from './whole-data.ts'

const HEADER = 'userId,movieId,rating,timestamp'
const films = metadata(sound(3))
const FILM_RATING = 'film_id, rating_count, rating_sum, stars_0_5, stars_4_0, stars_5_0'

t.test('ratings come to their films by the links, and those without a film are counted by reason', async (t) => {
  const house = await build(t)
  const lines = ['1,10,4,1', '1,20,0.5,2', '2,21,5.0,3', '2,30,3,4', '3,40,3.5,5', '4,40,3.5,6', '3,50,1,7']
  const ratings = [HEADER, ...lines].join('\n')
  const load = await house.load(
    await folderOf(house, 'a', { 'movies_metadata.csv': films, 'links.csv': LINKS, 'ratings.csv': ratings }),
  )
  t.equal(load.error, null)
  t.match(load.files, [
    { family: 'films' },
    { family: 'links', read: 5, loaded: 5 },
    {
      family: 'ratings',
      bytes: Buffer.byteLength(ratings),
      columns: HEADER.split(','),
      read: 7,
      loaded: 3,
      unmatched: 4,
      unmatched_by: { no_link: 1, blank_tmdb_id: 1, film_absent: 2 },
    },
  ])
  t.match(load.row_counts, { link: 5, rating: 7, rating_total: 6, film_rating: 2 })
  t.strictSame(await rowsOf(house, 1, 'link', `movielens_id, coalesce(film_id::text, '-'), imdb_id`), [
    '10|1|tt0114709',
    '20|2|tt0113497',
    '21|2|tt0113497',
    '30|-|tt0000003',
    '40|4|tt0000004',
  ])
  t.strictSame(await rowsOf(house, 1, 'film_rating', FILM_RATING), ['1|1|4.0|0|1|0', '2|2|5.5|1|0|1'])
  t.strictSame(await leftOut(house, 1), [
    'ratings.csv 0 blank_tmdb_id unmatched: 1 rating of MovieLens id 30: its link leaves the film blank',
    'ratings.csv 0 film_absent unmatched: 2 ratings of MovieLens id 40: the load has no film 4',
    'ratings.csv 0 no_link unmatched: 1 rating of MovieLens id 50: no link says which film that is',
  ])
  // They stand at no line, and are paged through all the same.
  const first = await house.get('/v1/loads/1/rejects?limit=1')
  t.match(first.body.data, [{ file: 'ratings.csv', line: null, code: 'blank_tmdb_id' }])
  const next = /<(.*)>/.exec(String(first.headers.link))?.[1] as string
  t.match((await house.get(next)).body.data, [{ line: null, code: 'film_absent' }])
  const { body } = await house.app.inject({ url: '/v1/loads/1/rejects?format=csv' })
  t.match(
    body,
    /^file,line,.*\r?\nratings.csv,,blank_tmdb_id,.*\r?\nratings.csv,,film_absent,.*\r?\nratings.csv,,no_link,/,
  )
})

t.test('whole numbers may be written as floats, and an id that cannot be read is told from a blank one', async (t) => {
  const house = await build(t)
  const links = 'movieId,imdbId,tmdbId\n10.0,114709.0,1.0\n20,113497,notanid\n30,,\n40,,2.5\n'
  const lines = ['1.0,10.0,4.0,1.0', '1,20,0.5,2', '2,20,1,3', '1,30,5.0,3', '1,40,3,4']
  const load = await house.load(
    await folderOf(house, 'a', {
      'movies_metadata.csv': films,
      'links.csv': links,
      'ratings.csv': [HEADER, ...lines].join('\n'),
    }),
  )
  t.match(load.files.slice(1), [
    { read: 4, loaded: 4, warnings: 2 },
    { read: 5, loaded: 1, unmatched: 4, unmatched_by: { bad_tmdb_id: 3, blank_tmdb_id: 1 } },
  ])
  t.strictSame(await rowsOf(house, 1, 'link', `movielens_id, coalesce(film_id::text, '-'), imdb_id`), [
    '10|1|tt0114709',
    '20|-|tt0113497',
    '30|-',
    '40|-',
  ])
  t.strictSame(await rowsOf(house, 1, 'film_rating', FILM_RATING), ['1|1|4.0|0|1|0'])
  const bad = 'the id of the film in its link cannot be read'
  t.match(
    await leftOut(house, 1),
    [
      'links.csv 3 bad_id warning: "notanid" is not an integer',
      'links.csv 5 bad_id warning: "2.5" is not an integer',
      `bad_tmdb_id unmatched: 2 ratings of MovieLens id 20: ${bad}`,
      'blank_tmdb_id unmatched: 1 rating of MovieLens id 30: its link leaves the film blank',
      `bad_tmdb_id unmatched: 1 rating of MovieLens id 40: ${bad}`,
    ].map((text) => new RegExp(`${text}$`)),
  )
  // Links that are carried over say the same.
  const ratings = await house.file('ratings.csv', [HEADER, ...lines].join('\n'))
  const again = await house.load(ratings, { mode: 'merge' })
  t.match(again.files, [{ unmatched_by: { bad_tmdb_id: 3, blank_tmdb_id: 1 } }])
})

t.test('each bad line among clean ones is named, and what is sound around it is kept', async (t) => {
  const house = await build(t)
  const good = (user: number) => `${user},10,4.5,12`
  // Enough clean lines before and behind that some pieces of the file hold no bad one.
  const many = (from: number) => Array.from({ length: 8000 }, (_, index) => good(from + index))
  const odd = [
    'x,10,4,1',
    '',
    '1,10,4.2,1',
    '1,10,4',
    '"1",10,4,"1"',
    '1,10,"4,1',
    '1,10,4,\u00e91',
    '3000000000,10,4,1',
    '2,10,05,1',
    '01,11,4.00,1.0',
    '0,10,4,1',
    '5,12,.5,',
  ]
  const lines = [...many(10_000), ...odd, ...many(20_000), good(10_000), '2,10,4.0,1\r', '2,10,3.0,1']
  const text = Buffer.from([HEADER, ...lines].join('\n').replace('\u00e9', '\u0001'))
  text[text.indexOf(1)] = 0xe9
  const load = await house.load(
    await folderOf(house, 'a', { 'movies_metadata.csv': films, 'links.csv': LINKS, 'ratings_small.csv': text }),
  )
  t.equal(load.error, null)
  t.match(load.files[2], {
    name: 'ratings_small.csv',
    read: 16_014,
    rejected: 9,
    duplicate: 2,
    unmatched: 1,
    loaded: 16_002,
  })
  const at = (line: string) => lines.indexOf(line) + 2
  t.strictSame(await leftOut(house, 1), [
    'ratings_small.csv 0 no_link unmatched: 1 rating of MovieLens id 11: no link says which film that is',
    `ratings_small.csv 2 identical duplicate: the rating of MovieLens id 10 by user 10000 stands again at line ${lines.length - 1}, the same`,
    `ratings_small.csv ${at('x,10,4,1')} bad_id reject: "x" is not an integer`,
    `ratings_small.csv ${at('1,10,4.2,1')} bad_rating reject: "4.2" is not a rating from 0.5 to 5 in halves`,
    `ratings_small.csv ${at('1,10,4')} wrong_field_count reject: has 3 fields where the header has 4`,
    `ratings_small.csv ${at('1,10,"4,1')} stray_quote reject: has a quote that is not closed on its line`,
    `ratings_small.csv ${at('1,10,4,\u00e91')} invalid_utf8 reject: holds bytes that are not UTF-8`,
    `ratings_small.csv ${at('3000000000,10,4,1')} id_out_of_range reject: 3000000000 is larger than 2^31 - 1`,
    `ratings_small.csv ${at('2,10,05,1')} bad_rating reject: "05" is not a rating from 0.5 to 5 in halves`,
    `ratings_small.csv ${at('0,10,4,1')} bad_id reject: "0" is not a positive integer`,
    `ratings_small.csv ${at('5,12,.5,')} missing reject: is missing`,
    `ratings_small.csv ${lines.length} superseded duplicate: the rating of MovieLens id 10 by user 2 stands again at line ${lines.length + 1}, with other values; the last one is kept`,
  ])
  t.strictSame(await rowsOf(house, 1, 'film_rating', 'film_id, rating_count, rating_sum'), [
    `1|16002|${8000 * 9 + 7}.0`,
  ])
  const kept =
    await sql`select rating::text from movies.rating where movielens_id = 10 and user_id in (1, 2) order by user_id`.execute(
      house.warehouse.writer,
    )
  t.strictSame(kept.rows, [{ rating: '4.0' }, { rating: '3.0' }])

  const mended = [{ file: 'ratings_small.csv', line: at('1,10,4.2,1'), raw: '7,10,4.0,1' }]
  const replay = await house.load('', { replayOf: 1, mode: 'merge', mended })
  t.match(
    replay,
    { state: 'published', files: [{ read: 8, loaded: 1, rejected: 7 }] },
    'but for the one that is no text',
  )
  t.match(await rowsOf(house, 2, 'film_rating', 'film_id, rating_count'), ['1|16003'])
  t.match(
    await rowsOf(house, 2, 'rating', 'count(*) over (), movielens_id, user_id').then((rows) => rows.length),
    16_004,
  )
})

t.test('columns in another order, and others beside them', async (t) => {
  const house = await build(t)
  const load = async (name: string, ratings: string) =>
    await house.load(
      await folderOf(house, name, { 'movies_metadata.csv': films, 'links.csv': LINKS, 'ratings.csv': ratings }),
    )
  const rating = 'user_id, movielens_id, rating, rated_at'
  await load('a', 'timestamp,rating,movieId,userId\r\n7,4,10,1\r\n8,0.5,20,2\r\n')
  t.strictSame(await rowsOf(house, 1, 'rating', rating), ['1|10|4.0|7', '2|20|0.5|8'])
  await load('b', 'timestamp,rating,movieId,userId,tag\n9,4,10,1,"a,\nb"\n8,0.5,20,2,\n')
  t.strictSame(await rowsOf(house, 2, 'rating', rating), ['2|20|0.5|8'])
  t.match(await leftOut(house, 2, 'reject'), [/2 stray_quote/, /3 stray_quote/], 'one line is one record')
  t.match(await load('c', 'userId,movieId,stars,timestamp\n1,10,4,7\n'), {
    state: 'failed',
    error: 'ratings.csv has no column rating: its columns are userId, movieId, stars, timestamp',
  })
  t.match(await load('d', ''), { state: 'failed', error: 'ratings.csv is empty' })
  t.match(await load('e', `${HEADER}\n`), { state: 'published', row_counts: { rating: 0, film_rating: 0 } })
})

t.test('a load without ratings uses those of another, by its own films, and keeps them from being swept', async (t) => {
  const house = await build(t, { RETAIN_LOADS: '1' })
  const first = await house.load(
    await folderOf(house, 'a', {
      'movies_metadata.csv': metadata(sound(1)),
      'links.csv': LINKS,
      'ratings.csv': `${HEADER}\n1,10,4,1\n1,20,0.5,2\n2,21,5.0,3\n`,
    }),
  )
  const second = await house.load(await house.file('movies_metadata.csv', films))
  t.match(second.notes, [
    /^links carried over from load 1 \(links.csv of 2017-07-26\)$/,
    /^ratings carried over from load 1 \(ratings.csv of 2017-07-26\)$/,
  ])
  t.match(second.families, [
    { family: 'films', load: 2 },
    { family: 'links', load: 1 },
    { family: 'ratings', load: 1 },
  ])
  t.strictSame(await rowsOf(house, 2, 'film_rating', 'film_id, rating_count'), ['1|1', '2|2'])
  t.match(await house.get('/v1/loads/1'), { body: { state: 'dropped' } })
  t.equal((await rowsOf(house, first.id, 'rating', 'user_id')).length, 3)

  const part = await folderOf(house, 'c', {
    'movies_metadata.csv': metadata([{ id: '9' }]),
    'ratings.csv': `${HEADER}\n8,20,1.0,2\n8,50,1.0,2\n`,
  })
  const third = await house.load(part, { mode: 'merge' })
  t.match(third, {
    state: 'published',
    families: [{ family: 'films', load: 3 }, { load: 1 }, { family: 'ratings', load: 3 }],
  })
  t.match(third.files[1], { read: 2, loaded: 1, unmatched: 1, unmatched_by: { no_link: 1 } })
  t.strictSame(
    await rowsOf(house, 3, 'rating', 'movielens_id, user_id, rating'),
    ['10|1|4.0', '20|8|1.0', '21|2|5.0', '50|8|1.0'],
    'the ratings of a MovieLens id that the file names are those of the file',
  )
  t.strictSame(await rowsOf(house, 3, 'film_rating', 'film_id, rating_count, rating_sum'), ['1|1|4.0', '2|2|6.0'])
  const left = await sql<{ name: string }>`
    select relname as name from pg_class where relnamespace = 'movies'::regnamespace and relkind = 'r'
      and relname ~ '^rating' order by 1`.execute(house.warehouse.writer)
  t.strictSame(
    left.rows.map(({ name }) => name),
    ['rating_3', 'rating_total_3'],
    'nobody refers to the others any more',
  )
})

t.test('a rating that is mended is stored, although it has no film yet', async (t) => {
  const house = await build(t)
  await house.load(
    await folderOf(house, 'a', {
      'movies_metadata.csv': films,
      'links.csv': LINKS,
      'ratings.csv': `${HEADER}\n1,40,x,1\n1,10,4.0,1\n`,
    }),
  )
  const mended = [{ file: 'ratings.csv', line: 2, raw: '1,40,4.0,1' }]
  const replay = await house.load('', { replayOf: 1, mode: 'merge', mended })
  t.match(replay, { state: 'published', files: [{ read: 1, loaded: 0, unmatched: 1 }] })
  t.strictSame(await rowsOf(house, 2, 'rating', 'movielens_id, user_id, rating'), ['10|1|4.0', '40|1|4.0'])
  const again = await house.load('', { replayOf: 1, mode: 'merge', mended })
  t.match(again, { state: 'unchanged', files: [{ duplicate: 1 }] })
})

t.test('a dry run counts as a load would, and leaves nothing', async (t) => {
  const house = await build(t)
  const folder = await folderOf(house, 'a', {
    'movies_metadata.csv': films,
    'links.csv': LINKS,
    'ratings.csv': `${HEADER}\n1,10,4,1\n1,10,5,1\n1,50,0.5,2\n1,50,x,2\n`,
  })
  t.match(await house.load(folder, { dryRun: true }), {
    state: 'checked',
    files: [{}, {}, { read: 4, loaded: 1, rejected: 1, duplicate: 1, unmatched: 1, unmatched_by: { no_link: 1 } }],
  })
})

t.test('of a file that was joined to itself each rating counts once, and ten thousand repeats are named', async (t) => {
  const house = await build(t)
  const once = Array.from({ length: 10_002 }, (_, index) => `${index + 1},10,4.5,12`)
  const load = await house.load(
    await folderOf(house, 'a', {
      'movies_metadata.csv': films,
      'links.csv': LINKS,
      'ratings.csv': [HEADER, ...once, ...once].join('\r\n'),
    }),
  )
  t.match(load.files[2], { read: 20_004, loaded: 10_002, duplicate: 10_002 })
  const named = await leftOut(house, 1, 'duplicate')
  t.equal(named.length, 10_001)
  t.match(named[0], /^ratings.csv 2 identical .*stands again at line 10004, the same$/)
  t.equal(named.at(-1), 'ratings.csv 10002 identical duplicate: from here on 2 more ratings stand again further down')
})
