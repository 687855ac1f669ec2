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
  const { shown, rows, film, ofFilms, once } = keptRows(scope, params, cells) ?? rowsOfFilms(scope, params, cells)
  // Ids select rows there; of the total they select films, as everywhere else.
  const { min_releases, q, ...asked } = params
  const counts = filmConditions(scope, filmFilters(asked, cells)).map(({ holds }) => holds)
  if (cells.periods) counts.push(isDated(params))
  const sums = [
    ...sumsOf('total', (amount) => sql`sum(${amount})`),
    ...sumsOf('without', (amount) => sql`sum(${amount}) filter (where not has_members)`),
    ...ofFilms,
  ]
  const accounts = AMOUNTS.map((amount): JsonEntry => {
    const [rowsOf, onceOf] = [sql.ref(`rows.${amount}`), sql.ref(`once.${amount}`)]
    const [total, without] = [sql.ref(`of_films.total_${amount}`), sql.ref(`of_films.without_${amount}`)]
    const told = {
      rows: rowsOf,
      overlap: sql`${rowsOf} - ${onceOf}`,
      other: sql`${total} - ${without} - ${onceOf}`,
      without,
      total,
    }
    const json = jsonObject(Object.entries(told).map(([name, value]) => [name, jsonOf(sql`trim_scale(${value})`)]))
    return [amount === 'share' ? 'releases' : amount, json]
  })
  const told = sql<Record<string, unknown>>`(
    with ${shown}
         rows as materialized (${rows}),
         of_films as materialized (
           select ${sql.join(sums)}
           from (select 1 as share, ${amountOf('budget', params)} as budget, ${amountOf('revenue', params)} as revenue, ${sql.join(film.columns)}
                 from ${fact(scope, 'film')} f
                 ${joinPrices(scope, params)}
                 ${film.joins}
                 where ${sql.join([sql`f.load_id = ${scope.load}`, ...counts], sql` and `)}
                 offset 0) as film)
    select (${jsonObject(accounts)})::json as reconciliation
    from rows, of_films, (${once}) as once)`
  return [db.selectFrom(told.as('told')).select(['reconciliation']) as unknown as Rows<Record<string, unknown>>]
}

/** Where rows come from, and how it is known what of each film is in them. */
interface InRows {
  /** Queries that the others read. */
  shown: RawBuilder<unknown>
  /** All rows added up. */
  rows: RawBuilder<unknown>
  /** What is to be known of each film `f`: `has_members`, and what `ofFilms` adds up. */
  film: { joins: RawBuilder<unknown>; columns: RawBuilder<unknown>[] }
  /** Sums over all films that `once` needs. */
  ofFilms: RawBuilder<unknown>[]
  /** What of each film is in rows, once; from `rows`, `of_films` and the queries of `shown`. */
  once: RawBuilder<unknown>
}

/**
 * Rows as they are kept, where each film that has members is in some: they need not be made of their films again. What they count more than once is told
 * by the films, so that whatever kept rows lacked would be left over, as `other`.
 */
function keptRows(scope: Scope, params: CellParams, cells: Cells): InRows | undefined {
  const showAll =
    params.q === undefined &&
    params.min_releases === undefined &&
    selectorsOf(cells).every((selector) => params[selector] === undefined)
  const kept = cellRows(scope, params, cells)
  if (!showAll || kept.table === 'movies.film') return undefined
  const linked = linkedIn(cells)
  // All films are asked, so members are counted at once, and not searched for by the index of each film.
  const joins = linked.map(
    ({ name, links }) => sql`
    left join (select film_id, count(*) as members from (${links.rows(scope, params)}) as link group by film_id) as ${sql.ref(name)}
    on ${sql.ref(`${name}.film_id`)} = f.film_id`,
  )
  const rowsOfFilm = sql.join(
    linked.map(({ name }) => sql.ref(`${name}.members`)),
    sql` * `,
  )
  const film = {
    joins: sql.join(joins, sql` `),
    columns: [sql`${rowsOfFilm} as rows_of_film`, sql`(${rowsOfFilm}) is not null as has_members`],
  }
  const from = sql`(${kept.rows}) as cell`
  if (isSplit(params)) {
    const rows = added(from, sql`round(sum(releases), 6)`)
    return { shown: sql``, rows, film, ofFilms: [], once: sql`select * from rows` }
  }
  const differences = AMOUNTS.map(
    (amount) => sql`${sql.ref(`rows.${amount}`)} - ${sql.ref(`again_${amount}`)} as ${sql.ref(amount)}`,
  )
  return {
    shown: sql``,
    rows: added(from, sql`sum(releases)`),
    film,
    ofFilms: sumsOf('again', (amount) => sql`sum(${amount}::numeric * (rows_of_film - 1))`),
    once: sql`select ${sql.join(differences)} from rows, of_films`,
  }
}

