import path from 'node:path'
import t from 'tap'
import { build } from '../build.ts'
import { fileOf } from './format-files.ts'
import { metadata, sound } from './sources.ts'
import { actor, creditsCsv, folderOf, keywordsCsv, LINKS, rowsOf, worker } from './whole-data.ts'

/** Files beside the films, loaded without them. */

const HEADER = 'userId,movieId,rating,timestamp'
const credits = (film: string, id: number) =>
  creditsCsv([`[${actor(id, `Actor ${id}`, 'X')}]`, `[${worker(5, 'Ann', 'Director', 'Directing')}]`, film])

t.test('each file by itself is merged into what is published', async (t) => {
  const house = await build(t)
  const first = await house.load(
    await folderOf(house, 'whole', {
      'movies_metadata.csv': metadata(sound(2)),
      'credits.csv': creditsCsv([`[${actor(9, 'Nine', 'A')}]`, '[]', '1'], [`[${actor(8, 'Eight', 'B')}]`, '[]', '2']),
      'links.csv': LINKS,
      'ratings.csv': `${HEADER}\n1,10,4,1\n2,20,3,1\n`,
    }),
  )
  const merge = async (name: string, text: string) => await house.load(await house.file(name, text), { mode: 'merge' })
  // Told by its columns, whatever its name.
  t.match(await merge('new/people.csv', credits('2', 7)), {
    state: 'published',
    error: null,
    format: 'the-movies-dataset',
    file_date: first.file_date,
    files: [{ family: 'credits', read: 1, loaded: 1 }],
    families: [
      { family: 'credits', load: 2, files: ['people.csv'], taken_over: [{ load: 1, files: ['credits.csv'] }] },
      { family: 'films', load: 1, files: ['movies_metadata.csv'], taken_over: [] },
      { load: 1 },
      { load: 1 },
    ],
  })
  t.strictSame(await rowsOf(house, 2, 'film_cast', 'film_id, person_id'), ['1|9', '2|7'])
  t.strictSame(await rowsOf(house, 2, 'person', 'person_id'), ['5', '7', '9'])
  t.strictSame(await rowsOf(house, 2, 'film', 'film_id, title, source_load_id'), ['1|Film 1|1', '2|Film 2|1'])
  t.strictSame(await rowsOf(house, 2, 'film_rating', 'film_id, rating_sum'), ['1|4.0', '2|3.0'])

  t.match(await merge('new/keywords.csv', keywordsCsv(['1', "[{'id': 4, 'name': 'sea'}]"], ['3', '[]'])), {
    state: 'published',
    files: [{ family: 'keywords', loaded: 1, unmatched: 1 }],
  })
  t.match(await merge('new/ratings.csv', `${HEADER}\n5,20,1.0,1\n5,50,1.0,1\n`), {
    state: 'published',
    files: [{ family: 'ratings', loaded: 1, unmatched: 1 }],
  })
  t.strictSame(await rowsOf(house, 4, 'film_rating', 'film_id, rating_count, rating_sum'), ['1|1|4.0', '2|1|1.0'])
  t.match(await merge('new/links_small.csv', 'movieId,imdbId,tmdbId\r\n50,,1\r\n'), {
    state: 'published',
    files: [{ family: 'links', loaded: 1 }],
  })
  t.strictSame(await rowsOf(house, 5, 'film_rating', 'film_id, rating_count, rating_sum'), ['1|2|5.0', '2|1|1.0'])
  t.strictSame(await rowsOf(house, 5, 'film_keyword', 'film_id, keyword_id'), ['1|4'])
  t.strictSame(await rowsOf(house, 5, 'film_cast', 'film_id, person_id'), ['1|9', '2|7'])
  const films = await merge('new/some.csv', metadata(sound(1)))
  t.match(
    films.families.find(({ family }) => family === 'films'),
    { load: 6, files: ['some.csv'], taken_over: [{ load: 1, files: ['movies_metadata.csv'] }] },
  )
  const again = await merge('new/more.csv', credits('1', 9))
  t.match(again.families[0], {
    family: 'credits',
    load: 7,
    taken_over: [
      { load: 2, files: ['people.csv'] },
      { load: 1, files: ['credits.csv'] },
    ],
  })
})

