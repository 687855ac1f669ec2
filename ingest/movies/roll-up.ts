import { sql, type Transaction } from 'kysely'
import {
  ADDITIVE,
  COMPUTED,
  cellRows,
  fromRollup,
  type Grain,
  nameOf,
  ROLLUPS,
  type Rollup,
  setColumns,
} from '../../queries/movies/parts/cell-rows.ts'
import { cellIds } from '../../queries/movies/parts/cells.ts'
import type { CellParams } from '../../queries/movies/parts/film-params.ts'
import { lifetimeColumns } from '../../queries/movies/parts/measures.ts'
import { periodOf } from '../../queries/movies/parts/periods.ts'
import { scopeOf } from '../../queries/report.ts'
import type { MergeScope } from '../subject.ts'

/** Columns of the times of a grain. */
const TIMES: Record<Grain, string[]> = {
  month: ['month', 'year', 'period'],
  year: ['year', 'period'],
  decade: ['year', 'period'],
  ever: Object.keys(lifetimeColumns),
}

const membersOf = ({ by }: Rollup) => cellIds({ by, periods: false })

/**
 * The tables, and of each the columns that choose or gather cells; all others are figures. Of the load, too: the planner would think that one
 * row in two hundred is of it.
 */
export const rollups: Record<string, string[]> = {}
for (const rollup of ROLLUPS) {
  const times = rollup.grains.filter((grain) => grain !== 'ever').flatMap((grain) => TIMES[grain])
  const before = rollups[rollup.table] ?? ['load_id', 'releases']
  rollups[rollup.table] = [...new Set([...before, ...setColumns(rollup), ...membersOf(rollup), ...times])]
}

/**
 * Adds up the films of a load in the cells that reports ask for whole, by the very queries that would add them up for a reader; decades from
 * the years that were added up before. (Years are not made of months: of some films no more than the year is known.)
 */
export async function rollUp(
  trx: Transaction<unknown>,
  { loadId, table }: Pick<MergeScope, 'loadId' | 'table'>,
): Promise<void> {
  const scope = scopeOf(loadId)
  await planForWholeLoads(trx, 'off')
  for (const rollup of ROLLUPS)
    for (const grain of rollup.grains) {
      const { by, split = false } = rollup
      const cells = { by, periods: grain !== 'ever' }
      const params: CellParams = {
        ...(grain === 'month' || grain === 'decade' ? { grain } : {}),
        ...(split ? { attribution: 'split' } : {}),
      }
      const { rows, measures } =
        grain === 'decade'
          ? fromRollup(scope, params, cells, { ...rollup, grain: 'year', within: undefined })
          : cellRows(scope, params, cells)
      const [period, year] = periodOf(scope, params, sql.ref('cell.bucket'))
      const times = {
        month: [sql`cell.bucket`, year, period],
        year: [year, period],
        decade: [sql`cell.bucket`, period],
        ever: TIMES.ever.map((name) => sql.ref(`cell.${name}`)),
      }[grain]
      const columns = [
        'load_id',
        ...setColumns(rollup),
        ...membersOf(rollup),
        ...TIMES[grain],
        ...ADDITIVE,
        ...COMPUTED,
      ]
      const sets = { cells: nameOf(by), grain }
      const computed = measures.filter(({ alias }) => COMPUTED.includes(alias as string))
      const order = cellIds(cells).map((id) => sql.ref(`cell.${id}`))
      // In the order of the report's key, so that rows that are read together lie together.
      await sql`
        insert into ${table(rollup.table)} (${sql.join(columns.map((name) => sql.ref(name)))})
        select ${sql.join([
          sql.lit(loadId),
          ...setColumns(rollup).map((name) => sql.lit(sets[name])),
          ...membersOf(rollup).map((id) => sql.ref(`cell.${id}`)),
          ...times,
          // Sums of cents have noughts at their end (`6.60`); they are kept as they will show.
          ...ADDITIVE.map((name) =>
            split ? sql`trim_scale(${sql.ref(`cell.${name}`)}::numeric)` : sql.ref(`cell.${name}`),
          ),
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
