import { sql } from 'kysely'
import t from 'tap'
import { build } from '../build.ts'
import { awkward } from './awkward.ts'
import {
  countsOf,
  figures,
  LOG,
  leftOut,
  loaded,
  log,
  play,
  playsSeen,
  publish,
  rollBack,
  rowsOf,
  song,
  trackFile,
  tree,
  visit,
} from './scene.ts'

/** What a load adds, and what going back hides. */

const three = [play({ itemInSession: 0 }), play({ itemInSession: 1, ts: 10 }), visit({ itemInSession: 2, ts: 20 })]
const more = [play({ itemInSession: 3, ts: 30 }), play({ itemInSession: 4, ts: 40 })]

t.test('a log that grows adds exactly its new events', async (t) => {
  const house = await build(t)
  await loaded(house, { [LOG]: log(...three) })
  const second = await loaded(house, { [LOG]: log(...three, ...more) })
  t.match(second, { state: 'published', mode: 'merge', previous_load: 1, row_counts: { songplay: 2, event: 0 } })
  t.strictSame(countsOf(second), ['2018-11-15-events.json: 5 = 2 + 0 + 3 + 0'])
  t.strictSame(
    await leftOut(house, 2),
    [0, 1, 2].map(
      (item) =>
        `${LOG} ${item + 1} identical duplicate: item ${item} of session 139 at 2018-11-15T00:00:${item || '0'}0.000Z is in load 1 already, the same`,
    ),
  )
  t.strictSame(await playsSeen(house), ['139/0', '139/1', '139/3', '139/4'])
  const sources = await rowsOf(house, 'songplays', 'fields=source_load_id,source_file,source_line&sort=songplay_id')
  t.strictSame(
    sources.map((row) => Object.values(row).join(' ')),
    [`1 ${LOG} 1`, `1 ${LOG} 2`, `2 ${LOG} 4`, `2 ${LOG} 5`],
  )
})

t.test('the same file again is unchanged, even elsewhere; the same lines in another file are duplicates', async (t) => {
  const house = await build(t)
  await loaded(house, { [LOG]: log(...three) })
  const again = await loaded(house, { 'moved/events.json': log(...three) })
  t.match(again, {
    state: 'unchanged',
    notes: ['1 of 1 files are as earlier loads read them, the last of which is load 1'],
  })
  const other = await loaded(house, { 'other-events.json': log(...three.toReversed(), { ...three[0], level: 'paid' }) })
  t.strictSame(countsOf(other), ['other-events.json: 4 = 0 + 0 + 4 + 0'])
  t.match(
    await leftOut(house, other.id),
    [/ 4 superseded .*is in load 1|stands already/, /./, /./, /./].map(() => / duplicate: /),
  )
  t.equal(other.state, 'published')
  const forced = await loaded(house, { [LOG]: log(...three) }, { force: true })
  t.strictSame(countsOf(forced), ['2018-11-15-events.json: 3 = 0 + 0 + 3 + 0'], 'forced, it is read, and adds nothing')
  t.strictSame(await playsSeen(house), ['139/0', '139/1'])
})

t.test('a late day, and a log of two folders by one name, add their events', async (t) => {
  const house = await build(t)
  await loaded(house, { [LOG]: log(play({ ts: 86_400 * 3 })) })
  const late = await loaded(house, {
    'a/events.json': log(play({ ts: 60 })),
    'b/events.json': log(play({ ts: 60 }), play({ ts: 120, itemInSession: 1 })),
  })
  t.match(late, {
    state: 'published',
    data_through: '2018-11-18',
    files: [
      { name: 'a/events.json', loaded: 1 },
      { name: 'b/events.json', loaded: 1, duplicate: 1 },
    ],
  })
  t.strictSame(
    (await rowsOf(house, 'plays')).map(({ period, plays }) => `${period} ${plays}`),
    ['2018-11-15 2', '2018-11-18 1'],
  )
})

