import t from 'tap'
import { build } from '../build.ts'
import {
  type Cells,
  countsOf,
  LOG,
  leftOut,
  loaded,
  log,
  play,
  playsSeen,
  rowsOf,
  song,
  trackFile,
  visit,
} from './scene.ts'

/** Each record that cannot be read is left out with its file, line and reason; what is wrong beside that costs its cell alone. */

const without = (column: string, cells: Cells = play()) =>
  Object.fromEntries(Object.entries(cells).filter(([name]) => name !== column))
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
/** A play's line with a cell as it is written. */
const written = (column: string, text: string) => JSON.stringify(play({ [column]: '@' })).replace('"@"', text)

const rejected: [line: Cells | string | Buffer, why: RegExp][] = [
  ['{"artist": "cut', /bad_json reject: is no JSON/],
  ['NaN', /bad_json reject/],
  ['[1, 2]', /not_an_object reject: is an array, not an object/],
  ['null', /not_an_object reject: is null, not an object/],
  ['"text"', /not_an_object reject: is a string/],
  ['{}', /missing reject: \w+: is missing/],
  [`${JSON.stringify(play())}${JSON.stringify(play())}`, /bad_json reject/],
  [play({ userId: '' }), /missing reject: userId: is missing/],
  [without('userId'), /missing reject: userId: is missing/],
  [play({ userId: 'abc' }), /bad_id reject: userId: "abc" is not an integer/],
  [play({ userId: 0 }), /bad_id reject: userId: "0" is not a positive integer/],
  [play({ userId: '-8' }), /bad_id reject: userId/],
  [play({ userId: 8.5 }), /bad_id reject: userId: "8.5"/],
  [play({ userId: { id: 8 } }), /not_text reject: userId/],
  [play({ userId: true }), /not_text reject: userId/],
  [written('userId', '9007199254740992'), /id_out_of_range reject: userId/],
  [written('userId', '9007199254740993'), /id_out_of_range reject: userId/],
  [written('userId', '1e400'), /bad_id reject: userId/],
  [visit({ userId: 'abc' }), /bad_id reject: userId/],
  [written('sessionId', '9007199254740993'), /id_out_of_range reject: sessionId/],
  [play({ sessionId: null }), /missing reject: sessionId/],
  [play({ itemInSession: -1 }), /bad_count reject: itemInSession/],
  [play({ itemInSession: 2 ** 31 }), /bad_count reject: itemInSession: 2147483648 is too large/],
  [play({ ts: null }), /missing reject: ts/],
  [play({ ts: '2018-11-15' }), /bad_count reject: ts/],
  [
    play({ ts: 1_542_241_826 * 100 }),
    /time_out_of_range reject: ts: 154224182600 is not between 2000 and 2100 in milliseconds/,
  ],
  [play({ ts: 1_542_241_826 }), /time_out_of_range reject: ts: 1542241826 /],
  [play({ ts: -1_542_241_826_000 }), /bad_count reject: ts/],
  [play({ ts: 1_542_241_826_000.5 }), /bad_count reject: ts: "1542241826000.5" is not a count/],
  [play({ ts: 4_102_444_800_000 }), /time_out_of_range reject: ts/],
  [written('ts', '1e30'), /bad_count reject: ts/],
  [play({ page: ' ' }), /missing reject: page/],
  [play({ page: ['NextSong'] }), /not_text reject: page/],
  [play({ song: null }), /missing reject: song/],
  [play({ artist: '' }), /missing reject: artist/],
  [play({ song: 'x'.repeat(401) }), /too_long reject: song: ".*…" is longer than 400 characters/],
  [play({ song: 'a\0b' }), /\w+ reject: song/],
  [play({ artist: '\ud800' }), /\w+ reject: artist/],
  [Buffer.from(JSON.stringify(play({ song: 'é', artist: 'Bj' })), 'latin1'), /\w+ reject: song/],
  [written('page', nested(5000)), /nested_too_deeply reject: is nested deeper than 64 levels/],
  [written('song', `"${'x'.repeat(1 << 20)}"`), /record_too_large reject: is larger than 1 MiB/],
]

/** Enough sound ones that the bad ones do not block the load, each of a session of its own. */
const sound = (from: number, count: number) =>
  Array.from({ length: count }, (_, number) => play({ sessionId: from + number }))
const bytes = (line: Cells | string | Buffer) =>
  Buffer.isBuffer(line) ? line : Buffer.from(typeof line === 'string' ? line : JSON.stringify(line))
const joined = (lines: (Cells | string | Buffer)[]) =>
  Buffer.concat(lines.flatMap((line) => [bytes(line), Buffer.from('\n')]))

t.test('each record that cannot be read is named by file, line, code and column, and costs itself alone', async (t) => {
  const house = await build(t)
  const lines = rejected.flatMap(([line], number) => [line, play({ sessionId: 1 + number })])
  const load = await loaded(house, { [LOG]: joined([...lines, ...sound(1000, 5000)]) })
  t.match(load, { state: 'published', error: null })
  const count = rejected.length
  t.strictSame(countsOf(load), [`2018-11-15-events.json: ${2 * count + 5000} = ${count + 5000} + ${count} + 0 + 0`])
  const found = await leftOut(house, load.id)
  t.equal(found.length, count)
  for (const [number, [line, why]] of rejected.entries()) {
    const where = `${LOG} ${2 * number + 1} `
    t.match(
      found.find((text) => text.startsWith(where)) ?? 'loaded',
      why,
      `line ${2 * number + 1}: ${bytes(line).toString().slice(0, 60)}`,
    )
  }
  t.equal((await playsSeen(house, 'limit=1000&to=2018-11-15')).length, 1000)
})

