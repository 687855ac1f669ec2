import t from 'tap'
import { build } from '../build.ts'
import { metadata, sound } from './sources.ts'
import { actor, creditsCsv, folderOf, keywordsCsv, leftOut, rowsOf, worker } from './whole-data.ts'

t.test('credits and keywords beside the films become people, parts, jobs and words', async (t) => {
  const house = await build(t)
  const folder = await folderOf(house, 'a', {
    'movies_metadata.csv': metadata(sound(3)),
    'credits.csv': creditsCsv(
      [
        `[${actor(31, "Miles O'Keeffe", 'Woody (voice)')}, ${actor(31, "Miles O'Keeffe", 'Woody (voice)', 7)}, ${actor(31, 'M. O.', 'Himself', 2)}]`,
        `[${worker(7879, 'John Lasseter', 'Director', 'Directing')}, ${worker(7879, 'John Lasseter', 'Screenplay', 'Writing')}]`,
        '1',
      ],
      [`[${actor(9, 'Early', 'A')}]`, '[]', '2'],
      ["[{'id': 'x'", `[${worker(5, 'Ann', 'Editor', 'Editing')}, {'id': 'abc', 'name': 'Bob'}]`, '3'],
      ['[]', '[]', 'many'],
      [`[${actor(9, 'Nine', '')}]`, '[]', '2'],
      [`[${actor(10, 'Ten', 'T')}]`, '[]', '99'],
    ),
    'keywords.csv': keywordsCsv(
      ['1', "[{'id': 931, 'name': 'jealousy'}, {'id': 4290, 'name': \"boy's toy\"}, {'id': 931, 'name': 'jealousy'}]"],
      ['2', '[]'],
      ['98', "[{'id': 1, 'name': 'lost'}]"],
    ),
  })
  const load = await house.load(folder)
  t.equal(load.error, null)
  t.match(load.files, [
    { family: 'films', read: 3, loaded: 3 },
    {
      family: 'credits',
      read: 6,
      loaded: 3,
      rejected: 1,
      duplicate: 1,
      unmatched: 1,
      unmatched_by: { film_absent: 1 },
      warnings: 2,
    },
    { family: 'keywords', read: 3, loaded: 2, unmatched: 1, unmatched_by: { film_absent: 1 } },
  ])
  t.strictSame(await rowsOf(house, 1, 'film_cast', 'film_id, person_id, character, cast_order'), [
    '1|31|Himself|2',
    '1|31|Woody (voice)|0',
    '2|9||0',
  ])
  t.strictSame(await rowsOf(house, 1, 'film_crew', 'film_id, person_id, job, department'), [
    '1|7879|Director|Directing',
    '1|7879|Screenplay|Writing',
    '3|5|Editor|Editing',
  ])
  t.strictSame(
    await rowsOf(house, 1, 'person', 'person_id, name'),
    ['5|Ann', '9|Nine', '31|M. O.', '7879|John Lasseter'].sort(
      (a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10),
    ),
  )
  t.strictSame(await rowsOf(house, 1, 'film_keyword', 'film_id, keyword_id'), ['1|931', '1|4290'])
  t.strictSame(await rowsOf(house, 1, 'keyword', 'keyword_id, name'), ['931|jealousy', "4290|boy's toy"])
  t.strictSame(await leftOut(house, 1), [
    'credits.csv 3 superseded duplicate: credits of film 2 stands again at line 6, with other values; the last one is kept',
    `credits.csv 4 bad_literal warning: expected ',' or '}' at character 12, found the end of the text in "[{'id': 'x'"`,
    'credits.csv 4 bad_member warning: 1.id: Invalid input: expected number, received string in {"id":"abc","name":"Bob"}',
    'credits.csv 5 bad_id reject: "many" is not an integer',
    'credits.csv 7 film_absent unmatched: the load has no film 99',
    'keywords.csv 4 film_absent unmatched: the load has no film 98',
  ])
  t.match(load.families, [
    { family: 'credits', load: 1, files: ['credits.csv'] },
    { family: 'films', load: 1, files: ['movies_metadata.csv'] },
    { family: 'keywords', load: 1, files: ['keywords.csv'] },
  ])
})

t.test('what had no film is taken over once there is one', async (t) => {
  const house = await build(t)
  const films = metadata(sound(1))
  const credits = creditsCsv([`[${actor(9, 'Nine', 'X')}]`, '[]', '2'], [`[${actor(8, 'Eight', 'Y')}]`, '[]', '1'])
  await house.load(await folderOf(house, 'a', { 'movies_metadata.csv': films, 'credits.csv': credits }))
  t.strictSame(await rowsOf(house, 1, 'film_cast', 'film_id, person_id'), ['1|8'])
  const early = await house.load('', { replayOf: 1, mode: 'merge' })
  t.match(early, {
    state: 'unchanged',
    error: null,
    notes: ['none of the records that load 1 left out brings anything new yet'],
    files: [{ name: 'credits.csv', read: 1, loaded: 0, unmatched: 1, unmatched_by: { film_absent: 1 } }],
  })
  t.strictSame(await leftOut(house, early.id), ['credits.csv 2 film_absent unmatched: the load has no film 2'])
  t.strictSame(await rowsOf(house, early.id, 'film', 'film_id'), [], 'no snapshot was made')
  const load = await house.load(await house.file('movies_metadata.csv', metadata(sound(2))))
  t.strictSame(await rowsOf(house, 3, 'film_cast', 'film_id, person_id'), ['1|8', '2|9'])
  t.strictSame(await rowsOf(house, 3, 'person', 'person_id, name'), ['8|Eight', '9|Nine'])
  t.match(load, {
    state: 'published',
    files: [{ name: 'movies_metadata.csv', read: 2, loaded: 2 }],
    notes: [
      'credits carried over from load 1 (credits.csv of 2017-07-26)',
      'credits.csv of load 1: 1 record that had no film then is taken over, as this load has it',
    ],
  })
  t.equal(load.files.length, 1, 'the record was read and counted in load 1')
  t.strictSame(await leftOut(house, 3), [])
  const again = await house.load('', { replayOf: 1, mode: 'merge' })
  t.match(again, { state: 'unchanged', files: [{ read: 1, loaded: 0, duplicate: 1 }] }, 'the published load has them')
})