/** Rows made of their films. */
function rowsOfFilms(scope: Scope, params: CellParams, cells: Cells): InRows {
  const ids = sql.join(cellIds(cells).map((id) => sql.ref(id)))
  const ofEnough =
    params.min_releases === undefined
      ? sql``
      : sql`where (${ids}) in (select ${ids} from films f group by ${ids} having ${enoughReleases(params)})`
  const shown = sql`films as materialized (${filmsInCells(scope, params, cells)}),
                    shown as materialized (select * from films ${ofEnough}),`
  if (isSplit(params))
    return {
      shown,
      rows: added(sql`shown`, ROUNDED),
      film: { joins: sql``, columns: [hasMembers(scope, params, cells)] },
      ofFilms: [],
      once: mostOf(cells),
    }
  return {
    shown,
    rows: added(sql`shown`, sql`count(*)`),
    // A join, as of many films PostgreSQL would keep no table to look them up in, and read all of them for each film.
    film: {
      joins: sql`left join (select distinct film_id from shown) as inside on inside.film_id = f.film_id`,
      columns: [hasMembers(scope, params, cells), sql`inside.film_id is not null as is_in_rows`],
    },
    ofFilms: sumsOf('once', (amount) => sql`sum(${amount}) filter (where is_in_rows)`),
    once: sql`select ${sql.join(AMOUNTS.map((amount) => sql`${sql.ref(`once_${amount}`)} as ${sql.ref(amount)}`))} from of_films`,
  }
}

/** Of films that are shared out: all that is in rows, or, where each is shared out several times, the most of it. */
function mostOf(cells: Cells): RawBuilder<unknown> {
  const within = linkedIn(cells).flatMap(({ links }) => links.within.map((column) => sql.ref(column)))
  if (within.length === 0) return sql`select * from rows`
  const each = (of: (amount: RawBuilder<unknown>) => RawBuilder<unknown>) =>
    sql.join(AMOUNTS.map((amount) => sql`${of(sql.ref(amount))} as ${sql.ref(amount)}`))
  const most = sql`
    select ${each((amount) => sql`max(${amount})`)}
    from (select film_id, ${each((amount) => sql`sum(${amount})`)} from shown group by ${sql.join([sql`film_id`, ...within])}) as shares
    group by film_id`
  return added(sql`(${most}) as most`, ROUNDED)
}

const ROUNDED = sql`round(sum(share), 6)`

/** Rows added up, as `share`, `budget` and `revenue`. */
const added = (from: RawBuilder<unknown>, share: RawBuilder<unknown>) => sql`
  select coalesce(${share}, 0)::numeric as share, coalesce(sum(budget), 0)::numeric as budget, coalesce(sum(revenue), 0)::numeric as revenue
  from ${from}`

/** Sums over `film`, as `<name>_<amount>`. */
const sumsOf = (name: string, sum: (amount: RawBuilder<unknown>) => RawBuilder<unknown>) =>
  AMOUNTS.map(
    (amount) => sql`coalesce(${sum(sql.ref(`film.${amount}`))}, 0)::numeric as ${sql.ref(`${name}_${amount}`)}`,
  )

/** Dimensions of which films may have several members. */
const linkedIn = ({ by }: Cells) =>
  by.flatMap((name) => {
    const { links } = dimensionNamed(name)
    return links ? [{ name, links }] : []
  })

/** Whether film `f` has members of all these. */
const hasMembers = (scope: Scope, params: CellParams, cells: Cells) =>
  sql`(${sql.join(
    linkedIn(cells).map(
      ({ links }) => sql`exists (select from (${links.rows(scope, params)}) as link where link.film_id = f.film_id)`,
    ),
    sql` and `,
  )}) as has_members`
