import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { publish, rollBack } from '../../ingest/publish.ts'
import { build } from '../build.ts'
import { law } from '../law.ts'
import { askNdjson } from './asking.ts'
import { datasetFile, writeDataset } from './dataset-file.ts'
import { wholeCell } from './exact.ts'
import { FILE_DATE } from './film-arbitraries.ts'
import { LawHouse, REPORT_NAMES, shown } from './law-house.ts'
import { Oracle, REPORTS } from './oracle.ts'

/** A merge chooses them otherwise. */
const NAMES = /^(company|genre|collection|country|language|person|name|group)$/
const ORIGINS = /^(source_line|load_id|source_load_id)$/

t.setTimeout(0)
t.test('for any two files, the second merged into the first', { timeout: 0 }, async (t) => {
  const laws = await LawHouse.open(t)
  const { house } = laws
  const at = { fileName: 'movies_metadata.csv', fileDate: FILE_DATE, loadId: 0 }

  await t.test('the figures are those of the films of both, the second’s in place of the first’s', () =>
    law(
      fc.tuple(datasetFile, datasetFile),
      async ([first, second]) => {
        const before = await laws.loadDataset(first)
        const part = writeDataset(second)
        const load = await laws.load('movies_metadata.csv', part.text, { mode: 'merge', force: true })
        assert.equal(load.state, 'published', load.error ?? undefined)
        const both = new Oracle([...before.records, ...part.records], at)
        for (const name of REPORT_NAMES) {
          const fields = REPORTS[name].columns.filter((column) => !NAMES.test(column) && !ORIGINS.test(column))
          const sort = REPORTS[name].key.join(',')
          const found = await askNdjson(house, name, { fields: fields.join(','), sort })
          assert.deepEqual(found, shown(both.rows(name, {}, sort), fields), name)
        }

        const merged = new Map(part.records.map((record) => [record.id, record.line]))
        const films = await askNdjson(house, 'films', {
          fields: 'film_id,source_line,load_id,source_load_id',
          sort: 'film_id',
        })
        const origins = both.films
          .map(({ id, line }) => ({
            film_id: wholeCell(id),
            source_line: wholeCell(merged.get(id) ?? line),
            load_id: wholeCell(load.id),
            source_load_id: wholeCell(merged.has(id) ? load.id : before.load.id),
          }))
          .sort((a, b) => a.film_id.length - b.film_id.length || (a.film_id < b.film_id ? -1 : 1))
        assert.deepEqual(films, origins, 'each film tells where it was read')

        // Names: as the second file has them; else as they were.
        for (const [report, id, name] of [
          ['companies', 'company_id', 'company'],
          ['genres', 'genre_id', 'genre'],
        ] as const) {
          const known = new Map(
            [before.oracle, new Oracle(part.records, at)].flatMap((oracle) =>
              oracle.rows(report, {}).map((row) => [row[id], row[name]] as const),
            ),
          )
          const named = await askNdjson(house, report, { fields: `${id},${name}` })
          assert.deepEqual(
            named.map((row) => row[name]),
            named.map((row) => known.get(row[id] as string)),
          )
        }
      },
      2 / 3,
    ),
  )

  await t.test('a file merged into its own load changes nothing', () =>
    law(
      datasetFile,
      async (file) => {
        const { text } = await laws.loadDataset(file)
        const before = await laws.allFigures()
        const load = await laws.load('movies_metadata.csv', text, { mode: 'merge', force: true })
        assert.equal(load.state, 'published', load.error ?? undefined)
        assert.deepEqual(await laws.allFigures(), before)
      },
      1 / 3,
    ),
  )
})

const film = (title: string, more: object = {}) => ({ Title: title, 'Release Date': 'Jun 12 1998', ...more })

t.test('a merge that makes no sense is refused in a sentence, and readers stay where they are', async (t) => {
  const house = await build(t)
  const films = await house.file('movies.json', JSON.stringify([film('One')]))
  t.match(await house.load(films, { mode: 'merge' }), {
    state: 'failed',
    error: 'nothing is published to merge into; load it with mode replace',
  })
  const { id } = await house.load(films)
  const { text } = writeDataset(fc.sample(datasetFile, { numRuns: 1, seed: 1 })[0] as never)
  t.match(await house.load(await house.file('movies_metadata.csv', text), { mode: 'merge' }), {
    state: 'failed',
    error:
      /^ids of format the-movies-dataset \(tmdb\) are not those of the published load 2 \(reelhouse\), so they cannot/,
  })
  t.equal((await house.get('/v1/movies/years')).body.meta.load.id, id)
})

t.test('the same file again is unchanged in the same mode, and not in another', async (t) => {
  const house = await build(t)
  const films = await house.file('movies.json', JSON.stringify([film('One'), film('Two')]))
  t.match(await house.load(films), { state: 'published' })
  t.match(await house.load(films, { mode: 'merge' }), { state: 'published' })
  t.match(await house.load(films, { mode: 'merge' }), {
    state: 'unchanged',
    notes: [/same files as load 2, which is published/],
  })
  t.match(await house.load(films), { state: 'published' })
})

t.test('what no film has any more is gone from the dimensions, too', async (t) => {
  const house = await build(t)
  await house.load(
    await house.file(
      'a/movies.json',
      JSON.stringify([film('One', { Distributor: 'Old' }), film('Two', { Distributor: 'Kept' })]),
    ),
  )
  await house.load(await house.file('b/movies.json', JSON.stringify([film('One', { Distributor: 'New' })])), {
    mode: 'merge',
  })
  const { body } = await house.get('/v1/movies/companies?fields=company,releases')
  t.strictSame(body.data, [
    { company: 'Kept', releases: 1 },
    { company: 'New', releases: 1 },
  ])
  t.match(await house.get('/v1/loads/2'), { body: { row_counts: { film: 2, company: 2, film_company: 2 } } })
})

t.test('a merge that is overtaken by a publication is held, and says so', async (t) => {
  const house = await build(t)
  const db = house.warehouse.writer
  for (const title of ['One', 'Two'])
    await house.load(await house.file(`${title}/movies.json`, JSON.stringify([film(title)])))
  // It stops as it comes to the checks, for as long as this session holds the lock.
  const barrier = await house.warehouse.connect('barrier')
  await barrier.query(`
    create function wait_for_test() returns trigger language plpgsql as $$
      begin perform pg_advisory_xact_lock_shared(42); return new; end $$;
    create trigger wait_for_test before update of stage on reelhouse.load for each row
      when (new.stage = 'check') execute function wait_for_test();
    select pg_advisory_lock(42)`)
  const merging = house.load(await house.file('c/movies.json', JSON.stringify([film('Three')])), { mode: 'merge' })
  let waiting = 0
  while (waiting === 0)
    waiting = (await barrier.query("select from pg_locks where locktype = 'advisory' and objid = 42 and not granted"))
      .rows.length
  await rollBack(db, 'movies', { actor: 'test' })
  await barrier.query('select pg_advisory_unlock(42)')
  await barrier.end()
  t.match(await merging, {
    state: 'held',
    notes: [/^held: it was merged into load 2, and readers see another one by now/],
  })
  t.equal((await house.get('/v1/movies/years')).body.meta.load.id, 1)
  await publish(db, 3, { actor: 'test', subjects: house.subjects })
})
