import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { build } from '../build.ts'
import {
  countsOf,
  deed,
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
} from './scene.ts'

/** Loads that wait for somebody to look at them, and what becomes of them meanwhile. */

const item = (number: number, cells = {}) => play({ itemInSession: number, ts: number, ...cells })

t.test('a held load that is published after others adds to what they show, less its repeats of it', async (t) => {
  const house = await build(t)
  await loaded(house, { [LOG]: log(item(0)) })
  const held = await loaded(
    house,
    { 'a-events.json': log(item(1), item(2), item(3), 'broken'), [trackFile(1)]: JSON.stringify(song()) },
    { hold: true },
  )
  t.match(held, { state: 'held', row_counts: { songplay: 3, song_match: 4 } })
  const other = await loaded(house, { 'b-events.json': log(item(2), item(3, { level: 'paid' }), item(4)) })
  t.match(other, { state: 'published', previous_load: 1, row_counts: { songplay: 3 } })
  t.strictSame(await playsSeen(house), ['139/0', '139/2', '139/3', '139/4'], 'nothing of what is held shows')
  await publish(house, held.id)
  const { body: published } = await house.get(`/v1/loads/${held.id}`)
  t.match(published, {
    state: 'published',
    previous_load: other.id,
    row_counts: { songplay: 1, event: 0, song_match: 5 },
  })
  t.strictSame(countsOf(published), ['a-events.json: 4 = 1 + 1 + 2 + 0', 'TRAAAAA00000000001.json: 1 = 1 + 0 + 0 + 0'])
  const why = (number: number, rest: string) =>
    `item ${number} of session 139 at 2018-11-15T00:00:0${number}.000Z is in load 3 already, ${rest}`
  t.match(await leftOut(house, held.id), [
    `a-events.json 2 identical duplicate: ${why(2, 'the same')}`,
    `a-events.json 3 superseded duplicate: ${why(3, 'with other values; that one is kept')}`,
    /^a-events.json 4 bad_json reject: /,
  ])
  t.strictSame(await playsSeen(house), ['139/0', '139/1', '139/2', '139/3', '139/4'])
  t.match(
    await rowsOf(house, 'top-songs'),
    [{ plays: 5, matched_plays: 5 }],
    'the songs that it brings are found for what others brought',
  )
  t.strictSame(await playsSeen(house, 'as_of=3'), ['139/0', '139/2', '139/3', '139/4'])
  t.equal(await rollBack(house), other.id, 'going back from it is going to what it was added to')
  t.strictSame(await playsSeen(house), ['139/0', '139/2', '139/3', '139/4'])
})

t.test('songs of a held load that others brought meanwhile are duplicates by then', async (t) => {
  const house = await build(t)
  const songs = { [trackFile(1)]: JSON.stringify(song()) }
  const held = await loaded(house, { [LOG]: log(item(1)), ...songs }, { hold: true })
  await loaded(house, { 'b-events.json': log(item(2)), ...songs })
  await publish(house, held.id)
  const { body } = await house.get(`/v1/loads/${held.id}`)
  t.match(body, { row_counts: { song: 0, artist: 0, song_match: 1 } })
  t.strictSame(countsOf(body), [
    '2018-11-15-events.json: 1 = 1 + 0 + 0 + 0',
    'TRAAAAA00000000001.json: 1 = 0 + 0 + 1 + 0',
  ])
})

t.test('a user whom a held load told of by a repeat is who the visible event says', async (t) => {
  const house = await build(t)
  const told = async (lastName: string) =>
    (await loaded(house, { [LOG]: log(item(1), item(2, { lastName })) }, { hold: true })).id
  const [first, second] = [await told('Koch'), await told('O’Neil')]
  await publish(house, first)
  await publish(house, second)
  t.match(await rowsOf(house, 'users'), [{ last_name: 'Koch', plays: 2 }])
})

