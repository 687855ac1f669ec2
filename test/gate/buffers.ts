import { sql } from 'kysely'
import { statementOf } from '../../src/answer.ts'
import { Ear } from '../../src/ear.ts'
import { json } from '../../src/formats/json.ts'
import { paramsOf, understand } from '../../src/question.ts'
import { loadReports } from '../../src/reports.ts'
import { type Snapshot, Snapshots } from '../../src/snapshots.ts'
import type { Warehouse } from '../../src/warehouse.ts'
import type { House } from '../build.ts'
import { until } from '../processes.ts'

/** How much PostgreSQL reads for a page. The same load has the same tables and the same plans, so a lost index shows at once. */

/** Beside each report's page as it is without parameters: what has a rollup or an index of its own, and what has neither. */
const ASKED = [
  'company-years?company_id=1,2,3',
  'company-years?sort=-revenue',
  'company-years?sort=-profit&min_releases=2',
  'company-years?grain=decade',
  'company-years?min_votes=10',
  'company-years?attribution=full',
  'company-years?attribution=split&sort=-revenue',
  'company-genre-years?sort=-budget',
  'company-genre-years?company_id=1',
  'collection-years?sort=-revenue',
  'genre-years?from=1990&to=2000',
  'genre-years?grain=month&sort=-revenue',
  'genre-years?aggregate=median',
  'companies?sort=-releases',
  'companies?q=pictures',
  'films?company_id=1',
  'films?sort=-revenue&year=2000',
  'years?count=exact',
]

/** Buffers that the statement of each page touches, cached or not; the second time, when nothing is left to be noted on the way. */
export async function buffersOf({ warehouse }: House): Promise<Record<string, number>> {
  await allSeen(warehouse)
  const snapshot = await new Snapshots(warehouse, new Ear(warehouse, () => {})).current('movies')
  const reports = (await loadReports()).filter(({ subject, single }) => subject === 'movies' && !single)
  const asked = [...reports.map(({ name }) => name.replace('movies/', '')), ...ASKED]
  const buffers: Record<string, number> = {}
  for (const page of asked) {
    const [name, query] = page.split('?')
    const served = reports.find((report) => report.name === `movies/${name}`)
    if (!served) throw new Error(`There is no report ${name}.`)
    const params = paramsOf(served).parse(Object.fromEntries(new URLSearchParams(query)))
    const question = await understand(served, params, json, async () => snapshot as Snapshot)
    const statement = statementOf(warehouse.reader, question)
    for (let time = 0; time < 2; time++) {
      const [row] = await statement.explain('json', sql`analyze, buffers, timing off`)
      const { Plan: plan } = (row as { 'QUERY PLAN': { Plan: Record<string, number> }[] })['QUERY PLAN'][0] ?? {}
      if (!plan) throw new Error('PostgreSQL explains otherwise than was expected.')
      buffers[page] = Number(plan['Shared Hit Blocks']) + Number(plan['Shared Read Blocks'])
    }
  }
  return buffers
}

/**
 * Notes which rows all may see without looking, which autovacuum does when it comes by: here, before. A row that is younger than somebody's
 * statement, autovacuum's own say, has to wait for its end.
 */
async function allSeen({ writer }: Warehouse): Promise<void> {
  await until('all rows are noted as seen by all', async () => {
    await sql`vacuum`.execute(writer)
    const { rows } = await sql`
      select from pg_class
      where relnamespace = 'movies'::regnamespace and relkind = 'r' and relallvisible < relpages limit 1`.execute(
      writer,
    )
    return rows.length === 0
  })
}