t.test('songs that come after their plays are found, and go with the load that brought them', async (t) => {
  const house = await build(t)
  await loaded(house, { [LOG]: log(...three) })
  const songs = await loaded(house, { [trackFile(1)]: JSON.stringify(song()) })
  t.match(songs, { state: 'published', row_counts: { song: 1, artist: 1, song_match: 2, songplay: 0 } })
  const match = async (query = '') => (await rowsOf(house, 'top-songs', query))[0]
  t.match(await match(), { song_id: 'SOGOTTABE00000000A', plays: 2, matched_plays: 2 })
  t.match(await match('as_of=1'), { song_id: null, plays: 2, matched_plays: 0 })
  const later = await loaded(house, { [LOG]: log(...three, ...more) })
  t.match(later.notes, ['2 of 2 plays match a song by title, artist and length'])
  t.match(await match(), { matched_plays: 4 })
  t.equal(await rollBack(house, 1), 1)
  t.match(await match(), { song_id: null, matched_plays: 0 })
  await loaded(house, { [LOG]: log(...more) })
  t.match(await match(), { plays: 4, matched_plays: 0 }, 'a song that was taken back is found by no later play')
})

t.test('a user is who the latest event says, in whatever order the events come', async (t) => {
  const house = await build(t)
  const name = (ts: number, lastName: string) => ({ [LOG]: log(play({ ts, lastName })) })
  for (const [ts, lastName] of [
    [10, 'Koch'],
    [30, 'Koch'],
    [20, 'O’Neil'],
  ] as const)
    await loaded(house, name(ts, lastName))
  t.match(await rowsOf(house, 'users'), [{ last_name: 'Koch', plays: 3 }])
})

t.test('going back hides exactly what the withdrawn load brought, and loading it again brings it back', async (t) => {
  const house = await build(t)
  const [first = '', second = '', third = ''] = Object.keys(awkward)
  const { [first]: one, [second]: two, [third]: three, ...songs } = awkward
  const source = await tree(house, { [second]: String(two), ...songs })
  await loaded(house, { [first]: String(one) })
  const before = await figures(house)
  await house.load(source, { subject: 'music' })
  await loaded(house, { [third]: String(three) })
  const all = await figures(house)
  t.equal(await rollBack(house), 2)
  t.equal(await rollBack(house), 1)
  t.strictSame(await figures(house), before)
  await loaded(house, { [third]: String(three) })
  t.match(await house.get('/v1/loads/4'), { body: { state: 'published', previous_load: 1 } })
  const withoutSecond = await figures(house)
  t.notSame(withoutSecond, all)
  const scheduled = await house.load(source, { subject: 'music', trigger: 'schedule' })
  t.match(scheduled, { state: 'unchanged' }, 'what was taken back does not come again by itself')
  t.strictSame(await figures(house), withoutSecond)
  const again = await house.load(source, { subject: 'music' })
  t.match(again, { state: 'published', previous_load: 4 })
  t.strictSame(await figures(house), all, 'as if it had never been withdrawn')
  for (const [id, said] of [
    [1, before],
    [3, all],
    [4, withoutSecond],
  ] as const)
    t.strictSame(await figures(house, id), said, `as of load ${id} it is what it was`)
  await publish(house, 3)
  t.strictSame(await figures(house), all)
})

t.test('a dry run keeps nothing, and its files are as new to later loads as before', async (t) => {
  const house = await build(t)
  await loaded(house, { [LOG]: log(...three) })
  const dry = await loaded(house, { 'b-events.json': log(...three, ...more) }, { dryRun: true })
  t.match(dry, { state: 'checked', row_counts: { songplay: 2 } })
  t.strictSame(countsOf(dry), ['b-events.json: 5 = 2 + 0 + 3 + 0'])
  const { rows } =
    await sql`select from music.songplay where load_id = 2 union all select from music.user where load_id = 2`.execute(
      house.warehouse.writer,
    )
  t.equal(rows.length, 0)
  await loaded(house, { 'c-events.json': log(play({ sessionId: 200 })) })
  t.match(await loaded(house, { 'b-events.json': log(...three, ...more) }), {
    state: 'published',
    row_counts: { songplay: 2 },
  })
})
