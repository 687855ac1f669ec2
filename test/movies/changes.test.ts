import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { law } from '../law.ts'
import { readCsv } from './asking.ts'
import { CHANGING, changesQuestion } from './changes-questions.ts'
import { type DatasetFile, datasetFile, datasetFolder } from './dataset-file.ts'
import { exactJson, plain, wholeCell } from './exact.ts'
import { LawHouse } from './law-house.ts'
import { REPORTS } from './oracle.ts'
import { type Asked, ChangesOracle } from './oracle-changes.ts'
import type { Row } from './oracle-figures.ts'
import { NO_SUMS } from './oracle-reports.ts'
import { queryOf } from './questions.ts'
import { vegaFilms } from './vega-file.ts'

/** Why figures moved, against an independent calculator, for any two files. */

/** A file and its next issue: some entries stay, others are those of another file. */
const twoIssues = fc
  .tuple(datasetFile, datasetFile, fc.array(fc.boolean(), { minLength: 26, maxLength: 26 }))
  .map(([file, other, stays]): [DatasetFile, DatasetFile] => [
    file,
    {
      ...other,
      entries: [
        ...file.entries.filter((_, index) => stays[index]),
        ...other.entries.filter((_, index) => !stays[index]),
      ],
    },
  ])
  .filter(([, next]) => next.entries.some((entry) => 'film' in entry))

const questions = (most: number) =>
  fc.array(changesQuestion(...CHANGING), { minLength: 1, maxLength: most, size: 'max' })

const urlOf = (load: number, { report, params, sort, fields, films }: Asked, more: Record<string, string> = {}) =>
  `/v1/loads/${load}/changes?${new URLSearchParams({ report: `movies/${report}`, ...queryOf({ params, sort, fields }), films: String(films), ...more })}`

t.setTimeout(0)
t.test('for any two loads', { timeout: 0 }, async (t) => {
  const laws = await LawHouse.open(t)
  const { house } = laws

  /** Loads both files, and gives what an oracle says of them. */
  const compared = async ([file, next]: [DatasetFile, DatasetFile]) => {
    const first = await laws.loadDataset(file)
    const second = await laws.loadDataset(next)
    return { id: second.load.id, oracle: new ChangesOracle(first.oracle, second.oracle) }
  }
  const answer = async (id: number, asked: Asked, more: Record<string, string>) => {
    const url = urlOf(id, asked, more)
    const { statusCode, body } = await house.app.inject({ url })
    assert.equal(statusCode, 200, `${url} ${body}`)
    return exactJson(body)
  }

  await t.test('each changed row, and each film behind it, is what an independent calculator finds', () =>
    law(
      fc.tuple(twoIssues, questions(40)),
      async ([issues, asked]) => {
        const { id, oracle } = await compared(issues)
        for (const one of asked) {
          const { data, meta } = await answer(id, one, { limit: '1000', count: 'exact' })
          const expected = oracle.answer(one)
          assert.deepEqual(data, expected.data)
          assert.deepEqual(meta.totals, expected.totals)
          assert.deepEqual([meta.total, meta.complete], [wholeCell(expected.data.length), true])
        }
      },
      1 / 2,
    ),
  )

  await t.test('of films that their source only names, too', () =>
    law(
      fc.tuple(vegaFilms, vegaFilms, questions(20)),
      async ([films, others, asked]) => {
        const first = await laws.loadVega([...films, ...others.slice(0, 3)])
        // A load without any film is blocked.
        const second = await laws.loadVega([...(films.length > 1 ? films.slice(1) : films), ...others.slice(3)])
        const oracle = new ChangesOracle(first.oracle, second.oracle)
        for (const one of asked)
          assert.deepEqual((await answer(second.load.id, one, { limit: '1000' })).data, oracle.answer(one).data)
      },
      1 / 4,
    ),
  )

  await t.test('the effects of the films, those that are not listed among them, add up to the row’s change', () =>
    law(
      fc.tuple(twoIssues, questions(30)),
      async ([issues, asked]) => {
        const { id } = await compared(issues)
        for (const one of asked)
          for (const { difference, films } of (await answer(id, one, { limit: '1000' })).data) {
            if (one.report === 'films') continue
            const effects = [...films.data, ...(films.rest ? [films.rest] : [])].map(({ effect }: Sums) => effect)
            assert.deepEqual(sum(effects), sum([difference]))
            assert.equal(films.total, wholeCell(films.data.length + Number(plain(films.rest?.films ?? wholeCell(0)))))
            assert.ok(films.data.length <= one.films && (films.data.length === one.films || !films.rest))
          }
      },
      1 / 4,
    ),
  )

  await t.test('so do those of ratings, and of films in the prices of either load', () =>
    law(
      fc.tuple(datasetFolder, datasetFolder),
      async ([file, next]) => {
        await laws.loadDataset(file)
        const { load } = await laws.loadDataset(next)
        for (const query of [
          'ratings',
          'ratings&by=genre',
          'ratings&by=year&fields=ratings,stars_4_0',
          'rankings&dimension=genre&measure=rating_count',
          'rankings&dimension=person&job=cast&prices=real',
          'rankings&grain=all&measure=profit&prices=real&base_year=1996',
          'top-films&by=all&measure=profit&prices=real&n=2',
          'roi&by=budget_band&prices=real',
          'genre-years&prices=real',
        ]) {
          const { statusCode, body } = await house.app.inject({
            url: `/v1/loads/${load.id}/changes?report=movies/${query}&films=3&limit=1000`,
          })
          assert.equal(statusCode, 200, `${query} ${body}`)
          const { data, meta } = exactJson(body)
          for (const { difference, films } of data) {
            const effects = [...films.data, ...(films.rest ? [films.rest] : [])].map(({ effect }: Sums) => effect)
            assert.deepEqual(sum(effects), sum([difference]), query)
          }
          assert.equal('prices' in meta, query.includes('real'))
        }
      },
      1 / 2,
    ),
  )

  await t.test('pages of any size joined are one page, and CSV says the same', () =>
    law(
      fc.tuple(twoIssues, questions(10), fc.integer({ min: 1, max: 4 })),
      async ([issues, asked, limit]) => {
        const { id } = await compared(issues)
        for (const one of asked) {
          const whole = await answer(id, one, { limit: '1000' })
          const joined = []
          for (let cursor = null; joined.length === 0 || cursor; ) {
            const { data, meta } = await answer(id, one, { limit: String(limit), ...(cursor ? { cursor } : {}) })
            joined.push(...data)
            assert.deepEqual(meta.totals, whole.meta.totals)
            assert.equal(meta.complete, meta.next === null)
            cursor = meta.next
            if (data.length === 0) break
          }
          assert.deepEqual(joined, whole.data)
          const csv = await house.app.inject({ url: urlOf(id, one, { format: 'csv' }) })
          assert.deepEqual(
            readCsv(csv.body).slice(1),
            whole.data.map((row: Row) => flat(row, one)),
          )
        }
      },
      1 / 4,
    ),
  )

  await t.test('the other way round the same rows and films differ, by the opposite', () =>
    law(
      fc.tuple(twoIssues, questions(10)),
      async ([issues, asked]) => {
        const { id } = await compared(issues)
        for (const one of asked) {
          const there = (await answer(id, one, { limit: '1000' })).data
          const back = (await answer(id - 1, one, { limit: '1000', against: String(id) })).data
          const byKey = (rows: Sums[]) =>
            new Map(rows.map((row) => [REPORTS[one.report].key.map((name) => row[name]).join(' '), row]))
          const other = byKey(back)
          assert.equal(there.length, back.length)
          for (const [key, row] of byKey(there)) {
            assert.deepEqual(other.get(key)?.before, row.after)
            assert.deepEqual(other.get(key)?.after, row.before)
            assert.deepEqual(sum([row.difference, other.get(key)?.difference]), {})
            assert.equal(other.get(key)?.films?.total, row.films?.total)
          }
        }
      },
      1 / 4,
    ),
  )
})

