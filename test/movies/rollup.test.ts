import assert from 'node:assert/strict'
import fc from 'fast-check'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { ROLLUP_TABLES } from '../../queries/movies/parts/cell-rows.ts'
import type { MoviesDb } from '../../queries/movies/parts/tables.ts'
import { pageStatement, sortKeys } from '../../queries/page.ts'
import { type Report, type Rows, type Scope, scopeOf } from '../../queries/report.ts'
import { loadReports } from '../../src/reports.ts'
import { build, loadGenerated } from '../build.ts'
import { law } from '../law.ts'
import { datasetFolder } from './dataset-file.ts'
import { LawHouse } from './law-house.ts'
import type { ReportName } from './oracle.ts'
import { type Question, queryOf, question } from './questions.ts'
import { sweep } from './sweep.ts'

/** A rollup gives what its films give, rows and reconciliation, whatever is asked; and it is read where it has what is asked. */

const CELLS: ReportName[] = [
  'years',
  'company-years',
  'genre-years',
  'company-genre-years',
  'country-years',
  'language-years',
  'collection-years',
  'content-rating-years',
  'person-years',
  'companies',
  'genres',
]

/** Far more rows than there are. */
const ALL = 1_000_000

/** Compares answers from rollups with those from films; tells which table the first came from. */
async function comparing(reader: MoviesDb) {
  const own = (await loadReports()).filter(({ subject }) => subject === 'movies')
  const reports = new Map(own.map(({ name, report }) => [name.split('/')[1], report]))

  /** All rows of the answer, and what its `meta` tells. */
  const answer = async ({ report: name, params: asked }: Pick<Question, 'report' | 'params'>, scope: Scope) => {
    const report = reports.get(name) as Report
    const params = report.params.parse(queryOf({ params: asked }))
    const read = await pageStatement(reader, {
      report,
      loadId: scope.loadId,
      rows: report.query(reader, scope, params) as Rows<unknown>,
      pickedBy: report.pickedBy?.(scope, params),
      page: {
        sort: sortKeys(report, report.defaultSort),
        fields: Object.keys(report.row.shape),
        limit: ALL,
        after: null,
      },
      line: 'json',
      separator: '\n',
      count: false,
      meta: report.meta?.(reader, scope, params) ?? [],
    }).executeTakeFirstOrThrow()
    return { from: report.addedUpFrom?.(scope, params), told: { rows: read.lines?.split('\n'), meta: read.members } }
  }
  return async (one: Pick<Question, 'report' | 'params'>, loadId: number) => {
    const kept = await answer(one, scopeOf(loadId, { rollups: ROLLUP_TABLES }))
    const counted = await answer(one, scopeOf(loadId))
    assert.ok(counted.from === undefined || counted.from === 'movies.film')
    assert.deepEqual(kept.told, counted.told, JSON.stringify(one))
    return { from: kept.from, rows: kept.told.rows?.length ?? 0 }
  }
}

t.setTimeout(0)
t.test('for any file', { timeout: 0 }, async (t) => {
  const laws = await LawHouse.open(t)
  const reader = laws.house.warehouse.reader as MoviesDb
  const compare = await comparing(reader)

  await t.test('at random', () =>
    law(
      fc.tuple(datasetFolder, fc.array(question(...CELLS, 'rankings'), { maxLength: 60, size: 'max' })),
      async ([file, asked]) => {
        const { load } = await laws.loadDataset(file)
        for (const one of asked) await compare(one, load.id)
        // Years in which there are films: at random they are seldom met.
        const years = await reader
          .selectFrom('movies.film')
          .where('load_id', '=', load.id)
          .where('release_year', 'is not', null)
          .select('release_year')
          .distinct()
          .orderBy('release_year')
          .limit(4)
          .execute()
        for (const { release_year } of years) {
          const year = release_year as number
          for (const bounds of [{ from: year }, { to: year }, { from: year, to: year }])
            for (const grain of [undefined, 'month', 'decade'] as const)
              await compare({ report: 'genre-years', params: { ...bounds, grain } }, load.id)
        }
      },
    ),
  )
  await t.test('and whatever stands together', () =>
    law(
      datasetFolder,
      async (file) => {
        const { load } = await laws.loadDataset(file)
        for (const report of [...CELLS, 'rankings'] as const) {
          const from = []
          for (const one of sweep(report)) from.push((await compare(one, load.id)).from)
          if (report === 'rankings') continue
          for (const table of [/^movies\.rollup/, /^movies\.film$/])
            assert.ok(
              from.some((one) => one && table.test(one)),
              `${report} from ${table}`,
            )
        }
      },
      1 / 8,
    ),
  )
})