t.test('a bad cell that a record can do without is blank, with a warning', async (t) => {
  const house = await build(t)
  const cells: [Cells, RegExp][] = [
    [{ level: 'gold' }, /bad_level warning: level: "gold" is none of free, paid/],
    [{ status: 999 }, /bad_status warning: status: 999 is no status of HTTP/],
    [{ status: 'ok' }, /bad_count warning: status/],
    [{ length: -1 }, /number_out_of_range warning: length/],
    [{ length: 'long' }, /bad_number warning: length/],
    [{ registration: 1_540_344_794 }, /time_out_of_range warning: registration/],
    [{ location: 'x'.repeat(401) }, /too_long warning: location/],
    [{ firstName: { first: 'Kaylee' } }, /not_text warning: firstName/],
    [{ userAgent: 'a\0b' }, /\w+ warning: userAgent/],
    [{ location: '\udc00' }, /\w+ warning: location/],
  ]
  const load = await loaded(house, {
    [LOG]: log(...cells.map(([cell], number) => play({ ...cell, sessionId: 1 + number }))),
  })
  t.match(load, { state: 'published', files: [{ read: 10, loaded: 10, rejected: 0, warnings: 10 }] })
  const found = await leftOut(house, load.id)
  for (const [number, [, why]] of cells.entries()) t.match(found[number], why)
  t.match(
    (await rowsOf(house, 'plays', 'grain=all&split=level')).map(({ group, plays }) => `${group} ${plays}`).sort(),
    ['free 9', 'unknown 1'],
  )
})

t.test('what is odd but sound is read', async (t) => {
  const house = await build(t)
  const lines = [
    written('registration', '1540344794796.0').replace('"8"', '8.0'),
    '{"__proto__": {"page": "Home"}, "constructor": 1, "toString": null, ' +
      JSON.stringify(play({ sessionId: 2 })).slice(1),
    `  ${JSON.stringify(play({ sessionId: 3, song: ' Bl\u00e5 ', more: { deep: JSON.parse(nested(60)) } }))}\t\r`,
    '',
    JSON.stringify(play({ sessionId: 4, userId: 9007199254740991, ts: '1542240000000' })),
    JSON.stringify(play({ sessionId: 5, song: 'first' })).replace('"song":"first"', '"song":"first","song":"last"'),
    JSON.stringify(play({ sessionId: 6, userAgent: 'x'.repeat(100_000) })),
    written('more', nested(63)).replace('139', '7'),
  ]
  const load = await loaded(house, { [LOG]: `\ufeff${lines.join('\n')}` })
  t.strictSame(countsOf(load), ['2018-11-15-events.json: 7 = 7 + 0 + 0 + 0'])
  const rows = await rowsOf(house, 'songplays', 'sort=source_line')
  t.strictSame(
    rows.map(({ source_line }) => source_line),
    [1, 2, 3, 5, 6, 7, 8],
  )
  t.match(rows, [
    { user_id: 8 },
    {},
    { song: 'Blå' },
    { user_id: 9007199254740991, start_time: '2018-11-15T00:00:00.000Z' },
    { song: 'last' },
    {},
    {},
  ])
})

t.test('a log of which more than one record in a hundred is bad is blocked; a short one is not', async (t) => {
  const house = await build(t)
  const bad = (count: number) => Array.from({ length: count }, () => 'broken')
  const cases = [
    [99, 50, 'published'],
    [198, 2, 'published'],
    [98, 2, 'blocked'],
    [197, 3, 'blocked'],
  ] as const
  for (const [number, [good, broken, state]] of cases.entries()) {
    const lines = [...sound(1 + 1000 * number, state === 'published' && broken === 50 ? 49 : good), ...bad(broken)]
    t.match(await loaded(house, { [LOG]: log(...lines) }), { state }, `${broken} of ${lines.length}`)
  }
  t.equal((await playsSeen(house)).length, 49 + 198)
})

t.test('bad songs are left out by file and line, and a song told twice is the last one', async (t) => {
  const house = await build(t)
  const songs: [Cells | string, RegExp?][] = [
    [song()],
    [song({ song_id: '' }), /1 missing reject: song_id/],
    [song({ title: null }), /1 missing reject: title/],
    ['{"song_id": ', /1 bad_json reject/],
    [
      song({ song_id: 'SO5', year: 12, duration: 'long', artist_latitude: 91 }),
      /1 bad_year warning: year[\s\S]*bad_number warning: duration|warning/,
    ],
    [song({ year: 1994 })],
  ]
  const load = await loaded(house, {
    [LOG]: log(play()),
    ...Object.fromEntries(
      songs.map(([one], number) => [trackFile(number), typeof one === 'string' ? one : JSON.stringify(one)]),
    ),
  })
  t.match(load, { state: 'published', row_counts: { song: 2, artist: 1, song_match: 1 } })
  const found = await leftOut(house, load.id)
  for (const [number, [, why]] of songs.entries())
    if (why) t.match(found.filter((text) => text.startsWith(trackFile(number))).join('\n'), why)
  t.match(
    found[0],
    /superseded duplicate: song SOGOTTABE00000000A stands again at line 1, with other values; the last one is kept/,
  )
})
