import { sql } from 'kysely'
import t from 'tap'
import { queueLoad } from '../../ingest/ledger.ts'
import { runLoad } from '../../ingest/run.ts'
import type { Subject } from '../../ingest/subject.ts'
import { sourceAccess } from '../../src/source-access.ts'
import { build, type House } from '../build.ts'
import { metadata, sound } from '../movies/sources.ts'
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
  rollBack,
  rowsOf,
  song,
  trackFile,
  tree,
} from './scene.ts'

/** What can be done with a load of music once it is there. */

const item = (number: number, cells = {}) => play({ itemInSession: number, ts: number, ...cells })
const day = async (house: House, number: number, request = {}) =>
  await loaded(
    house,
    {
      [`${number}-events.json`]: log(item(number)),
      [trackFile(number)]: JSON.stringify(song({ song_id: `SO${number}`, title: `Song ${number}` })),
    },
    request,
  )

/** Rows of a load, in all tables. */
async function rowsLeft(house: House, id: number): Promise<Record<string, number>> {
  const { rows } = await sql<{ table: string; rows: number }>`
    select relname as "table", (xpath('/row/n/text()', query_to_xml(format('select count(*) as n from music.%I where load_id = %s', relname, ${id}::integer), false, true, '')))[1]::text::integer as rows
    from pg_class join pg_attribute on attrelid = pg_class.oid and attname = 'load_id'
    where relkind = 'r' and relnamespace = 'music'::regnamespace order by 1`.execute(house.warehouse.writer)
  return Object.fromEntries(rows.map(({ table, rows }) => [table, rows]))
}

const showsOf = async (house: House, id: number) =>
  (
    await sql<{ shows: string }>`select shows::text from reelhouse.load where load_id = ${id}`.execute(
      house.warehouse.writer,
    )
  ).rows[0]?.shows

t.test('a load that is part of a later one cannot be dropped; one that was withdrawn goes with its rows', async (t) => {
  const house = await build(t, { RETAIN_LOADS: '2' })
  for (const number of [1, 2, 3, 4]) await day(house, number)
  t.equal((await playsSeen(house)).length, 4, 'RETAIN_LOADS takes none away')
  t.strictSame(await playsSeen(house, 'as_of=1'), ['139/1'])
  t.match(await deed(house, '/loads/2', {}, 'DELETE'), {
    status: 409,
    body: { detail: 'The rows of load 2 are a part of load 3; drop that one first.' },
  })
  t.match(await deed(house, '/loads/4', {}, 'DELETE'), { status: 409 })
  t.equal(await rollBack(house, 2), 2)
  t.match(await deed(house, '/loads/3', {}, 'DELETE'), { status: 409, body: { detail: /part of load 4/ } })
  for (const id of [4, 3]) t.match(await deed(house, `/loads/${id}`, {}, 'DELETE'), { status: 200 })
  const left = async () => Object.values(await rowsLeft(house, 3)).some((rows) => rows > 0)
  while (await left()) await new Promise((resolve) => setTimeout(resolve, 20))
  t.match(await rowsLeft(house, 2), { songplay: 1, song: 1, user: 1 })
  t.equal((await house.get('/v1/music/plays?as_of=3')).status, 410)
  await day(house, 3)
  t.strictSame(await playsSeen(house), ['139/1', '139/2', '139/3'], 'and can be loaded again')
})

t.test('a replacement stands for itself, and going back returns what it replaced', async (t) => {
  const house = await build(t)
  await day(house, 1)
  await day(house, 2)
  const before = await figures(house)
  const whole = await day(house, 3, { mode: 'replace' })
  t.match(whole, { state: 'published', previous_load: 2 })
  t.strictSame(await playsSeen(house), ['139/3'])
  t.strictSame(
    countsOf(await day(house, 1)),
    ['1-events.json: 1 = 1 + 0 + 0 + 0', 'TRAAAAA00000000001.json: 1 = 1 + 0 + 0 + 0'],
    'what it does not have is new again',
  )
  t.strictSame(await playsSeen(house), ['139/1', '139/3'])
  t.equal(await rollBack(house), 3)
  t.equal(await rollBack(house), 2)
  t.strictSame(await figures(house), before)
})

