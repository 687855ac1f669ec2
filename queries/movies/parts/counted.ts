import { type RawBuilder, sql } from 'kysely'
import type { Counted, Scope } from '../../report.ts'
import { type Cells, cellIds, filmFilters, filmsInCells } from './cells.ts'
import { dimensionNamed } from './dimensions.ts'
import type { CellParams, FilmParams, PriceParams } from './film-params.ts'
import { filmConditions } from './films.ts'
import { enoughReleases } from './measures.ts'
import { amountOf, isReal, isUnpriced, joinPrices } from './prices.ts'
import { fact, type MoviesDb } from './tables.ts'

/**
 * Which films are behind the rows of a report, and what leaves out each other one. Told by the first reason that applies, so that
 * the films of the load are those counted and those left out, exactly.
 */

/** What film `f` must be, or it is left out by the reason. */
export interface Reason {
  /** The parameter that asks for it, or what the film lacks. */
  reason: string
  holds: RawBuilder<unknown>
}

const YEARS = ['from', 'to', 'year']

/** What the parameters ask of films. Undated ones do not count where a year is asked for, or, if it is `dated`, a period told. */
export function filmReasons(scope: Scope, params: FilmParams, dated: boolean): Reason[] {
  const asked = filmConditions(scope, params, [], 'exists').map(
    ({ parameter, holds }): Reason => ({ reason: parameter, holds }),
  )
  const first = asked.findIndex(({ reason }) => YEARS.includes(reason))
  if (!dated && first === -1) return asked
  return asked.toSpliced(first === -1 ? asked.length : first, 0, {
    reason: 'undated',
    holds: sql`f.release_year is not null`,
  })
}

/** What the cells of a report ask of films, whichever rows show. */
export const inCells = (scope: Scope, { min_releases, q, ...params }: CellParams, cells: Cells): Reason[] =>
  cellReasons(scope, params, cells)

/** What the cells of a report ask of films: those left are behind some row. */
export function cellReasons(scope: Scope, params: CellParams, cells: Cells): Reason[] {
  const { by, periods } = cells
  const dimensions = by.map((name) => ({
    name,
    ...dimensionNamed(name),
    wanted: params[dimensionNamed(name).selector],
  }))
  const reasons = filmReasons(scope, filmFilters(params, cells), periods).map((asked) => {
    const dimension = dimensions.find(({ selector }) => selector === asked.reason)
    // In such a report a person must have done the job that is asked for.
    return dimension ? { ...asked, holds: hasMember(scope, params, dimension) } : asked
  })
  if (params.grain === 'quarter' || params.grain === 'month')
    reasons.push({ reason: 'month_unknown', holds: sql`f.release_precision = 'day'` })
  for (const dimension of dimensions)
    if (!dimension.wanted) reasons.push({ reason: `no_${dimension.name}`, holds: hasMember(scope, params, dimension) })
  return [...reasons, ...shownReasons(scope, params, cells)]
}

/** Whether film `f` has a member, of those that are wanted. */
function hasMember(
  scope: Scope,
  params: CellParams,
  { ids, links, of, wanted }: ReturnType<typeof dimensionNamed> & { wanted: (string | number)[] | undefined },
): RawBuilder<unknown> {
  const [id] = ids as [string]
  const among = (member: RawBuilder<unknown>) =>
    wanted ? sql`${member} in (${sql.join(wanted)})` : sql`${member} is not null`
  if (!links) return among(of as RawBuilder<unknown>)
  // Not `in`: of millions of links PostgreSQL would keep no table to look them up in, and read them all for each film.
  return sql`exists (
    select from (${links.rows(scope, params)}) as link
    where link.film_id = f.film_id and ${among(sql.ref(`link.${id}`))})`
}

/** What rows must be to show: of that name, of enough films. */
function shownReasons(scope: Scope, params: CellParams, cells: Cells): Reason[] {
  const films = sql`(${filmsInCells(scope, params, cells)}) as f`
  const ids = sql.join(cellIds(cells).map((id) => sql.ref(`f.${id}`)))
  const reasons: Reason[] = []
  if (params.q !== undefined) reasons.push({ reason: 'q', holds: sql`f.film_id in (select f.film_id from ${films})` })
  if (params.min_releases !== undefined)
    reasons.push({
      reason: 'min_releases',
      holds: sql`f.film_id in (
        select f.film_id from ${films}
        where (${ids}) in (select ${ids} from ${films} group by ${ids} having ${enoughReleases(params)}))`,
    })
  return reasons
}

/** Which amounts of a film decide whether it has a value; `together`: only where its source tells all of them. */
export interface MoneyBehind {
  money: ('budget' | 'revenue')[]
  together?: boolean
}

export const MATCHED: MoneyBehind = { money: ['budget', 'revenue'], together: true }

/**
 * That a film is left out because its price is unknown, and not its money; nothing where money is not priced, or none is asked for.
 * @param asked what rows ask of the film, given whether its price is known
 */
export function priceReason(
  params: PriceParams,
  behind: MoneyBehind | undefined,
  asked = (isPriced: RawBuilder<boolean>): RawBuilder<unknown> => isPriced,
): Reason[] {
  if (!behind || !isReal(params)) return []
  const { money, together = false } = behind
  const told = together
    ? sql.join(
        money.map((name) => sql`${sql.ref(`f.${name}`)} is not null`),
        sql` and `,
      )
    : sql`true`
  return [{ reason: 'price_unknown', holds: asked(sql<boolean>`(not (${told} and ${isUnpriced(params, money)}))`) }]
}

const COVERAGE = ['budget', 'revenue', 'both', 'popularity', 'votes', 'ratings']

/** The films of the load, each with what leaves it out, and what is known of it, in the prices that are asked for. */
export function filmsCounted(db: MoviesDb, scope: Scope, params: PriceParams, reasons: Reason[]): Counted {
  const [budget, revenue] = [amountOf('budget', params), amountOf('revenue', params)]
  const cases = reasons.map(({ reason, holds }) => sql`when (${holds}) is not true then ${sql.lit(reason)}`)
  const films = sql<Record<string, unknown>>`(
    select ${cases.length > 0 ? sql`case ${sql.join(cases, sql` `)} end` : sql`null::text`} as reason,
           f.source_load_id, f.source_file_no,
           ${budget} is not null as budget, ${revenue} is not null as revenue,
           ${budget} is not null and ${revenue} is not null as both,
           f.popularity is not null as popularity, f.vote_count is not null as votes,
           coalesce(rated.rating_count, 0) > 0 as ratings
    from ${fact(scope, 'film')} f
    left join ${fact(scope, 'film_rating')} rated on rated.load_id = ${scope.load} and rated.film_id = f.film_id
    ${joinPrices(scope, params)}
    where f.load_id = ${scope.load})`
  return {
    reasons: reasons.map(({ reason }) => reason),
    coverage: COVERAGE,
    films: db.selectFrom(films.as('counted')).selectAll(),
  }
}
