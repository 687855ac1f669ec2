import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { type JsonEntry, jsonObject, jsonOf } from '../../json-text.ts'
import type { Rows, Scope } from '../../report.ts'
import { type Cells, cellIds, filmFilters, filmsInCells, isSplit } from './cells.ts'
import { dimensionNamed } from './dimensions.ts'
import type { CellParams } from './film-params.ts'
import { filmConditions } from './films.ts'
import { enoughReleases } from './measures.ts'
import { isDated } from './periods.ts'
import { amountOf, joinPrices } from './prices.ts'
import type { MoviesDb } from './tables.ts'

/**
 * How the rows of all pages come to the total of the films that they are made of: `rows - overlap + other + without = total`. Under
 * `full` a film counts in each of its cells, which is the overlap. Under `split` it is shared out once; but of people once for each job
 * that is asked for, and then what any but the job that has most of it in rows counts is the overlap.
 */

const account = z.strictObject({
  rows: z.number().describe('The rows of all pages added up'),
  overlap: z
    .number()
    .describe(
      'What they count more than once; under `split` that of people with several jobs, as each job shares the film out',
    ),
  other: z.number().describe('Films, or shares of them, that are in no row: other members, or too few releases'),
  without: z.number().describe('Films without any member'),
  total: z.number().describe('Each film once'),
})

/** What films are shared out in. */
const SHARED = ['share', 'budget', 'revenue']

/** Shape of what `reconciliation` adds to `meta`. */
export const reconciliationShape = {
  reconciliation: z
    .strictObject({ releases: account, budget: account, revenue: account })
    .optional()
    .describe('With `attribution`: how the rows add up to the total of all films'),
}

export function reconciliation(
  db: MoviesDb,
  scope: Scope,
  params: CellParams,
  cells: Cells,
): Rows<Record<string, unknown>>[] {
  if (params.attribution === undefined) return []
  const { by, periods } = cells
  // Ids select rows there; of the total they select films, as everywhere else.
  const { min_releases, q, ...films } = params
  const conditions = filmConditions(scope, filmFilters(films, cells)).map(({ holds }) => holds)
  if (periods) conditions.push(isDated(params))
  const ids = cellIds(cells).map((id) => sql.ref(id))
  const members = by.flatMap((name) => {
    const { links } = dimensionNamed(name)
    return links
      ? [sql`exists (select from (${links.rows(scope, params)}) as link where link.film_id = f.film_id)`]
      : []
  })
  const chosen = [
    ...(min_releases === undefined
      ? []
      : [
          sql`(${sql.join(ids)}) in (select ${sql.join(ids)} from films f group by ${sql.join(ids)} having ${enoughReleases(params)})`,
        ]),
  ]
  const sum = (amount: string) => sql`coalesce(sum(${sql.ref(amount)}), 0)`
  const within = by.flatMap((name) => dimensionNamed(name).links?.within ?? []).map((column) => sql.ref(column))
  // What of each film is in rows: under `split`, and where it is shared out several times, the most of these.
  const onceInRows = sql`
    select ${sql.join(SHARED.map((amount) => sql`max(${sql.ref(amount)}) as ${sql.ref(amount)}`))}
    from (select film_id, ${sql.join(SHARED.map((amount) => sql`sum(${sql.ref(amount)}) as ${sql.ref(amount)}`))}
          from shown group by ${sql.join([sql`film_id`, ...within])}) as shares
    group by film_id`
  const measures: { measure: string; whole: RawBuilder<unknown>; shared: RawBuilder<unknown> }[] = [
    { measure: 'releases', whole: sql`count(*)`, shared: sql`coalesce(round(sum(share), 6), 0)` },
    { measure: 'budget', whole: sum('budget'), shared: sum('budget') },
    { measure: 'revenue', whole: sum('revenue'), shared: sum('revenue') },
  ]
  const accounts = measures.map(({ measure, whole, shared }) => {
    const rows = sql`(select (${isSplit(params) ? shared : whole})::numeric from shown)`
    const once = isSplit(params)
      ? sql`(select (${shared})::numeric from (${onceInRows}) as once)`
      : sql`(select (${whole})::numeric from all_films where film_id in (select film_id from shown))`
    const without = sql`(select (${whole})::numeric from all_films where not has_members)`
    const total = sql`(select (${whole})::numeric from all_films)`
    const told = {
      rows: sql`rows`,
      overlap: sql`rows - once`,
      other: sql`total - without - once`,
      without: sql`without`,
      total: sql`total`,
    }
    const json = jsonObject(Object.entries(told).map(([name, value]) => [name, jsonOf(sql`trim_scale(${value})`)]))
    return [
      measure,
      sql`(
      select ${json} from (select ${rows} as rows, ${once} as once, ${without} as without, ${total} as total) as account)`,
    ] as JsonEntry
  })
  const told = sql<Record<string, unknown>>`(
    with films as materialized (${filmsInCells(scope, params, cells)}),
         shown as materialized (select * from films ${chosen.length > 0 ? sql`where ${sql.join(chosen, sql` and `)}` : sql``}),
         all_films as materialized (
           select f.film_id, ${amountOf('budget', params)} as budget, ${amountOf('revenue', params)} as revenue,
                  ${members.length > 0 ? sql.join(members, sql` and `) : sql`true`} as has_members
           from movies.film f
           ${joinPrices(scope, params)}
           where f.load_id = ${scope.load} ${conditions.length > 0 ? sql`and ${sql.join(conditions, sql` and `)}` : sql``})
    select (${jsonObject(accounts)})::json as reconciliation)`
  return [db.selectFrom(told.as('told')).select(['reconciliation']) as unknown as Rows<Record<string, unknown>>]
}
