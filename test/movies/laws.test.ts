import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { law } from '../law.ts'
import { accounted, drillThrough, isNear, sums, total, within } from './adding-up.ts'
import { asCsv, askCsv, askJson, askNdjson, askPages } from './asking.ts'
import type { Beside } from './dataset-beside.ts'
import { besideCounts } from './dataset-beside-files.ts'
import { datasetFolder, shuffled, turned } from './dataset-file.ts'
import { wholeCell } from './exact.ts'
import { LawHouse, REPORT_NAMES, shown } from './law-house.ts'
import { REPORTS } from './oracle.ts'
import type { Row } from './oracle-figures.ts'
import { filtersOf, type Kind } from './oracle-reports.ts'
import { allowed, pageSize, queryOf, question } from './questions.ts'
import { sweep } from './sweep.ts'
import { vegaFilms } from './vega-file.ts'

/**
 * Laws that hold of any file, whatever is asked, against an independent calculator (oracle.ts). Each run is a whole load into a
 * real database and some requests.
 */
const several = <T>(things: fc.Arbitrary<T>, most: number) =>
  fc.array(things, { minLength: 1, maxLength: most, size: 'max' })
const questions = (most: number) => several(question(...REPORT_NAMES), most)

const reportsOf = (...kinds: Kind[]) => REPORT_NAMES.filter((name) => kinds.includes(REPORTS[name].kind))
const sharing = REPORT_NAMES.filter((name) => REPORTS[name].takes.includes('attribution'))

