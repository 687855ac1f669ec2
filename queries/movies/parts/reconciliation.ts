import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { type JsonEntry, jsonObject, jsonOf } from '../../json-text.ts'
import type { Rows, Scope } from '../../report.ts'
import { cellRows } from './cell-rows.ts'
import { type Cells, cellIds, filmFilters, filmsInCells, isSplit, selectorsOf } from './cells.ts'
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

/** What is reconciled: films, or shares of them, and their money. */
const AMOUNTS = ['share', 'budget', 'revenue']

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
  const { shown, rows, isInRows } = inRows(scope, params, cells)
  // Ids select rows there; of the total they select films, as everywhere else.
  const { min_releases, q, ...films } = params
  const counts = filmConditions(scope, filmFilters(films, cells)).map(({ holds }) => holds)
  if (cells.periods) counts.push(isDated(params))
  const accounts = AMOUNTS.map((amount): JsonEntry => {
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
  // All films are gone through a single time, for all that is to be known of them.
  const sums = (name: string, which: RawBuilder<unknown>) =>
    AMOUNTS.map((amount) => sql`sum(${sql.ref(amount)}) filter (where ${which}) as ${sql.ref(`${name}_${amount}`)}`)
  const ofFilms = (name: string) =>
    sql`select ${sql.join(AMOUNTS.map((amount) => sql`coalesce(${sql.ref(`${name}_${amount}`)}, 0)::numeric as ${sql.ref(amount)}`))} from of_films`
  const told = sql<Record<string, unknown>>`(
    with ${shown}
         rows as materialized (${rows}),
         of_films as materialized (
           select ${sql.join([
             ...sums('total', sql`true`),
             ...sums('without', sql`not has_members`),
             ...(isInRows ? sums('once', sql`is_in_rows`) : []),
           ])}
           from (select 1 as share, ${amountOf('budget', params)} as budget, ${amountOf('revenue', params)} as revenue,
                        ${hasMembers(scope, params, cells)} as has_members ${isInRows ? sql`, ${isInRows} as is_in_rows` : sql``}
                 from ${fact(scope, 'film')} f
                 ${joinPrices(scope, params)}
                 where ${sql.join([sql`f.load_id = ${scope.load}`, ...counts], sql` and `)} offset 0) as film)
    select (${jsonObject(accounts)})::json as reconciliation
    from rows, (${isInRows ? ofFilms('once') : once(cells)}) as once, (${ofFilms('total')}) as total, (${ofFilms('without')}) as without)`
  return [db.selectFrom(told.as('told')).select(['reconciliation']) as unknown as Rows<Record<string, unknown>>]
}

/** What of the films is in rows. */
interface InRows {
  /** Queries that the others read, `shown` with each film in each row. */
  shown: RawBuilder<unknown>
  /** All rows added up. */
  rows: RawBuilder<unknown>
  /** Whether film `f` is in a row; absent where films are shared out, and how much of each is in rows counts. */
  isInRows: RawBuilder<unknown> | undefined
}

function inRows(scope: Scope, params: CellParams, cells: Cells): InRows {
  const split = isSplit(params)
  const all =
    params.q === undefined &&
    params.min_releases === undefined &&
    selectorsOf(cells).every((selector) => params[selector] === undefined)
  const kept = cellRows(scope, params, cells)
  // Rows that are kept need not be made of their films again, as long as each film that has members is in some.
  if (all && kept.table !== 'movies.film')
    return {
      shown: sql``,
      rows: added(sql`(${kept.rows}) as cell`, split ? sql`round(sum(releases), 6)` : sql`sum(releases)`),
      isInRows: split ? undefined : hasMembers(scope, params, cells),
    }
  const ids = sql.join(cellIds(cells).map((id) => sql.ref(id)))
  const ofEnough =
    params.min_releases === undefined
      ? sql``
      : sql`where (${ids}) in (select ${ids} from films f group by ${ids} having ${enoughReleases(params)})`
  return {
    shown: sql`films as materialized (${filmsInCells(scope, params, cells)}),
               shown as materialized (select * from films ${ofEnough}),`,
    rows: added(sql`shown`, split ? ROUNDED : sql`count(*)`),
    isInRows: split ? undefined : sql`f.film_id in (select film_id from shown)`,
  }
}

/** What of films that are shared out is in rows, each once: all of it, or, where they are shared out several times, the most. */
function once({ by }: Cells): RawBuilder<unknown> {
  const within = by.flatMap((name) => dimensionNamed(name).links?.within ?? []).map((column) => sql.ref(column))
  if (within.length === 0) return sql`select * from rows`
  const of = (each: (amount: RawBuilder<unknown>) => RawBuilder<unknown>) =>
    sql.join(AMOUNTS.map((amount) => sql`${each(sql.ref(amount))} as ${sql.ref(amount)}`))
  const most = sql`
    select ${of((amount) => sql`max(${amount})`)}
    from (select film_id, ${of((amount) => sql`sum(${amount})`)} from shown group by ${sql.join([sql`film_id`, ...within])}) as shares
    group by film_id`
  return added(sql`(${most}) as most`, ROUNDED)
}

const ROUNDED = sql`round(sum(share), 6)`

const added = (from: RawBuilder<unknown>, share: RawBuilder<unknown>) => sql`
  select coalesce(${share}, 0)::numeric as share, coalesce(sum(budget), 0)::numeric as budget, coalesce(sum(revenue), 0)::numeric as revenue
  from ${from}`

/** Whether film `f` has members of all dimensions of which films may have several. */
function hasMembers(scope: Scope, params: CellParams, { by }: Cells): RawBuilder<unknown> {
  const members = by.flatMap((name) => {
    const { links } = dimensionNamed(name)
    return links
      ? [sql`exists (select from (${links.rows(scope, params)}) as link where link.film_id = f.film_id)`]
      : []
  })
  return sql`(${sql.join(members, sql` and `)})`
}
