import { type RawBuilder, sql } from 'kysely'
import type { Rows, Scope } from '../../report.ts'
import { type Cells, filmsInCells } from './cells.ts'
import { inCells, type Reason } from './counted.ts'
import { dimensionNamed } from './dimensions.ts'
import type { CellParams } from './film-params.ts'
import { partialFrom, partialShape, periodOf } from './periods.ts'
import { fact, type MoviesDb } from './tables.ts'

/** Ways to put films into groups, where a report lets its user choose one. */
export type Group = 'year' | 'decade' | 'all' | 'genre' | 'company' | 'film' | 'budget_band'

const BANDS = sql`
  case when f.budget < 1000000 then 'under_1m' when f.budget < 10000000 then '1m_10m' when f.budget < 50000000 then '10m_50m'
       when f.budget < 100000000 then '50m_100m' else 'from_100m' end`

/** The cells that groups are made of. */
const cellsOf = (params: CellParams, by: Group): { cells: Cells; inPeriods: CellParams } => ({
  cells: { by: by === 'genre' || by === 'company' ? [by] : [], periods: by === 'year' || by === 'decade' },
  inPeriods: by === 'decade' ? { ...params, grain: by } : params,
})

/** What leaves a film out of all groups. Of a budget band it is the budget that must be told; whether it is priced is asked apart. */
export function groupReasons(scope: Scope, params: CellParams, by: Group): Reason[] {
  const { cells, inPeriods } = cellsOf(params, by)
  const reasons = inCells(scope, inPeriods, cells)
  if (by === 'budget_band') reasons.push({ reason: 'budget_unknown', holds: sql`f.budget is not null` })
  return reasons
}

/**
 * Films in groups, as a query: `group_id` and `group` as text, and the columns of `filmsInCells`. Groups by year or decade have dated films
 * only; budget bands those whose budget is known.
 */
export function filmsInGroups(scope: Scope, params: CellParams, by: Group): RawBuilder<unknown> {
  const { cells, inPeriods } = cellsOf(params, by)
  const films = filmsInCells(scope, inPeriods, cells)
  const told = (id: RawBuilder<unknown>, name: RawBuilder<unknown>, more = sql``) => sql`
    select (${id})::text as group_id, (${name})::text as "group", f.* from (${films}) as f ${more}`
  const [name] = cells.by
  if (name) {
    const { ids, names } = dimensionNamed(name)
    const id = sql.ref(`f.${ids[0]}`)
    return told(
      id,
      sql`named.name`,
      sql`join ${sql.table(`movies.${names?.table}`)} named
          on named.load_id = ${scope.load} and ${sql.ref(`named.${names?.id}`)} = ${id}`,
    )
  }
  if (by === 'film')
    return told(
      sql`f.film_id`,
      sql`named.title`,
      sql`join ${fact(scope, 'film')} named on named.load_id = ${scope.load} and named.film_id = f.film_id`,
    )
  if (by === 'budget_band') return told(BANDS, BANDS, sql`where f.budget is not null`)
  if (by === 'all') return told(sql`'all'`, sql`'all'`)
  const [period] = periodOf(scope, inPeriods, sql.ref('f.bucket'))
  return sql`
    select period as group_id, period as "group", f.*
    from (${films}) as f cross join lateral (select ${period}) as named`
}

/** Shape of what `partialGroups` adds to `meta`. */
export const partialGroupsShape = { partial_from: partialShape.partial_from.optional() }

/** Where groups are periods, from which on the data do not cover them whole. */
export const partialGroups = (
  db: MoviesDb,
  scope: Scope,
  params: CellParams,
  by: Group,
): Rows<Record<string, unknown>>[] => {
  const { cells, inPeriods } = cellsOf(params, by)
  return cells.periods ? [partialFrom(db, scope, inPeriods)] : []
}
