import t from 'tap'
import { build } from '../build.ts'
import { metadata, sound, vega } from './sources.ts'
import { folderOf, leftOut, rowsOf } from './whole-data.ts'

const films = { 'movies_metadata.csv': metadata(sound(2)) }
const PRICES = `series, month, coalesce(value::text, '-'), source_load_id`

t.test('every price index beside the films is read, whatever its header', async (t) => {
  const house = await build(t)
  const load = await house.load(
    await folderOf(house, 'a', {
      ...films,
      'CUSR0000SS62031.csv': 'DATE,CUSR0000SS62031\n1999-01-01,102.700\n1999-02-01,.\n1999-03-01,\n',
      'all items.csv':
        '"Date","CPIAUCSL"\r\n1947-01-01,21.48\r\n1947-02-15,21.6\r\n1947-03-01,0\r\n1947-01-01,21.5\r\n',
      'two.csv': 'observation_date,A,B\n2000-01-01,1,2\n2000-01-01,3,4\n',
      'notes.csv': 'date,remark\n1999-01-01,none\n',
    }),
  )
  t.equal(load.error, null)
  t.match(
    load.files
      .slice(1)
      .map(({ name, read, loaded, rejected, duplicate, warnings }) => [
        name,
        read,
        loaded,
        rejected,
        duplicate,
        warnings,
      ])
      .sort(),
    [
      ['CUSR0000SS62031.csv', 3, 3, 0, 0, 0],
      ['all items.csv', 4, 2, 1, 1, 1],
      ['two.csv', 2, 1, 0, 1, 0],
    ],
  )
  t.strictSame(await rowsOf(house, 1, 'price_index', PRICES), [
    'A|2000-01-01|3|1',
    'B|2000-01-01|4|1',
    'CPIAUCSL|1947-01-01|21.5|1',
    'CPIAUCSL|1947-03-01|-|1',
    'CUSR0000SS62031|1999-01-01|102.700|1',
    'CUSR0000SS62031|1999-02-01|-|1',
    'CUSR0000SS62031|1999-03-01|-|1',
  ])
  t.strictSame(
    await leftOut(house, 1),
    [
      'all items.csv 2 superseded duplicate: CPIAUCSL of 1947-01 stands again at line 5; the last one is kept',
      'all items.csv 3 bad_date reject: "1947-02-15" is not the first day of a month, YYYY-MM-01',
      'all items.csv 4 bad_number warning: "0" is not a number above 0',
      'two.csv 2 superseded duplicate: A, B of 2000-01 stands again at line 3; the last one is kept',
    ].sort(),
  )
})

t.test('a price index by itself is merged into whatever is published, series by series', async (t) => {
  const house = await build(t)
  const file = await house.file('CPIAUCSL.csv', '"Date","CPIAUCSL"\n1947-01-01,21.48\n1947-02-01,21.62\n')
  t.match(await house.load(file, { mode: 'merge' }), {
    state: 'failed',
    format: 'fred',
    error: /^nothing is published to merge into/,
  })
  t.match(await house.load(file), {
    state: 'failed',
    error: 'format fred is a part of a load and no whole one; load it with mode merge',
  })
  const before = await house.load(await house.file('movies.json', vega(['"Director": "Ann"', ''])))
  t.match(await house.load(file, { mode: 'merge' }), {
    state: 'published',
    format: 'fred',
    file_date: before.file_date,
    data_through: '1998-06-12',
    row_counts: { film: 2, film_crew: 1, person: 1, price_index: 2 },
    families: [
      { family: 'films', load: 3 },
      { family: 'price_index', load: 4 },
    ],
  })
  const other = await house.file('OTHER.csv', 'DATE,OTHER\n2000-01-01,5\n')
  t.match(await house.load(other, { mode: 'merge' }), { state: 'published' })
  t.match(await house.load(other, { mode: 'merge' }), { state: 'unchanged' })
  const newer = await house.file('CPIAUCSL.csv', 'observation_date,CPIAUCSL\n1947-02-01,22\n')
  t.match(await house.load(newer, { mode: 'merge' }), { state: 'published' })
  t.strictSame(await rowsOf(house, 7, 'price_index', PRICES), ['CPIAUCSL|1947-02-01|22|7', 'OTHER|2000-01-01|5|5'])
  t.strictSame(await rowsOf(house, 7, 'film', 'film_id, title, source_load_id'), ['1|Film 1|3', '2|Film 2|3'])

  const months = await house.load(await folderOf(house, 'b', films))
  t.match(months.notes, [/^price_index carried over from load 7 \(CPIAUCSL.csv of /], 'across id spaces')
  t.equal((await rowsOf(house, 8, 'price_index', PRICES)).length, 2)
})
