import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import t, { type Test } from 'tap'
import { build, few, type House } from '../build.ts'
import { awkward } from './awkward.ts'
import * as oracle from './oracle.ts'
import { type Cells, countsOf, rowsOf, tree } from './scene.ts'

/** All reports against an oracle that knows nothing of the program. */

t.test('the figures of awkward logs are those of the oracle', async (t) => {
  const house = await build(t)
  const events = await loadedAndRead(t, house, await tree(house, awkward))
  await checkReports(t, house, events)
  await checkChoices(t, house, events)
})

t.test('the figures of generated logs are those of the oracle', async (t) => {
  const house = await build(t)
  const { generate } = house.subjects.get('music') ?? {}
  if (!generate) throw new Error('music generates nothing')
  await generate.write({ out: `${house.folder}/made`, seed: 7, sizes: few(generate) })
  const events = await loadedAndRead(t, house, `${house.folder}/made`)
  t.ok(
    events.some(({ songId }) => songId),
    'some plays are of songs that are there',
  )
  await checkReports(t, house, events)
})

const sample = path.resolve(process.env.REELHOUSE_SHARED_DATA ?? '../shared/data', 'music')

t.test('the figures of the sample are those of the oracle, and one play in it matches', async (t) => {
  if (!existsSync(sample))
    return t.comment(`not tried: ${sample} is not there, and REELHOUSE_SHARED_DATA names no folder that has it`)
  const house = await build(t)
  const events = await loadedAndRead(t, house, sample)
  t.match(await rowsOf(house, 'plays', 'grain=all'), [{ plays: 6820, listeners: 96, matched_plays: 1 }])
  const [match] = events.filter(({ songId }) => songId)
  const query = `session_id=${match?.session}&song_id=${match?.songId}&fields=user_id,start_time,song_id,session_id,level`
  t.strictSame(
    await rowsOf(house, 'songplays', query),
    [
      {
        start_time: oracle.instant(match?.time ?? 0),
        user_id: match?.user,
        level: match?.level,
        song_id: match?.songId,
        session_id: match?.session,
      },
    ],
    'what could be asked before: one session, one song',
  )
  await checkReports(t, house, events)
})

/** Loads a folder, and reads it as the oracle does. */
async function loadedAndRead(t: Test, house: House, folder: string): Promise<oracle.Event[]> {
  const load = await house.load(folder, { subject: 'music' })
  t.match(load, { state: 'published', error: null })
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.json'))
  const texts = await Promise.all(
    files.map(async (name) => ({ name, text: await readFile(path.join(folder, name), 'utf8') })),
  )
  const isLog = ({ name }: oracle.LogFile) => name.includes('events')
  const events = oracle.eventsOf(
    texts.filter(isLog),
    texts.filter((file) => !isLog(file)),
  )
  const unaccounted = load.files.filter(
    (file) => file.read !== file.loaded + file.rejected + file.duplicate + file.unmatched,
  )
  t.strictSame(unaccounted, [], 'of each file what was read is accounted for')
  const logs = load.files.filter(({ family }) => family === 'logs')
  t.equal(
    logs.reduce((sum, { loaded }) => sum + loaded, 0),
    events.length,
    countsOf(load).join('\n'),
  )
  const lines = texts.filter(isLog).flatMap(({ text }) => text.split('\n').filter((line) => line.trim()))
  t.equal(
    logs.reduce((sum, { read }) => sum + read, 0),
    lines.length,
    'each line that is not blank is read',
  )
  return events
}

async function checkReports(t: Test, house: House, events: oracle.Event[]): Promise<void> {
  await same(t, house, 'top-songs', '', oracle.topSongs(events))
  await same(t, house, 'top-artists', '', oracle.topArtists(events))
  await same(t, house, 'sessions', '', oracle.sessions(events))
  await same(t, house, 'users', '', oracle.users(events))
  await same(t, house, 'songplays', '', oracle.songplays(events), ['songplay_id', 'source_load_id'])
  for (const grain of Object.keys(oracle.PERIODS))
    await same(t, house, 'plays', `grain=${grain}`, oracle.playsBy(events, grain))
  for (const [split, column] of [['level'], ['location'], ['agent_family', 'family']] as const)
    await same(
      t,
      house,
      'plays',
      `grain=week&split=${split}`,
      oracle.playsBy(events, 'week', (column ?? split) as 'level'),
    )
}

const CHOICES: [query: string, choice: oracle.Choice][] = [
  ['from=2018-11-16', { from: '2018-11-16' }],
  ['to=2018-11-17', { to: '2018-11-17' }],
  ['from=2018-11-16&to=2018-11-20', { from: '2018-11-16', to: '2018-11-20' }],
  ['from=2018&to=2018-12', { from: '2018', to: '2018-12' }],
  ['from=2020-12-31&to=2021', { from: '2020-12-31', to: '2021' }],
  ['user_id=20,31,100', { user: [20, 31, 100] }],
]
const NARROWER: typeof CHOICES = [
  ['level=paid', { level: ['paid'] }],
  [`location=${encodeURIComponent("Rome|L'Île")}`, { location: ['Rome', "L'Île"] }],
  ['agent_family=Safari,Other', { family: ['Safari', 'Other'] }],
]

async function checkChoices(t: Test, house: House, events: oracle.Event[]): Promise<void> {
  for (const [query, choice] of CHOICES) await same(t, house, 'users', query, oracle.users(events, choice))
  for (const [query, choice] of [...CHOICES, ...NARROWER]) {
    await same(t, house, 'top-songs', query, oracle.topSongs(events, choice))
    await same(t, house, 'top-artists', query, oracle.topArtists(events, choice))
    await same(t, house, 'sessions', query, oracle.sessions(events, choice))
    await same(t, house, 'plays', query, oracle.playsBy(events, 'day', undefined, choice))
    await same(t, house, 'songplays', query, oracle.songplays(events, choice), ['songplay_id', 'source_load_id'])
  }
  const kept = (rows: Cells[], column: string) => rows.filter((row) => (row[column] as number) > 0)
  await same(t, house, 'users', 'changed=upgrade', kept(oracle.users(events), 'upgrades'))
  await same(
    t,
    house,
    'users',
    'changed=downgrade&from=2018-11-20',
    kept(oracle.users(events, { from: '2018-11-20' }), 'downgrades'),
  )
  await same(
    t,
    house,
    'users',
    'level=paid',
    oracle.users(events).filter(({ level }) => level === 'paid'),
  )
}

/** The same rows, whatever their order. */
async function same(
  t: Test,
  house: House,
  report: string,
  query: string,
  expected: Cells[],
  without: string[] = [],
): Promise<void> {
  const rows = await rowsOf(house, report, query)
  for (const row of rows) for (const column of without) delete row[column]
  t.strictSame(inOrder(rows), inOrder(expected), `${report}?${query}: ${expected.length} rows`)
}

/** By their text, each with its columns in the order of their names. */
const inOrder = (rows: Cells[]) =>
  rows.map((row) => JSON.stringify(Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))))).sort()
