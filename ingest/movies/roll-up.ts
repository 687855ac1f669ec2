import { sql, type Transaction } from 'kysely'
import { ADDITIVE, COMPUTED, cellRows, fromRollup, nameOf, ROLLUPS } from '../../queries/movies/parts/cell-rows.ts'
import { cellIds } from '../../queries/movies/parts/cells.ts'
import { lifetimeColumns } from '../../queries/movies/parts/measures.ts'
import { periodOf } from '../../queries/movies/parts/periods.ts'
import { scopeOf } from '../../queries/report.ts'
import type { MergeScope } from '../subject.ts'

/**
 * Columns that choose or gather cells; all others are figures. Of the load, too: the planner would think that one row in two hundred is of it.
 */
export const CHOOSING = [
  ...['load_id', 'cells', 'grain', 'year', 'month', 'period', 'releases'],
  ...new Set(ROLLUPS.flatMap(({ by }) => cellIds({ by, periods: false }))),
]

/**
 * Adds up the films of a load in the cells that reports ask for whole, by the very queries that would add them up for a reader; decades from
 * the years that were added up before.
 */
export async function rollUp(
  trx: Transaction<unknown>,
  { loadId, table }: Pick<MergeScope, 'loadId' | 'table'>,
): Promise<void> {
  const scope = scopeOf(loadId, { rolledUp: false })
  await planForWholeLoads(trx, 'off')
  for (const { by, grains } of ROLLUPS)
    for (const grain of grains) {
      const cells = { by, periods: grain !== 'ever' }
      const params = grain === 'month' || grain === 'decade' ? { grain } : {}
      const { rows, measures } =
        grain === 'decade'
          ? fromRollup(scope, params, cells, { by, grain: 'year', within: undefined })
          : cellRows(scope, params, cells)
      const time = {
        month: () => ['month', 'year', 'period'],
        year: () => ['year', 'period'],
        decade: () => ['year', 'period'],
        ever: () => Object.keys(lifetimeColumns),
      }[grain]()
      const [period, year] = periodOf(scope, params, sql.ref('cell.bucket'))
      const times = {
        month: [sql`cell.bucket`, year, period],
        year: [year, period],
        decade: [sql`cell.bucket`, period],
        ever: Object.keys(lifetimeColumns).map((name) => sql.ref(`cell.${name}`)),
      }[grain]
      const members = cellIds({ by, periods: false })
      const columns = ['load_id', 'cells', 'grain', ...members, ...time, ...ADDITIVE, ...COMPUTED]
      const computed = measures.filter(({ alias }) => COMPUTED.includes(alias as string))
      const order = cellIds(cells).map((id) => sql.ref(`cell.${id}`))
      // In the order of the report's key, so that rows that are read together lie together.
      await sql`
        insert into ${table('rollup')} (${sql.join(columns.map((name) => sql.ref(name)))})
        select ${sql.join([
          sql.lit(loadId),
          sql.lit(nameOf(by)),
          sql.lit(grain),
          ...members.map((id) => sql.ref(`cell.${id}`)),
          ...times,
          ...ADDITIVE.map((name) => sql.ref(`cell.${name}`)),
          ...computed,
        ])}
        from (${rows}) as cell
        ${order.length > 0 ? sql`order by ${sql.join(order)}` : sql``}`.execute(trx)
    }
  await planForWholeLoads(trx, 'default')
}

/**
 * Each cell is made of films of the whole load. The planner would search the links of each film by their index, as it takes rows that lie
 * in the index's order for cheap: half as long again as reading them all. And it would add up many cells in a hash table, for which it
 * thinks that sums take less memory than they do, and sort them afterwards, where films that are sorted first need neither: all rollups
 * together take a fifth less time.
 */
async function planForWholeLoads(trx: Transaction<unknown>, other: 'off' | 'default'): Promise<void> {
  for (const way of ['nestloop', 'hashagg'])
    await sql`set local ${sql.raw(`enable_${way}`)} = ${sql.raw(other)}`.execute(trx)
}