// By itself tap gives up after half a minute; the runner's own limit stands.
t.setTimeout(0)
t.test('for any file', { timeout: 0 }, async (t) => {
  const laws = await LawHouse.open(t)
  const { house, origin } = laws

  await t.test('each report gives what an independent calculator gives, whatever is asked', () =>
    law(fc.tuple(datasetFolder, questions(60)), async ([file, asked]) => {
      const { oracle, load } = await laws.loadDataset(file)
      for (const one of asked) await laws.compare(oracle, load.id, one)
    }),
  )

  await t.test('and whatever stands together in a request', () =>
    law(
      datasetFolder,
      async (file) => {
        const { oracle, load } = await laws.loadDataset(file)
        for (const report of REPORT_NAMES) for (const one of sweep(report)) await laws.compare(oracle, load.id, one)
      },
      1 / 8,
    ),
  )

  await t.test('the films behind a cell add up to it, in the prices of any year', () =>
    law(
      fc.tuple(datasetFolder, several(question(...reportsOf('cells', 'life')), 16)),
      async ([file, asked]) => {
        const { oracle } = await laws.loadDataset(file)
        for (const { report, sort, params: drawn } of asked) {
          const { attribution, aggregate, ...params } = drawn
          const { rows } = await askJson(house, report, { ...queryOf({ params, sort }), limit: '6' })
          for (const cell of rows) {
            const query = { ...queryOf({ params: drillThrough(params, cell) }), limit: '1000' }
            const films = (await askJson(house, 'films', query)).rows
            const added = sums(within(films, report, params, cell, oracle.films))
            assert.deepEqual(added, Object.fromEntries(Object.keys(added).map((column) => [column, cell[column]])))
          }
        }
      },
      1 / 3,
    ),
  )

  await t.test('rows, what is in none of them, and films without the dimension are the total, to the cent', () =>
    law(
      fc.tuple(datasetFolder, several(question(...sharing), 24), several(fc.constantFrom('full', 'split'), 24)),
      async ([file, asked, attributions]) => {
        await laws.loadDataset(file)
        for (const [index, { report, params: drawn }] of asked.entries()) {
          const attribution = attributions[index % attributions.length] as 'full' | 'split'
          const params = allowed(report, { ...drawn, attribution })
          const { rows, meta } = await askJson(house, report, { ...queryOf({ params }), limit: '1000' })
          const reconciled = meta.reconciliation as unknown as Record<string, Row>
          for (const account of Object.values(reconciled)) {
            assert.equal(accounted(account), account.total)
            const shares = params.job?.length ?? 1
            if (attribution === 'split' && shares === 1) assert.equal(account.overlap, wholeCell(0))
            for (const amount of Object.values(account))
              assert.ok(!String(amount).includes('-'), 'nothing is below zero')
          }
          const { releases, budget, revenue } = reconciled as Record<'releases' | 'budget' | 'revenue', Row>
          assert.equal(total(rows, 'budget'), budget.rows)
          assert.equal(total(rows, 'revenue'), revenue.rows)
          // Shown shares are rounded, and so is their sum.
          assert.ok(isNear(total(rows, 'releases'), releases.rows as string, (rows.length + 1) * 0.5e-6))
          const page = await askJson(house, report, { ...queryOf({ params }), limit: '1' })
          assert.deepEqual(page.meta.reconciliation, meta.reconciliation, 'a page tells of the whole')
          const all = (
            await askJson(house, 'films', {
              ...queryOf({ params: drillThrough(filtersOf(report, params), {}) }),
              limit: '1000',
            })
          ).rows
          const counted = all.filter((film) => REPORTS[report].kind === 'life' || film.release_date !== null)
          const totals = [wholeCell(counted.length), total(counted, 'budget'), total(counted, 'revenue')]
          assert.deepEqual([releases.total, budget.total, revenue.total], totals)
        }
      },
      2 / 3,
    ),
  )

  await t.test('pages of any size and notation joined are one page, in any order', () =>
    law(
      fc.tuple(datasetFolder, several(fc.tuple(question(...REPORT_NAMES), several(pageSize, 4)), 16)),
      async ([file, asked]) => {
        const { oracle } = await laws.loadDataset(file)
        for (const [one, sizes] of asked) {
          const pages = await askPages(house, one.report, queryOf(one), sizes)
          const { rows } = await askJson(house, one.report, { ...queryOf(one), limit: '1000' })
          assert.deepEqual(rows, shown(oracle.rows(one.report, one.params, one.sort), one.fields))
          assert.deepEqual(pages, rows.map(asCsv))
        }
      },
      2 / 3,
    ),
  )

  await t.test('pages stay on the load of the first, whatever is published meanwhile', () =>
    law(
      fc.tuple(datasetFolder, datasetFolder, question(...REPORT_NAMES), several(pageSize, 2)),
      async ([file, other, one, sizes]) => {
        const { oracle } = await laws.loadDataset(file)
        const pages = await askPages(house, one.report, queryOf(one), sizes, () => laws.loadDataset(other))
        const rows = shown(oracle.rows(one.report, one.params, one.sort), one.fields)
        assert.deepEqual(pages, rows.map(asCsv))
      },
      1 / 3,
    ),
  )

  await t.test('CSV, NDJSON and JSON say the same, and a download tells that it is whole', () =>
    law(
      fc.tuple(datasetFolder, questions(20)),
      async ([file, asked]) => {
        await laws.loadDataset(file)
        for (const one of asked) {
          const query = queryOf(one)
          const { rows } = await askJson(house, one.report, { ...query, limit: '1000' })
          assert.deepEqual(await askNdjson(house, one.report, query), rows)
          const [header, ...lines] = await askCsv(origin, one.report, query)
          assert.deepEqual(header, one.fields ?? REPORTS[one.report].columns)
          assert.deepEqual(lines, rows.map(asCsv))
        }
      },
      1 / 2,
    ),
  )

  await t.test('every record that is read is accounted for', () =>
    law(datasetFolder, async (file) => {
      const { load, records, rejected } = await laws.loadDataset(file)
      const last = new Map(records.map((record) => [record.id, record]))
      const kept = [...last.values()]
      const earlier = records.filter((record) => last.get(record.id) !== record)
      const countsOf = (name: string) => {
        const found = load.files.find((file) => file.name === name)
        const { read, loaded, rejected, duplicate, unmatched, warnings } = found as (typeof load.files)[0]
        return { counts: { read, loaded, rejected, duplicate, unmatched }, warnings }
      }
      assert.deepEqual(countsOf('movies_metadata.csv'), {
        counts: {
          read: records.length + rejected,
          loaded: kept.length,
          rejected,
          duplicate: earlier.length,
          unmatched: 0,
        },
        warnings: kept.reduce((sum, record) => sum + record.warnings, 0),
      })
      for (const [name, counts] of besideCounts(kept, file.beside as Beside))
        assert.deepEqual(countsOf(name).counts, counts, name)
      const { body } = await house.get(`/v1/loads/${load.id}/rejects?limit=1000&severity=duplicate`)
      assert.deepEqual(
        body.data
          .filter((entry: { file: string }) => entry.file === 'movies_metadata.csv')
          .map(({ line, code }: { line: number; code: string }) => [line, code]),
        earlier.map(({ line, id, raw }) => [line, last.get(id)?.raw === raw ? 'identical' : 'superseded']),
      )
    }),
  )

  await t.test('loading a file again changes nothing', () =>
    law(
      datasetFolder,
      async (file) => {
        const { files, load } = await laws.loadDataset(file)
        const before = await laws.allFigures()
        assert.equal((await laws.loadFolder(files)).state, 'unchanged')
        assert.equal((await askJson(house, 'years', {})).meta.load.id, wholeCell(load.id))
        assert.notEqual((await laws.loadDataset(file)).load.id, load.id)
        assert.deepEqual(await laws.allFigures(), before)
      },
      1 / 3,
    ),
  )

  await t.test('the order of lines changes nothing but the line numbers', () =>
    law(
      datasetFolder.chain((file) => {
        const order = [...file.entries.keys()]
        return fc.tuple(fc.constant(file), fc.shuffledSubarray(order, { minLength: order.length }))
      }),
      async ([file, order]) => {
        await laws.loadDataset(file)
        const before = await laws.allFigures()
        const { oracle } = await laws.loadDataset({
          ...file,
          entries: shuffled(file.entries, order),
          beside: turned(file.beside as Beside),
        })
        assert.deepEqual(await laws.allFigures(), before)
        const lines = ['film_id', 'source_line']
        const found = await askNdjson(house, 'films', { fields: lines.join(',') })
        assert.deepEqual(found, shown(oracle.rows('films', {}), lines))
      },
      1 / 2,
    ),
  )

  await t.test('what has no id in its source keeps the one that it was given', () =>
    law(
      fc.tuple(vegaFilms, vegaFilms, questions(30), datasetFolder),
      async ([films, others, asked, file]) => {
        // Its price indexes stay, whatever films take the place of its own.
        await laws.loadDataset(file)
        const first = await laws.loadVega(films)
        // Among films that are new or stand again, the last of each stays the last.
        const { ids } = await laws.loadVega([...others, ...films])
        for (const kind of ['films', 'companies', 'genres', 'people'] as const) {
          for (const [key, id] of first.ids[kind]) assert.equal(ids[kind].get(key), id, `${kind}: ${key}`)
          assert.equal(new Set(ids[kind].values()).size, ids[kind].size, `no two ${kind} share an id`)
        }
        const { oracle, load, ids: turned } = await laws.loadVega(films.toReversed())
        for (const [key, id] of turned.films) assert.equal(first.ids.films.get(key), id, key)
        for (const one of asked) await laws.compare(oracle, load.id, one)
      },
      1 / 3,
    ),
  )
})