t.test('a held load is not published when what it was made for is not all to be seen', async (t) => {
  const house = await build(t)
  await loaded(house, { 'a-events.json': log(item(0)) })
  await loaded(house, { 'b-events.json': log(item(1)) })
  const held = await loaded(house, { 'c-events.json': log(item(1), item(2)) }, { hold: true })
  await rollBack(house)
  const refused = await deed(house, `/loads/${held.id}/publish`)
  t.match(refused, {
    status: 409,
    body: {
      detail:
        'It cannot be published as it is: load 3 was to be added to load 2, and readers see load 1, which does not show all of that; publish load 2 before it, or load its files again.',
    },
  })
  t.strictSame(await playsSeen(house), ['139/0'])
  await publish(house, 2)
  await publish(house, held.id)
  t.strictSame(await playsSeen(house), ['139/0', '139/1', '139/2'])
})

t.test('the first load held, and one published before it, end as both', async (t) => {
  const house = await build(t)
  const held = await loaded(house, { 'a-events.json': log(item(0), item(1)) }, { hold: true })
  const other = await loaded(house, { 'b-events.json': log(item(1), item(2)) })
  t.match(other, { state: 'published', previous_load: null })
  await publish(house, held.id)
  const both = await figures(house)
  const whole = await build(t)
  await loaded(whole, { 'events.json': log(item(0), item(1), item(2)) })
  t.strictSame(both, await figures(whole))
})

t.test('a schedule leaves out what is held, and a load that its checks blocked shows when it is forced', async (t) => {
  const house = await build(t)
  await loaded(house, { 'a-events.json': log(item(0)) }, { hold: true })
  t.match(await loaded(house, { 'a-events.json': log(item(0)) }, { trigger: 'schedule' }), { state: 'unchanged' })
  const lines = Array.from({ length: 100 }, (_, number) => item(number))
  const blocked = await loaded(house, { 'b-events.json': log(...lines, 'x', 'y') })
  t.match(blocked, { state: 'blocked', checks: { failed: 1 } })
  const both = {
    'a-events.json': log(item(0)),
    'b-events.json': log(...lines, 'x', 'y'),
    'c-events.json': log(item(5), item(200)),
  }
  const scheduled = await loaded(house, both, { trigger: 'schedule' })
  t.strictSame(countsOf(scheduled), ['c-events.json: 2 = 2 + 0 + 0 + 0'])
  t.match(await deed(house, `/loads/${blocked.id}/publish`), { status: 409 })
  await publish(house, blocked.id, { force: true })
  t.equal((await playsSeen(house)).length, 101)
  t.strictSame(countsOf((await house.get(`/v1/loads/${blocked.id}`)).body), ['b-events.json: 102 = 99 + 2 + 1 + 0'])
})

t.test('a held load can be published while another load runs', async (t) => {
  const house = await build(t)
  const held = await loaded(house, { 'a-events.json': log(item(0)) }, { hold: true })
  await loaded(house, { 'before-events.json': log(item(2)) })
  const db = new pg.Client(house.databaseUrl)
  await db.connect()
  t.teardown(() => db.end())
  const waiting = async (number: number) => {
    const asked =
      "select from pg_locks join pg_database on oid = database where datname = current_database() and locktype = 'advisory' and not granted"
    while ((await db.query(asked)).rowCount !== number) await sleep(5)
  }
  // Behind somebody else who publishes: first the publication, then the load that is done but for that.
  await db.query('begin')
  await db.query(`select pg_advisory_xact_lock(hashtext('reelhouse.pointer'))`)
  const publishing = publish(house, held.id)
  await waiting(1)
  const loading = loaded(house, { 'b-events.json': log(item(0), item(1)) })
  await waiting(2)
  await db.query('commit')
  await publishing
  t.match(await loading, { state: 'published', error: null, previous_load: held.id })
  t.strictSame(countsOf(await loading), ['b-events.json: 2 = 1 + 0 + 1 + 0'])
  t.strictSame(await playsSeen(house), ['139/0', '139/1', '139/2'])
})
