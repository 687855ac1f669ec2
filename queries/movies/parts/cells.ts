import { type RawBuilder, sql } from 'kysely'
import type { Scope } from '../../report.ts'
import { containing } from '../../search.ts'
import { type DimensionName, dimensionNamed } from './dimensions.ts'
import type { CellParams } from './film-params.ts'
import { filmConditions, type Selector } from './films.ts'
import { bucketOf, isDated } from './periods.ts'
import { amountOf, isReal, joinPrices } from './prices.ts'
import { fact } from './tables.ts'

/**
 * Films in the cells of a report: one row for each film in each cell, with what it gives to the cell's figures. A report's figures, rolled up or
 * not, and what explains a change of them all stand on these rows, so that the films always add up to the cell.
 */
export interface Cells {
  /** Dimensions that the report groups by. */
  by: DimensionName[]
  /** Whether it groups by period, too; if not, undated films count as well. */
  periods: boolean
}

/** Parameters that select rows of such a report, and not films. */
export const selectorsOf = ({ by }: Cells): Selector[] => by.map((name) => dimensionNamed(name).selector)

/** What such a report asks of films: a job where people are counted is what they are counted for, and leaves out no film. */
export const filmFilters = (params: CellParams, { by }: Cells): CellParams =>
  by.includes('person') ? { ...params, job: undefined } : params

/** Columns that tell one cell from another, before periods have names. */
export const cellIds = ({ by, periods }: Cells): string[] => [
  ...by.flatMap((name) => dimensionNamed(name).ids),
  ...(periods ? ['bucket'] : []),
]

export const isSplit = ({ attribution }: CellParams) => attribution === 'split'

/**
 * The rows, as a query: ids of the cell, `bucket`, `film_id`, `release_year`, `budget`, `revenue` (as priced and shared out), `share` (when
 * shared out), `popularity`, `vote_average`, `vote_count`, `rating_count` and `rating_sum`.
 */
export function filmsInCells(scope: Scope, params: CellParams, cells: Cells): RawBuilder<unknown> {
  const { by, periods } = cells
  const split = isSplit(params)
  const joins: RawBuilder<unknown>[] = []
  const ids: RawBuilder<unknown>[] = []
  const conditions = filmConditions(scope, params, selectorsOf(cells)).map(({ holds }) => holds)
  const shared: string[] = []
  for (const name of by) {
    const { ids: columns, links, of } = dimensionNamed(name)
    const [first] = columns as [string]
    const member = links ? sql.ref(`${name}.${first}`) : (of as RawBuilder<unknown>)
    if (links) {
      joins.push(sql`join (${split ? withPlaces(links.rows(scope, params), columns, links.within) : links.rows(scope, params)})
                     as ${sql.ref(name)} on ${sql.ref(`${name}.film_id`)} = f.film_id`)
      ids.push(...columns.map((column) => sql.ref(`${name}.${column}`)))
      if (split) shared.push(name)
    } else {
      ids.push(sql`${member} as ${sql.ref(first)}`)
      conditions.push(sql<boolean>`${member} is not null`)
    }
    conditions.push(...ofMembers(scope, params, name, member))
  }
  if (periods) conditions.push(isDated(params))
  const [budget, revenue] = [amountOf('budget', params), amountOf('revenue', params)]
  const parts = shared.length > 0 ? partsOf(shared) : undefined
  return sql`
    select ${sql.join([
      ...ids,
      ...(periods ? [sql`${bucketOf(params)} as bucket`] : []),
      sql`f.film_id, f.release_year`,
      sql`${parts ? partOf(budget, shared, params) : budget} as budget`,
      sql`${parts ? partOf(revenue, shared, params) : revenue} as revenue`,
      ...(parts ? [sql`1::numeric / ${parts} as share`] : []),
      sql`f.popularity, f.vote_average, f.vote_count`,
      sql`coalesce(rated.rating_count, 0) as rating_count, rated.rating_sum`,
    ])}
    from ${fact(scope, 'film')} f
    ${joins.length > 0 ? sql.join(joins, sql` `) : sql``}
    left join ${fact(scope, 'film_rating')} rated on rated.load_id = ${scope.load} and rated.film_id = f.film_id
    ${joinPrices(scope, params)}
    where f.load_id = ${scope.load}
    ${conditions.length > 0 ? sql`and ${sql.join(conditions, sql` and `)}` : sql``}`
}

/** Whether a member of the dimension is among those that are asked for. */
export function ofMembers(
  scope: Scope,
  params: CellParams,
  name: DimensionName,
  member: RawBuilder<unknown>,
): RawBuilder<boolean>[] {
  const { selector, names } = dimensionNamed(name)
  const wanted = params[selector] as (string | number)[] | undefined
  const asked: RawBuilder<boolean>[] = []
  if (wanted) asked.push(sql<boolean>`${member} in (${sql.join(wanted)})`)
  // Members are found by name before their films are, which are many more.
  if (names && params.q !== undefined)
    asked.push(sql<boolean>`${member} in (
      select ${sql.ref(names.id)} from ${sql.table(`movies.${names.table}`)} as named
      where load_id = ${scope.load} and ${containing(sql.ref('named.name'), params.q)})`)
  return asked
}

/** Links with the number of members that their film is shared out among, and the place of each, from 0. */
const withPlaces = (rows: RawBuilder<unknown>, ids: string[], within: string[]) => {
  const film = sql`partition by ${sql.join(['film_id', ...within].map((column) => sql.ref(column)))}`
  return sql`
    select *, count(*) over (${film}) as parts,
           row_number() over (${film} order by ${sql.join(ids.map((id) => sql.ref(id)))}) - 1 as place
    from (${rows}) as link`
}

/** Among how many members, or pairs of members, a film is shared out. */
const partsOf = (shared: string[]) =>
  sql`(${sql.join(
    shared.map((name) => sql.ref(`${name}.parts`)),
    sql` * `,
  )})`

/** An amount's part for one member, or one pair of members, of a film: whole cents, the spare ones to the first. (A division by 100 would round large ones.) */
function partOf(amount: RawBuilder<unknown>, shared: string[], params: CellParams): RawBuilder<unknown> {
  const parts = partsOf(shared)
  const [first, second] = shared.map((name) => sql.ref(`${name}.place`))
  const place = second ? sql`(${first} * ${sql.ref(`${shared[1]}.parts`)} + ${second})` : first
  // Whole dollars are divided as integers, which costs less, and what is left of them then as cents.
  if (!isReal(params)) {
    const cents = sql`${amount} % ${parts} * 100`
    return sql`
      case when ${parts} = 1 then ${amount}::numeric
           else ${amount} / ${parts} + (${cents} / ${parts} + case when ${place} < ${cents} % ${parts} then 1 else 0 end) * 0.01 end`
  }
  const cents = sql`(${amount} * 100::numeric)`
  return sql`
    (div(${cents}, ${parts}) + case when ${place} < mod(${cents}, ${parts}) then 1 else 0 end) * 0.01`
}