t.test(
  'what films give to each of their members, in full and shared out, and how that comes to the total',
  async (t) => {
    const house = await build(t)
    const { id } = await loadGenerated(house, 'movies')
    const compare = await comparing(house.warehouse.reader as MoviesDb)
    const own = { company: { company_id: '1,2' }, genre: { genre_id: '18' }, country: { country: 'US,FR' } }
    const reports = [
      ['company-years', own.company],
      ['genre-years', own.genre],
      ['country-years', own.country],
      ['companies', own.company],
      ['genres', own.genre],
    ] as const
    for (const [report, ids] of reports)
      for (const attribution of ['full', 'split'] as const) {
        const yearly = report.endsWith('-years')
        const periods = yearly ? [{ grain: 'decade' }, { grain: 'all' }, { from: 1990, to: 2005 }] : []
        for (const more of [{}, ids, { min_releases: 2 }, ...periods]) {
          const params = { ...more, attribution } as Question['params']
          const { from, rows } = await compare({ report, params }, id)
          t.ok(rows > 0, `${report} ${JSON.stringify(params)}`)
          t.match(from, attribution === 'split' ? 'movies.rollup_split' : /^movies\.rollup/)
        }
      }
  },
)

t.test('a row that a rollup lacks is told by the reconciliation', async (t) => {
  const house = await build(t)
  await loadGenerated(house, 'movies')
  const others = async (limit: number) => {
    const found = []
    for (const attribution of ['full', 'split']) {
      const { body } = await house.get(`/v1/movies/company-years?limit=${limit}&attribution=${attribution}`)
      found.push(body.meta.reconciliation.releases.other)
    }
    return found
  }
  t.strictSame(await others(1), [0, 0])
  for (const table of ['rollup_company_1', 'rollup_split_1'])
    await sql`
      delete from ${sql.table(`movies.${table}`)} where grain = 'year' and ctid = (
        select ctid from ${sql.table(`movies.${table}`)} where grain = 'year' and company_id is not null and releases = 1 limit 1)`.execute(
      house.warehouse.writer,
    )
  // Another page of the same: answers are kept by load, whose rows never change.
  t.strictSame(await others(2), [1, 1])
})

t.test('which table answers', async (t) => {
  const reports = new Map((await loadReports()).map(({ name, report }) => [name, report]))
  const asked: [name: string, params: Record<string, string>, table: string][] = [
    ['company-years', {}, 'rollup_company'],
    ['company-years', { company_id: '3', from: '1990', min_releases: '2', aggregate: 'mean' }, 'rollup_company'],
    ['company-years', { grain: 'decade', from: '1995' }, 'rollup_company'],
    ['company-years', { grain: 'month' }, 'film'],
    ['company-years', { genre_id: '3' }, 'rollup_company_genre'],
    ['company-years', { genre_id: '3,4' }, 'film'],
    ['company-years', { genre_id: '3', country: 'US' }, 'film'],
    ['genre-years', { company_id: '3', grain: 'decade' }, 'rollup_company_genre'],
    ['genre-years', { company_id: '3', grain: 'month' }, 'film'],
    ['years', { collection_id: '3', from: '1990' }, 'rollup'],
    ['years', { person_id: '3' }, 'film'],
    ['companies', { genre_id: '3' }, 'film'],
    ['company-years', { aggregate: 'median' }, 'film'],
    ['company-years', { attribution: 'split' }, 'rollup_split'],
    ['company-years', { attribution: 'split', grain: 'decade', min_releases: '2', company_id: '3' }, 'rollup_split'],
    ['company-years', { attribution: 'split', genre_id: '3' }, 'film'],
    ['company-years', { attribution: 'split', grain: 'month' }, 'film'],
    ['company-genre-years', { attribution: 'split' }, 'film'],
    ['genre-years', { attribution: 'split', from: '1990' }, 'rollup_split'],
    ['genre-years', { attribution: 'full' }, 'rollup'],
    ['genres', { attribution: 'split' }, 'rollup_split'],
    ['person-years', { attribution: 'split' }, 'film'],
    ['company-years', { prices: 'real' }, 'film'],
    ['company-years', { exclude_suspect: 'true' }, 'film'],
    ['company-genre-years', { genre_id: '3', company_id: '2' }, 'rollup_company_genre'],
    ['genre-years', { grain: 'quarter' }, 'rollup'],
    ['country-years', { country: 'US', grain: 'month' }, 'rollup'],
    ['country-years', { language: 'en' }, 'film'],
    ['companies', { q: 'otter' }, 'rollup_company'],
    ['companies', { from: '1990' }, 'film'],
    ['person-years', {}, 'rollup'],
    ['person-years', { job: 'Director', person_id: '5', from: '1990' }, 'rollup'],
    ['person-years', { job: 'cast' }, 'film'],
    ['person-years', { job: 'Director,cast' }, 'film'],
    ['genre-years', { person_id: '5', job: 'Director' }, 'film'],
  ]
  for (const [name, params, table] of asked) {
    const report = reports.get(`movies/${name}`) as Report
    const from = report.addedUpFrom?.(scopeOf(1, { rollups: ROLLUP_TABLES }), report.params.parse(params))
    t.equal(from, `movies.${table}`, `${name} ${JSON.stringify(params)}`)
  }
})