t.test('loads of another subject between those of music leave them one range', async (t) => {
  const house = await build(t)
  await day(house, 1)
  await house.load(await house.file('movies_metadata.csv', metadata(sound(2))))
  await day(house, 2)
  await day(house, 3, { dryRun: true })
  await loaded(house, { 'x-events.json': '' })
  await day(house, 3)
  t.equal(await showsOf(house, 6), '{[1,7)}')
  await rollBack(house)
  await day(house, 4)
  t.equal(await showsOf(house, 7), '{[1,6),[7,8)}', 'but for what was taken back')
  t.strictSame(await playsSeen(house), ['139/1', '139/2', '139/4'])
})

t.test('what changed between two loads is told row by row', async (t) => {
  const house = await build(t)
  for (const number of [1, 2])
    await loaded(house, {
      [`${number}-events.json`]: log(item(number), item(9 * number, { song: 'Other', sessionId: number })),
    })
  const { body } = await house.get('/v1/loads/2/changes?report=music/top-songs')
  t.match(body.meta, { load: { id: 2 }, against: { id: 1 } })
  t.match(body.data, [
    { song: 'Other', change: 'changed', difference: { plays: 1 } },
    { song: 'You Gotta Be', change: 'changed', difference: { plays: 1 } },
  ])
})

t.test('a rejected record whose text is mended comes in with its line', async (t) => {
  const house = await build(t)
  const first = await loaded(house, { [LOG]: log(item(1), item(2, { userId: '' }), 'broken') })
  await day(house, 3)
  const mended = [
    { file: LOG, line: 2, raw: JSON.stringify(item(2)) },
    { file: LOG, line: 3, raw: JSON.stringify(item(1)) },
  ]
  const replayed = await loaded(house, {}, { replayOf: first.id, mended })
  t.match(replayed, { state: 'published', replay_of: 1, previous_load: 2, error: null })
  t.strictSame(countsOf(replayed), ['2018-11-15-events.json: 2 = 1 + 0 + 1 + 0'])
  t.match(await leftOut(house, replayed.id), [/ 3 identical duplicate: item 1 .* is in load 1 already/])
  const [row] = await rowsOf(
    house,
    'songplays',
    'sort=-songplay_id&fields=item_in_session,source_load_id,source_file,source_line',
  )
  t.strictSame(row, { item_in_session: 2, source_load_id: 1, source_file: LOG, source_line: 2 })
  const again = await loaded(house, {}, { replayOf: first.id, mended })
  t.match(again, { state: 'unchanged' }, 'once')
})

t.test('a load that is stopped leaves nothing, and its log comes in afterwards', async (t) => {
  const house = await build(t)
  await day(house, 1)
  const subject = house.subjects.get('music') as Subject
  const lines = Array.from({ length: 3000 }, (_, number) => item(number, { sessionId: 5 }))
  const source = await tree(house, { [LOG]: log(...lines) })
  const request = { subject: 'music', source, mode: 'merge', trigger: 'cli', actor: 'test' } as const
  for (const stage of ['parse', 'merge', 'check']) {
    const id = await queueLoad(house.warehouse.writer, request)
    const stop = new AbortController()
    const { connect } = house.warehouse
    const running = runLoad(subject, id, {
      connect,
      access: sourceAccess(house.config),
      retain: 13,
      signal: stop.signal,
    }).catch(() => {})
    const stageOf = async () => (await house.get(`/v1/loads/${id}`)).body
    while (!/published|failed/.test((await stageOf()).state) && (await stageOf()).stage !== stage)
      await new Promise(setImmediate)
    stop.abort(new Error('stopped'))
    await running
    const { state } = await stageOf()
    if (state === 'published') {
      t.comment(`in stage ${stage} it was done before it could be stopped`)
      await rollBack(house)
      continue
    }
    t.match(state, 'cancelled')
    t.ok(
      Object.values(await rowsLeft(house, id)).every((rows) => rows === 0),
      `nothing is left of one stopped in stage ${stage}`,
    )
  }
  t.match(await house.load(source, request), { state: 'published', row_counts: { songplay: 3000 } })
})