// biome-ignore lint/suspicious/noExplicitAny: an answer of JSON
type Sums = any

/** Amounts by measure added up, in cents; what comes to nothing is not there. */
function sum(effects: Record<string, string>[]): Record<string, bigint> {
  const sums: Record<string, bigint> = {}
  for (const effect of effects)
    for (const [name, amount] of Object.entries(effect)) sums[name] = (sums[name] ?? 0n) + cents(plain(amount))
  return Object.fromEntries(Object.entries(sums).filter(([, amount]) => amount !== 0n))
}

function cents(amount: string): bigint {
  const [whole, part = ''] = amount.split('.')
  return BigInt(`${whole}${part.padEnd(2, '0')}`)
}

/** What a row is in CSV. */
function flat(row: Sums, { report, fields, params: { measure = 'revenue' } }: Asked): (string | null)[] {
  const cell = (value: Sums) =>
    Array.isArray(value) ? value.join('|') : value === null || value === undefined ? null : plain(String(value))
  const { change, before, after, difference, elsewhere, films, ...heads } = row
  const wanted = fields ?? REPORTS[report].columns
  const cells: (string | null)[] = []
  for (const [name, value] of Object.entries(heads)) {
    cells.push(cell(value))
    if (!wanted.includes(name) || !/^(company|genre|title|name|group)$/.test(name)) continue
    cells.push(change === 'added' ? null : cell(before[name] ?? value))
  }
  const isSum = (name: string) =>
    report === 'films'
      ? /^(budget|revenue|profit|vote_count|rating_count)$/.test(name)
      : name === 'value'
        ? !NO_SUMS.includes(measure)
        : /^(releases|budget|revenue|profit|vote_count|rating_count|undated|films|lost)$|_known$|^matched_/.test(name)
  cells.push(change)
  for (const name of wanted.filter((name) => !(name in heads))) {
    cells.push(cell(before?.[name]), cell(after?.[name]))
    if (isSum(name)) cells.push(plain(difference[name] ?? wholeCell(0)))
  }
  return cells
}