t.test(
  'the last record of a film that came is taken over, whichever load read it, and whoever lost it since',
  async (t) => {
    const house = await build(t)
    const films = (count: number) => house.file(`movies_metadata-20${10 + count}.csv`, metadata(sound(count)))
    await house.load(
      await folderOf(house, 'a', {
        'movies_metadata.csv': metadata(sound(1)),
        'credits.csv': creditsCsv(
          [`[${actor(8, 'Eight', 'Y')}]`, '[]', '1'],
          [`[${actor(9, 'Old', 'X')}]`, '[]', '2'],
          [`[${actor(8, 'Acht', 'Z')}]`, "[{'id': 1", '3'],
        ),
        'keywords.csv': keywordsCsv(['2', "[{'id': 4, 'name': 'sea'}]"]),
      }),
    )
    const merged = await house.file(
      'credits.csv',
      creditsCsv([`[${actor(9, 'New', 'X')}]`, '[]', '2'], ['[]', '[]', '4']),
    )
    await house.load(merged, { mode: 'merge' })
    // What a replay reads is no newer for it.
    await house.load('', { replayOf: 1, mode: 'merge', mended: [] })
    const third = await house.load(await films(3))
    t.strictSame(await rowsOf(house, third.id, 'film_cast', 'film_id, person_id'), ['1|8', '2|9', '3|8'])
    t.strictSame(
      await rowsOf(house, third.id, 'person', 'person_id, name'),
      ['8|Eight', '9|New'],
      'names that show stay',
    )
    t.strictSame(await rowsOf(house, third.id, 'film_keyword', 'film_id, keyword_id'), ['2|4'])
    t.match(third.notes.slice(-3), [
      'credits.csv of load 1: 1 record that had no film then is taken over, as this load has it',
      'credits.csv of load 2: 1 record that had no film then is taken over, as this load has it',
      'keywords.csv of load 1: 1 record that had no film then is taken over, as this load has it',
    ])
    t.match(await leftOut(house, third.id), [/^credits.csv of load 1 4 bad_literal warning: /])
    const less = await house.load(await films(1))
    t.strictSame(await rowsOf(house, less.id, 'film_cast', 'film_id, person_id'), ['1|8'])
    const back = await house.load(await films(2), { mode: 'merge' })
    t.equal(back.error, null)
    t.strictSame(await rowsOf(house, back.id, 'film_cast', 'film_id, person_id'), ['1|8', '2|9'])
    // A record of the load's own comes first, even one that tells of nobody.
    await house.load(await films(1), { force: true })
    const own = await folderOf(house, 'own', {
      'movies_metadata.csv': metadata(sound(2)),
      'credits.csv': creditsCsv(['[]', '[]', '2']),
    })
    const last = await house.load(own, { mode: 'merge' })
    t.equal(last.error, null)
    t.strictSame(await rowsOf(house, last.id, 'film_cast', 'film_id, person_id'), ['1|8'])
    t.strictSame(await rowsOf(house, last.id, 'film_keyword', 'film_id, keyword_id'), ['2|4'])
  },
)

t.test('records whose text was not kept are told, where their film has come', async (t) => {
  const house = await build(t)
  const long = actor(9, 'Nine', 'x'.repeat(100_001))
  const credits = creditsCsv([`[${long}]`, '[]', '2'], [`[${long}]`, '[]', '3'])
  await house.load(await folderOf(house, 'a', { 'movies_metadata.csv': metadata(sound(1)), 'credits.csv': credits }))
  const load = await house.load(await house.file('movies_metadata.csv', metadata(sound(2))))
  t.equal(
    load.notes.at(-1),
    'credits.csv of load 1: 1 record that had no film then would have one now, but no text of it was kept; load that file again, with mode merge',
  )
})

t.test('lists as JSON, and keywords in the file of the films', async (t) => {
  const house = await build(t)
  const quoted = (value: unknown) => `"${JSON.stringify(value).replaceAll('"', '""')}"`
  const folder = await folderOf(house, 'a', {
    'tmdb_5000_movies.csv': `id,title,release_date,budget,revenue,genres,production_companies,keywords\n1,One,1995-10-30,1,1,[],[],${quoted([{ id: 4, name: 'sea' }])}\n`,
    'tmdb_5000_credits.csv': `movie_id,title,cast,crew\n1,One,${quoted([{ id: 9, name: 'Nine', character: 'X', order: 3 }])},${quoted([{ id: 5, name: 'Ann', job: 'Editor', department: 'Editing' }])}\n`,
  })
  const load = await house.load(folder)
  t.match(load, { state: 'published', format: 'tmdb-5000', error: null })
  t.strictSame(await rowsOf(house, 1, 'film_cast', 'film_id, person_id, character, cast_order'), ['1|9|X|3'])
  t.strictSame(await rowsOf(house, 1, 'film_crew', 'film_id, person_id, job, department'), ['1|5|Editor|Editing'])
  t.strictSame(await rowsOf(house, 1, 'film_keyword', 'film_id, keyword_id'), ['1|4'])
  t.match(load.families, [{ family: 'credits' }, { family: 'films' }])
})
