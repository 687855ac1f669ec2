import t from 'tap'
import { type Report, scopeOf } from '../../queries/report.ts'
import { readConfig } from '../../src/config.ts'
import { migrate } from '../../src/migrate.ts'
import { loadReports } from '../../src/reports.ts'
import { loadSubjects } from '../../src/subjects.ts'
import { openWarehouse } from '../../src/warehouse.ts'
import { emptyDatabase } from '../build.ts'

t.test('loads that an older Reelhouse made have the tables that reports read today, with their rows', async (t) => {
  const subjects = await loadSubjects()
  const warehouse = await openWarehouse(readConfig(subjects.keys(), { DATABASE_URL: await emptyDatabase(t) }))
  t.teardown(() => warehouse.close())
  await migrate(warehouse, '2026-11-27.3-decades')
  const client = await warehouse.connect('test')
  t.teardown(() => client.end())
  for (const [id, rolledUp] of [
    [7, true],
    [8, false],
  ])
    await client.query(
      `insert into reelhouse.load (load_id, subject, state, mode, trigger, actor, source, rolled_up) overriding system value
       values ($1, 'movies', 'held', 'replace', 'cli', 'ann', 'a file', $2)`,
      [id, rolledUp],
    )
  for (const fact of ['film', 'rollup'])
    await client.query(`create table movies.${fact}_7 partition of movies.${fact} for values in (7)`)
  const cell = (columns: object) => {
    const row = {
      ...{ load_id: 7, releases: 2, budget: '9007199254740993', budget_known: 1, revenue_known: 0 },
      ...{ matched_releases: 0, popularities: 0, popularity_known: 0, rating_count: 0 },
      ...columns,
    }
    const places = Object.keys(row).map((_, place) => `$${place + 1}`)
    return client.query(
      `insert into movies.rollup (${Object.keys(row).join()}) values (${places.join()})`,
      Object.values(row),
    )
  }
  await cell({ cells: 'company', grain: 'year', company_id: 3, period: '1995', year: 1995 })
  await cell({ cells: 'company', grain: 'ever', company_id: 3, first_year: 1995, last_year: 1999, undated: 1 })
  await cell({ cells: 'company,genre', grain: 'decade', company_id: 3, genre_id: 16, period: '1990s', year: 1990 })
  await cell({ cells: 'genre', grain: 'month', genre_id: 16, period: '1995-11', year: 1995, month: '1995-11-01' })
  const applied = await migrate(warehouse)
  t.ok(applied.includes('2026-11-28.5-large-rollups'))

  const movies = subjects.get('movies')
  const { rows: ledger } = await client.query('select load_id, rollups from reelhouse.load order by load_id')
  const rollups = ['rollup', 'rollup_company', 'rollup_company_genre']
  t.same(ledger, [
    { load_id: 7, rollups },
    { load_id: 8, rollups: [] },
  ])
  const table = async (params: Record<string, string>) => {
    const report = (await loadReports()).find(({ name }) => name === 'movies/company-years')?.report as Report
    return report.addedUpFrom?.(scopeOf(7, { rollups }), report.params.parse(params))
  }
  t.equal(await table({}), 'movies.rollup_company')
  t.equal(await table({ attribution: 'split' }), 'movies.film', 'of which it has no rollup')
  const facts = [...(movies?.families ?? []).flatMap((family) => family.facts), ...rollups]
  t.ok(facts.length > 10)
  for (const fact of facts) {
    const { rows } = await client.query('select to_regclass($1) is not null as there', [`movies.${fact}_7`])
    t.ok(rows[0].there, fact)
  }
  const rowsOf = async (table: string) => {
    const { rows } = await client.query(`select * from movies.${table} order by grain`)
    return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)))
  }
  const figures = { load_id: 7, releases: 2, budget_known: 1, matched_releases: 0 }
  t.match(await rowsOf('rollup_company_7'), [
    { ...figures, grain: 'ever', company_id: 3, first_year: 1995, last_year: 1999, undated: 1 },
    { ...figures, grain: 'year', company_id: 3, period: '1995', year: 1995 },
  ])
  t.match(await rowsOf('rollup_company_genre_7'), [
    { ...figures, grain: 'decade', company_id: 3, genre_id: 16, period: '1990s', year: 1990 },
  ])
  t.match(await rowsOf('rollup_7'), [{ ...figures, cells: 'genre', period: '1995-11', month: '1995-11-01' }])
  const { rows } = await client.query(
    'select distinct budget::text from (select budget from movies.rollup_company union all select budget from movies.rollup_company_genre) as moved',
  )
  t.same(rows, [{ budget: '9007199254740993' }], 'to the last digit')
})
