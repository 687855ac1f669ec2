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
import { fact, type MoviesDb } from './tables.ts'

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
  const within = by.flatMap((name) => dimensionNamed(name).links?.within ?? []).map((column) => sql.ref(column))
  const split = isSplit(params)
  const columns = (each: (amount: string) => RawBuilder<unknown>) =>
    sql.join(SHARED.map((amount) => sql`${each(amount)} as ${sql.ref(amount)}`))
  const added = (rows: RawBuilder<unknown>, share = sql`count(*)::numeric`) =>
    sql`select ${columns((amount) => (amount === 'share' ? share : sql`coalesce(sum(${sql.ref(amount)}), 0)::numeric`))} from ${rows}`
  const ofShares = split ? sql`coalesce(round(sum(share), 6), 0)` : undefined
  // What of each film is in rows, once. Where it is shared out a single time, that is all of it.
  const once = !split
    ? added(sql`all_films where film_id in (select film_id from shown)`)
    : within.length === 0
      ? added(sql`shown`, ofShares)
      : added(
          sql`(
          select ${columns((amount) => sql`max(${sql.ref(amount)})`)}
          from (select film_id, ${columns((amount) => sql`sum(${sql.ref(amount)})`)}
                from shown group by ${sql.join([sql`film_id`, ...within])}) as shares
          group by film_id) as most`,
          ofShares,
        )
  const accounts = SHARED.map((amount): JsonEntry => {
    const of = (name: string) => sql.ref(`${name}.${amount}`)
    const told = {
      rows: of('rows'),
      overlap: sql`${of('rows')} - ${of('once')}`,
      other: sql`${of('total')} - ${of('without')} - ${of('once')}`,
      without: of('without'),
      total: of('total'),
    }
    const json = jsonObject(Object.entries(told).map(([name, value]) => [name, jsonOf(sql`trim_scale(${value})`)]))
    return [amount === 'share' ? 'releases' : amount, json]
  })
  const told = sql<Record<string, unknown>>`(
    with films as materialized (${filmsInCells(scope, params, cells)}),
         shown as materialized (select * from films ${chosen.length > 0 ? sql`where ${sql.join(chosen, sql` and `)}` : sql``}),
         all_films as materialized (
           select f.film_id, ${amountOf('budget', params)} as budget, ${amountOf('revenue', params)} as revenue,
                  ${members.length > 0 ? sql.join(members, sql` and `) : sql`true`} as has_members
           from ${fact(scope, 'film')} f
           ${joinPrices(scope, params)}
           where f.load_id = ${scope.load} ${conditions.length > 0 ? sql`and ${sql.join(conditions, sql` and `)}` : sql``})
    select (${jsonObject(accounts)})::json as reconciliation
    from (${added(sql`shown`, ofShares)}) as rows, (${once}) as once, (${added(sql`all_films`)}) as total,
         (${added(sql`all_films where not has_members`)}) as without)`
  return [db.selectFrom(told.as('told')).select(['reconciliation']) as unknown as Rows<Record<string, unknown>>]
}
