import t from 'tap'
import { build } from '../build.ts'
import { csv, leftOut, loadFolder, rowsOf, titles2016, titlesCsv } from './files.ts'

const BEBOP = {
  Name: 'Cowboy Bebop &amp; Ed&#039;s',
  Score: '8.78',
  Genres: 'Action, Sci-Fi, Action',
  'English name': '&quot;Cowboy&quot; Bebop',
  'Japanese name': 'カウボーイビバップ',
  Type: 'TV',
  Episodes: '26',
  Aired: 'Apr 3, 1998 to Apr 24, 1999',
  Premiered: 'Spring 1998',
  Producers: 'Bandai Visual',
  Licensors: 'Funimation, Bandai Entertainment',
  Studios: 'Sunrise',
  Source: 'Original',
  Duration: '24 min. per ep.',
  Rating: 'R - 17+ (violence &amp; profanity)',
  Ranked: '28.0',
  Popularity: '39',
  Members: '1251960',
  Favorites: '61971',
  Watching: '105808',
  Completed: '718161',
  'On-Hold': '71513',
  Dropped: '26678',
  'Plan to Watch': '329800',
  'Score-10': '229170.0',
  'Score-1': '1404.0',
}

t.test('a title shows everything that its files say, and where it was read', async (t) => {
  const house = await build(t)
  const load = await loadFolder(house, 'a', {
    'anime.csv': titlesCsv(BEBOP, { Name: 'Unknown', MAL_ID: '5', Studios: 'Sunrise' }),
    'anime_with_synopsis.csv': csv(
      ['MAL_ID', 'Name', 'Score', 'Genres', 'sypnopsis'],
      [
        ['1', '', '', '', 'In the year 2071,\nhumanity&#039;s "bounty hunters" …'],
        ['5', '', '', '', 'Unknown'],
        ['7', '', '', '', 'Of no title'],
        ['1', '', '', '', 'In the year 2071,\nhumanity&#039;s "bounty hunters" …'],
      ],
    ),
    'watching_status.csv': 'status, description\n1,Currently Watching\n2,Seen it all\n5,Rewatching\n',
    'animelist.csv': 'user_id,anime_id,rating,watching_status,watched_episodes\n0,1,9,2,26\n',
  })
  t.match(load, { state: 'published', error: null, format: 'anime-2020', data_through: '1998-04-03' })
  t.match(load.files, [
    { family: 'titles', read: 2, loaded: 2, warnings: 0 },
    { family: 'synopses', read: 4, loaded: 2, duplicate: 1, unmatched: 1, unmatched_by: { title_absent: 1 } },
    { family: 'statuses', read: 3, loaded: 2, rejected: 1 },
    { family: 'ratings', read: 1, loaded: 1 },
  ])
  t.strictSame(await leftOut(house, 1), [
    'anime_with_synopsis.csv 2 identical duplicate: the synopsis of title 1 stands again at line 6, the same',
    'anime_with_synopsis.csv 5 title_absent unmatched: the load has no title 7',
    'watching_status.csv 4 bad_status reject: "5" is not a watching status: those are 1, 2, 3, 4, 6',
  ])
  const { data } = (await house.get('/v1/anime/titles/1')).body
  t.match(data, {
    ...{ anime_id: 1, title: "Cowboy Bebop & Ed's", title_english: '"Cowboy" Bebop', type: 'TV', episodes: 26 },
    ...{ aired_from: '1998-04-03', aired_from_precision: 'day', aired_to: '1999-04-24', aired_to_precision: 'day' },
    ...{ year: 1998, season: 'spring', source_material: 'Original', duration: '24 min. per ep.' },
    ...{ age_rating: 'R - 17+ (violence & profanity)', site_score: 8.78, site_rank: 28, site_popularity_rank: 39 },
    ...{ site_members: 1251960, site_favorites: 61971, users: 1, scores: 1, score_average: 9 },
    ...{
      source_file: 'anime.csv',
      source_line: 2,
      load_id: 1,
      source_load_id: 1,
      title_japanese: 'カウボーイビバップ',
    },
    synopsis: 'In the year 2071,\nhumanity\'s "bounty hunters" …',
    genres: [{ name: 'Action' }, { name: 'Sci-Fi' }],
    studios: [{ name: 'Sunrise' }],
    producers: [{ name: 'Bandai Visual' }],
    licensors: [{ name: 'Bandai Entertainment' }, { name: 'Funimation' }],
  })
  t.equal(data.genres.length, 2, 'a genre that stands twice counts once')
  t.strictSame(
    data.users_by_status.map(({ status, description, users }: Record<string, unknown>) => [status, description, users]),
    [
      [1, 'Currently Watching', 0],
      [2, 'Seen it all', 1],
      [3, 'On Hold', 0],
      [4, 'Dropped', 0],
      [6, 'Plan to Watch', 0],
    ],
    'statuses that the file does not name have the names of the data set',
  )
  t.match(data.site_users_by_status[1], { status: 2, users: 718161 })
  t.strictSame(data.site_users_by_score[9], { score: 10, users: 229170 })
  t.strictSame(data.site_users_by_score[8], { score: 9, users: null }, 'Unknown is unknown')
  t.strictSame(data.users_by_score[8], { score: 9, users: 1 })

  const unknown = (await house.get('/v1/anime/titles/5')).body.data
  t.equal(unknown.title, 'Unknown', 'a title may be called so')
  for (const column of ['type', 'episodes', 'aired_from', 'year', 'season', 'site_score', 'site_members', 'synopsis'])
    t.equal(unknown[column], null, column)
  t.strictSame([unknown.genres, unknown.site_users_by_score], [[], null])
  t.equal(unknown.studios[0].studio_id, data.studios[0].studio_id)
  t.equal((await house.get('/v1/anime/titles/7')).status, 404)
})