t.test('decades of companies are read as they are kept, unless a bound cuts them', async (t) => {
  const reports = new Map((await loadReports()).map(({ name, report }) => [name, report]))
  /** Columns to pick rows by before they are added up; none where they are only read. */
  const picked = (name: string, params: Record<string, string>) => {
    const report = reports.get(`movies/${name}`) as Report
    return report.pickedBy?.(scopeOf(1, { rollups: ROLLUP_TABLES }), report.params.parse(params))
  }
  for (const name of ['company-years', 'company-genre-years']) {
    t.equal(picked(name, { grain: 'decade' }), undefined, name)
    t.not(picked(name, { grain: 'decade', to: '2000' }), undefined, `${name} up to a year`)
    t.not(picked(name, { grain: 'all' }), undefined, `${name} of all times`)
  }
  t.not(picked('genre-years', { grain: 'decade' }), undefined, 'of few members years are added up')
})

t.test('the order by a mean goes by its index, which computes it to the letter as reports do', async (t) => {
  const house = await build(t)
  await loadGenerated(house, 'movies')
  const report = (await loadReports()).find(({ name }) => name === 'movies/company-years')?.report as Report
  const params = report.params.parse({ aggregate: 'mean' })
  for (const mean of ['budget', 'revenue', 'profit']) {
    const plan = await house.warehouse.writer.transaction().execute(async (trx) => {
      for (const way of ['sort', 'seqscan']) await sql`set local ${sql.raw(`enable_${way}`)} = off`.execute(trx)
      const rows = report.query(
        trx as unknown as MoviesDb,
        scopeOf(1, { rollups: ROLLUP_TABLES }),
        params,
      ) as Rows<unknown>
      return await trx
        .selectFrom(rows.as('row'))
        .select('company_id' as never)
        .orderBy(sql`${sql.ref(`row.${mean}`)} desc nulls last`)
        .orderBy('company_id' as never)
        .orderBy(sql`period collate "C"`)
        .limit(100)
        .explain('json')
    })
    t.match(JSON.stringify(plan), /rollup_company_\d+_trim_scale_/, mean)
    t.notMatch(JSON.stringify(plan), /"Sort"/, mean)
  }
})

/** A house with films of three companies each, released on these days. */
async function ofThree(t: Test, days: string[]) {
  const house = await build(t)
  const names = ['A', 'B', 'C'].map((name, at) => `{'name': '${name}', 'id': ${at + 1}}`)
  const films = days.map((day, at) => `${at + 1},Film ${at},${day},10,,"[${names}]",[]\n`)
  const csv = `id,title,release_date,budget,revenue,production_companies,genres\n${films.join('')}`
  await house.load(await house.file('movies_metadata.csv', csv), { format: 'the-movies-dataset' })
  return house
}

t.test('shares are rounded when all of them are added up, and not before', async (t) => {
  const house = await ofThree(t, ['1995-01-01', '1995-01-02'])
  const { body } = await house.get('/v1/movies/company-years?attribution=split&fields=releases,budget')
  t.strictSame(body.data, [
    { releases: 0.666667, budget: 6.68 },
    { releases: 0.666667, budget: 6.66 },
    { releases: 0.666667, budget: 6.66 },
  ])
  const account = { overlap: 0, other: 0, without: 0 }
  const explained = await house.get('/v1/movies/company-years?attribution=split&explain=true')
  t.equal(explained.body.data.added_up_from, 'movies.rollup_split')
  t.match(body.meta.reconciliation, {
    releases: { rows: 2, total: 2, ...account },
    budget: { rows: 20, total: 20, ...account },
  })
})

t.test('shares come to whole films', async (t) => {
  const years = [1991, 1992, 1993, 1995, 1995, 1995]
  const house = await ofThree(
    t,
    years.map((year) => `${year}-01-01`),
  )
  const rows = async (query: string) =>
    (await house.get(`/v1/movies/company-years?attribution=split&fields=period,releases&${query}`)).body.data
  const ofEach = (row: object) => [row, row, row]
  t.strictSame(await rows('min_releases=1'), ofEach({ period: '1995', releases: 1 }))
  t.strictSame(await rows('grain=decade&min_releases=2'), ofEach({ period: '1990s', releases: 2 }))
})