t.test('a folder without films, with a price index', async (t) => {
  const house = await build(t)
  await house.load(await house.file('movies_metadata.csv', metadata(sound(2))))
  const folder = await folderOf(house, 'parts', {
    'credits-2017-07.csv': credits('1', 7),
    'links.csv': LINKS,
    'links_small.csv': LINKS,
    'CPIAUCSL.csv': 'DATE,CPIAUCSL\n2000-01-01,1\n',
    'notes.txt': 'none',
  })
  t.match(await house.load(folder), {
    state: 'failed',
    error: `parts is a part of a load and no whole one: movies_metadata.csv is missing; load it with mode merge, into what is published`,
  })
  t.match(await house.load(path.join(folder, 'links.csv')), {
    state: 'failed',
    error: /movies_metadata.csv is missing/,
  })
  t.match(await house.load(path.join(folder, 'links.csv'), { format: 'tmdb-5000' }), {
    state: 'failed',
    error: /tmdb_5000_movies.csv is missing; load it with mode merge/,
  })
  const load = await house.load(folder, { mode: 'merge' })
  t.match(load, { state: 'published', notes: [/passed over: links_small.csv/] })
  t.strictSame(
    load.files.map(({ name }) => name),
    ['credits-2017-07.csv', 'links.csv', 'CPIAUCSL.csv'],
  )
  t.match(load.row_counts, { film: 2, film_cast: 1, film_crew: 1, link: 5, price_index: 1 })
})

t.test('what several formats have is of the one that is published', async (t) => {
  const house = await build(t)
  const links = await house.file('links.csv', LINKS)
  t.match(await house.load(links, { mode: 'merge' }), { error: /nothing is published to merge into/ })
  await house.load(await house.file('all.csv', fileOf('tmdb-v11', [{ id: '1' }, { id: '2' }])))
  t.match(await house.load(links, { mode: 'merge' }), {
    state: 'published',
    format: 'tmdb-v11',
    row_counts: { film: 2 },
  })
  const people = await house.file('credits.csv', credits('1', 7))
  t.match(await house.load(people, { mode: 'merge' }), {
    state: 'failed',
    error: /are not those of the published load/,
  })
  t.match(await house.load(await house.file('few.csv', 'id,keywords,title\n1,a,b\n'), { mode: 'merge' }), {
    state: 'failed',
    error: /is of no format that movies knows/,
  })
})

t.test('tables beside the films that no file of the format is like are named', async (t) => {
  const house = await build(t)
  const folder = await folderOf(house, 'a', {
    'movies_metadata.csv': metadata(sound(1)),
    'movies_metadata-2016.csv': metadata(sound(2)),
    'CPIAUCSL.csv': 'DATE,CPIAUCSL\n1947-01-01,21.48\n',
    'CPI-1.csv': 'DATE,CPIAUCSL\n1947-01-01,21\n',
    'index.csv': 'DATE,ABC-1\n1947-01-01,21.48\n',
    'tmdb_5000_credits.csv': 'movie_id,title,cast,crew\n',
    'notes.txt': 'not a table',
    ...Object.fromEntries(Array.from({ length: 5 }, (_, at) => [`b${at}.csv`, 'a,b\n1,2\n'])),
  })
  const load = await house.load(folder)
  t.equal(load.error, null)
  const strangers = load.notes.filter((note) => note.startsWith('passed over, as'))
  t.strictSame(strangers, [
    'passed over, as neither name nor columns are those of a file of the-movies-dataset: tmdb_5000_credits.csv, index.csv, b4.csv, b3.csv, b2.csv and 2 more',
  ])
})