t.test('Aired and Premiered give days as exact as they are told, a year and a season', async (t) => {
  const house = await build(t)
  const cases: [aired: string, premiered: string, stored: string][] = [
    ['Oct 4, 2015 to ?', 'Unknown', '2015-10-04|day|-|-|2015|fall'],
    ['2001', 'Unknown', '2001-01-01|year|-|-|2001|-'],
    ['Jul 2000', 'Unknown', '2000-07-01|month|-|-|2000|summer'],
    ['Jul, 2000 to 2003', 'Unknown', '2000-07-01|month|2003-01-01|year|2000|summer'],
    ['Not available', 'Unknown', '-|-|-|-|-|-'],
    ['Unknown', 'Winter 2021', '-|-|-|-|2021|winter'],
    ['Dec 28, 2019 to Mar 2020', 'Winter 2020', '2019-12-28|day|2020-03-01|month|2020|winter'],
    ['? to Mar 3, 1990', 'Unknown', '-|-|1990-03-03|day|-|-'],
    ['Mar 31, 2010', 'Unknown', '2010-03-31|day|-|-|2010|winter'],
    ['Feb 30, 2010', 'Unknown', '-|-|-|-|-|-'],
    ['Soon', 'Monsoon 2010', '-|-|-|-|-|-'],
    ['May 5, 2010 to Jun 5, 2010 to Jul 5, 2010', 'Fall', '-|-|-|-|-|-'],
  ]
  const load = await loadFolder(house, 'a', {
    'anime.csv': titlesCsv(...cases.map(([Aired, Premiered]) => ({ Aired, Premiered }))),
  })
  t.match(load, { state: 'published', files: [{ read: 12, loaded: 12, warnings: 5 }] })
  const columns = ['aired_from', 'aired_from_precision', 'aired_to', 'aired_to_precision', 'year', 'season']
  const rows = await rowsOf(
    house,
    1,
    'title',
    ['anime_id', ...columns.map((name) => `coalesce(${name}::text, '-')`)].join(),
  )
  t.strictSame(
    rows.map((row) => row.replace(/^\d+\|/, '')),
    cases.map(([, , stored]) => stored),
  )
  const span = 'is not a time on air, such as Apr 3, 1998 to Apr 24, 1999'
  t.strictSame(await leftOut(house, 1), [
    `anime.csv 11 bad_aired warning: "Feb 30, 2010" ${span}`,
    `anime.csv 12 bad_aired warning: "Soon" ${span}`,
    'anime.csv 12 bad_premiered warning: "Monsoon 2010" is not a season and a year, such as Spring 1998',
    `anime.csv 13 bad_aired warning: "May 5, 2010 to Jun 5, 2010 to Jul 5, 2010" ${span}`,
    'anime.csv 13 bad_premiered warning: "Fall" is not a season and a year, such as Spring 1998',
  ])
})

