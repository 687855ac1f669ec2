import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { law } from '../law.ts'
import { asCsv, askCsv, askJson, askNdjson, askPages } from './asking.ts'
import { datasetFile, shuffled } from './dataset-file.ts'
import { plain, wholeCell } from './exact.ts'
import { LawHouse, REPORT_NAMES, shown } from './law-house.ts'
import { REPORTS } from './oracle.ts'
import type { Row } from './oracle-figures.ts'
import { pageSize, queryOf, question } from './questions.ts'
import { vegaFilms } from './vega-file.ts'

/**
 * Laws that hold of any file, whatever is asked, against an independent calculator (oracle.ts). Each run is a whole load into a
 * real database and some requests.
 */
const several = <T>(things: fc.Arbitrary<T>, most: number) =>
  fc.array(things, { minLength: 1, maxLength: most, size: 'max' })
const questions = (most: number) => several(question(...REPORT_NAMES), most)

// By itself tap gives up after half a minute; the runner's own limit stands.
t.setTimeout(0)
t.test('for any file', { timeout: 0 }, async (t) => {
  const laws = await LawHouse.open(t)
  const { house, origin } = laws

  await t.test('each report gives what an independent calculator gives, whatever is asked', () =>
    law(fc.tuple(datasetFile, questions(60)), async ([file, asked]) => {
      const { oracle, load } = await laws.loadDataset(file)
      for (const one of asked) await laws.compare(oracle, load.id, one)
    }),
  )

  await t.test('the films behind a cell add up to it', () =>
    law(
      fc.tuple(datasetFile, several(question(...REPORT_NAMES.filter((name) => name !== 'films')), 12)),
      async ([file, asked]) => {
        await laws.loadDataset(file)
        for (const { report, params, sort } of asked) {
          const { rows } = await askJson(house, report, { ...queryOf({ report, params, sort }), limit: '6' })
          const { min_releases, q, ...filters } = params
          for (const cell of rows) {
            const query = queryOf({ report: 'films', params: filters })
            for (const column of ['company_id', 'genre_id', 'year'])
              if (column in cell) query[column] = plain(cell[column] as string)
            const films = sums((await askJson(house, 'films', { ...query, limit: '1000' })).rows)
            assert.deepEqual(films, Object.fromEntries(Object.keys(films).map((column) => [column, cell[column]])))
          }
        }
      },
      1 / 3,
    ),
  )

  await t.test('pages of any size and notation joined are one page, in any order', () =>
    law(
      fc.tuple(datasetFile, several(fc.tuple(question(...REPORT_NAMES), several(pageSize, 4)), 16)),
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
      fc.tuple(datasetFile, datasetFile, question(...REPORT_NAMES), several(pageSize, 2)),
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
      fc.tuple(datasetFile, questions(20)),
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
    law(datasetFile, async (file) => {
      const { load, records, rejected } = await laws.loadDataset(file)
      const last = new Map(records.map((record) => [record.id, record]))
      const kept = [...last.values()]
      const earlier = records.filter((record) => last.get(record.id) !== record)
      const { bytes, sha256, modified_at, name, family, columns, ...counts } = load.files[0] as (typeof load.files)[0]
      assert.deepEqual(counts, {
        read: records.length + rejected,
        loaded: kept.length,
        rejected,
        duplicate: earlier.length,
        unmatched: 0,
        unmatched_by: {},
        warnings: kept.reduce((sum, record) => sum + record.warnings, 0),
      })
      const { body } = await house.get(`/v1/loads/${load.id}/rejects?limit=1000&severity=duplicate`)
      assert.deepEqual(
        body.data.map(({ line, code }: { line: number; code: string }) => [line, code]),
        earlier.map(({ line, id, raw }) => [line, last.get(id)?.raw === raw ? 'identical' : 'superseded']),
      )
    }),
  )

  await t.test('loading a file again changes nothing', () =>
    law(
      datasetFile,
      async (file) => {
        const { text, load } = await laws.loadDataset(file)
        const before = await laws.allFigures()
        assert.equal((await laws.load('movies_metadata.csv', text)).state, 'unchanged')
        assert.equal((await askJson(house, 'years', {})).meta.load.id, wholeCell(load.id))
        assert.notEqual((await laws.loadDataset(file)).load.id, load.id)
        assert.deepEqual(await laws.allFigures(), before)
      },
      1 / 3,
    ),
  )

  await t.test('the order of lines changes nothing but the line numbers', () =>
    law(
      datasetFile.chain((file) => {
        const order = [...file.entries.keys()]
        return fc.tuple(fc.constant(file), fc.shuffledSubarray(order, { minLength: order.length }))
      }),
      async ([file, order]) => {
        await laws.loadDataset(file)
        const before = await laws.allFigures()
        const { oracle } = await laws.loadDataset({ ...file, entries: shuffled(file.entries, order) })
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
      fc.tuple(vegaFilms, vegaFilms, questions(30)),
      async ([films, others, asked]) => {
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

/** What rows of films add up to, in the columns of a cell. */
function sums(films: Row[]): Row {
  const known = (...columns: string[]) => films.filter((film) => columns.every((column) => film[column] !== null))
  const sum = (column: string, rows = known(column)) =>
    rows.length === 0 ? null : wholeCell(rows.reduce((total, row) => total + BigInt(plain(row[column] as string)), 0n))
  const matched = known('budget', 'revenue')
  return {
    releases: wholeCell(films.length),
    budget: sum('budget'),
    budget_known: wholeCell(known('budget').length),
    revenue: sum('revenue'),
    revenue_known: wholeCell(known('revenue').length),
    profit: sum('profit'),
    matched_releases: wholeCell(matched.length),
    matched_budget: sum('budget', matched),
    matched_revenue: sum('revenue', matched),
    matched_profit: sum('profit', matched),
    popularity_known: wholeCell(known('popularity').length),
    vote_count: sum('vote_count'),
  }
}