t.test('a bad cell costs itself, and one that identifies costs the record', async (t) => {
  const house = await build(t)
  const cases: [cells: Record<string, string>, found: string][] = [
    [{ MAL_ID: 'x' }, 'bad_id reject: "x" is not an integer'],
    [{ MAL_ID: '3000000000' }, 'id_out_of_range reject: 3000000000 is larger than 2^31 - 1'],
    [{ MAL_ID: '' }, 'missing reject: is missing'],
    [{ Name: '' }, 'missing reject: is missing'],
    [{ Name: '&nbsp;' }, 'missing reject: "&nbsp;" is blank'],
    [{ Score: '11' }, 'number_out_of_range warning: "11" is not between 0 and 10'],
    [{ Score: 'good' }, 'bad_number warning: "good" is not a number'],
    [{ Episodes: '-1' }, 'bad_count warning: "-1" is not a count'],
    [{ Members: '1.5' }, 'bad_count warning: "1.5" is not a count'],
    [{ 'Score-7': 'many' }, 'bad_count warning: "many" is not a count'],
    [
      { Genres: "[{'name': 'x'}]" },
      `bad_names warning: "[{'name': 'x'}]" is a list in another notation; names are expected`,
    ],
  ]
  const load = await loadFolder(house, 'a', { 'anime.csv': titlesCsv({}, ...cases.map(([cells]) => cells)) })
  t.match(load, { state: 'published', files: [{ read: 12, loaded: 7, rejected: 5, warnings: 6 }] })
  t.strictSame(
    await leftOut(house, 1),
    cases.map(([, found], index) => `anime.csv ${index + 3} ${found}`),
  )
  t.match((await house.get('/v1/anime/titles/9')).body.data, { episodes: null, title: 'Title 9' })
})

t.test('of the titles of one id the last stays, whatever else the file has twice', async (t) => {
  const house = await build(t)
  const load = await loadFolder(house, 'a', {
    'anime.csv': titlesCsv({ MAL_ID: '1', Name: 'First' }, { MAL_ID: '1' }, { MAL_ID: '1', Name: 'Title 2' }),
  })
  t.match(load.files, [{ read: 3, loaded: 1, duplicate: 2 }])
  t.strictSame(await leftOut(house, 1), [
    'anime.csv 2 superseded duplicate: title 1 stands again at line 4, with other values; the last one is kept',
    'anime.csv 3 identical duplicate: title 1 stands again at line 4, the same',
  ])
  t.strictSame(await rowsOf(house, 1, 'title', 'anime_id, title, source_line'), ['1|Title 2|4'])
})

t.test('the older shape is told by its header, whatever the file is called', async (t) => {
  const house = await build(t)
  const rows = [
    ['32281', 'Kimi no Na wa.', 'Drama, Romance', 'Movie', '1', '9.37', '200630'],
    ['9969', 'Gintama&#039;', 'Action', 'TV', '51', '9.16', '151266'],
    ['33662', 'Taka no Tsume 8', '', '', 'Unknown', '', '13'],
  ]
  for (const name of ['anime.csv', 'anime_2016.csv', 'old.csv']) {
    const load = await loadFolder(house, name, { [name]: titles2016(...rows) }, { force: true })
    t.match(load, { state: 'published', format: 'anime-2016', files: [{ read: 3, loaded: 3, warnings: 0 }] }, name)
    t.match(load.row_counts, { title: 3, title_genre: 3, genre: 3, company: 0 })
  }
  const { data } = (await house.get('/v1/anime/titles?sort=-site_members')).body
  t.match(data, [
    { title: 'Kimi no Na wa.', type: 'Movie', episodes: 1, site_score: 9.37, site_members: 200630, users: null },
    { title: "Gintama'" },
    { title: 'Taka no Tsume 8', type: null, episodes: null, site_score: null, year: null },
  ])
  const both = { 'anime.csv': titlesCsv({}), 'titles.csv': titles2016(['2', 'b', '', '', '1', '', '']) }
  t.match(await loadFolder(house, 'both', both), { format: 'anime-2020' })
  const part = await house.file('part/anime_with_synopsis.csv', 'MAL_ID,Name,Score,Genres,sypnopsis\n1,a,1,b,c\n')
  t.match(await house.load(part, { subject: 'anime' }), { state: 'failed', error: /is a part of a load/ })
  t.match(await house.load(part, { subject: 'anime', mode: 'merge' }), { state: 'published' })
  t.match((await house.get('/v1/anime/titles/1')).body.data, { title: 'Title 1', synopsis: 'c' })
})
