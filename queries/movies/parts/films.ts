import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { type JsonEntry, jsonObject, jsonOf } from '../../json-text.ts'
import type { Rows, Scope } from '../../report.ts'
import { containing } from '../../search.ts'
import { DIMENSIONS } from './dimensions.ts'
import type { FilmParams, PriceParams } from './film-params.ts'
import { isReal, isUnpriced, joinPrices } from './prices.ts'
import { fact, type MoviesDb } from './tables.ts'

/** Parameters whose values a report may group by: there they select rows, and films everywhere else. */
export type Selector =
  | 'company_id'
  | 'genre_id'
  | 'collection_id'
  | 'person_id'
  | 'keyword_id'
  | 'country'
  | 'language'
  | 'content_rating'

/** Why a film does not count: the parameter that leaves it out, and what it asks of film `f`. */
export interface Condition {
  parameter: string
  holds: RawBuilder<boolean>
}

/**
 * How a film's links are asked for. All are the same to PostgreSQL where films are filtered by them; but `in`, where it stands in a `case`, reads
 * all links for each film once they are too many for a table in memory, and `exists` looks them up. `each` looks up those of each
 * film, whatever the planner thinks of the members that are asked for.
 */
type ByLinks = 'in' | 'exists' | 'each'

/** What the parameters ask of film `f`, in the order in which a film that fails several is told to fail. */
export function filmConditions(
  scope: Scope,
  params: FilmParams,
  selectsRows: Selector[] = [],
  byLinks: ByLinks = 'in',
): Condition[] {
  const { from, to, year, title, min_votes, exclude_suspect, person_id, job } = params
  const all: Condition[] = []
  const ask = (parameter: string, value: unknown, holds: () => RawBuilder<boolean>) => {
    if (value !== undefined && !selectsRows.includes(parameter as Selector)) all.push({ parameter, holds: holds() })
  }
  const linked = (parameter: Selector, links: string[], id: string) =>
    ask(parameter, params[parameter], () => {
      const ids = sql.join(params[parameter] as (number | string)[])
      const some = links.map(
        (link) => sql`select film_id from ${fact(scope, link)}
                      where load_id = ${scope.load} and ${sql.ref(id)} in (${ids})`,
      )
      if (byLinks === 'in') return sql<boolean>`f.film_id in (${sql.join(some, sql` union all `)})`
      const its = some.map(
        (rows) => sql`exists (${rows} and film_id = f.film_id ${byLinks === 'each' ? sql`offset 0` : sql``})`,
      )
      return sql<boolean>`(${sql.join(its, sql` or `)})`
    })
  const oneOf = (parameter: Selector | 'status', column: string) =>
    ask(
      parameter,
      params[parameter],
      () => sql<boolean>`${sql.ref(`f.${column}`)} in (${sql.join(params[parameter] as (number | string)[])})`,
    )
  linked('company_id', ['film_company'], 'company_id')
  linked('genre_id', ['film_genre'], 'genre_id')
  oneOf('collection_id', 'collection_id')
  linked('person_id', ['film_crew', 'film_cast'], 'person_id')
  // Where people are counted, it says for what, and leaves out no film.
  if (person_id && job && !selectsRows.includes('person_id'))
    ask(
      'job',
      job,
      () => sql<boolean>`f.film_id in (
      select film_id from (${DIMENSIONS.person.links.rows(scope, { job })}) as link
      where person_id in (${sql.join(person_id)}))`,
    )
  linked('keyword_id', ['film_keyword'], 'keyword_id')
  linked('country', ['film_country'], 'country_code')
  oneOf('language', 'original_language')
  oneOf('status', 'status')
  oneOf('content_rating', 'content_rating')
  ask('q', title, () => containing(sql.ref('f.title'), title as string))
  ask('min_votes', min_votes, () => sql<boolean>`f.vote_count >= ${min_votes}`)
  ask('exclude_suspect', exclude_suspect, () => sql<boolean>`f.suspect = '{}'`)
  ask('from', from, () => sql<boolean>`f.release_year >= ${from}`)
  ask('to', to, () => sql<boolean>`f.release_year <= ${to}`)
  ask('year', year, () => sql<boolean>`f.release_year = ${year}`)
  return all
}

/** The film table as `f`, filtered to the films that count. */
export function countedFilms(db: MoviesDb, scope: Scope, params: FilmParams) {
  return db
    .selectFrom(fact(scope, 'film').as('f'))
    .where('f.load_id', '=', scope.load)
    .where((eb) => eb.and(filmConditions(scope, params).map(({ holds }) => holds)))
}

/** Films of which each may be asked by itself, some three microseconds each. */
const FEW = 10_000

/**
 * How many of the films that count also meet what few films of most loads do, and an index has: they are found by it first, and as long as they
 * are few asked one by one whose they are. A plan that is made for any company expects one of few films; to look for films without a date
 * among all of a large one's would take a third of a second, or seconds, at millions of films.
 */
function scarceAmong(scope: Scope, params: FilmParams, scarce: RawBuilder<boolean>): RawBuilder<number> {
  const found = sql`from ${fact(scope, 'film')} f where f.load_id = ${scope.load} and ${scarce}`
  const among = (byLinks: ByLinks) => {
    const conditions = filmConditions(scope, params, [], byLinks).map(({ holds }) => holds)
    return sql<number>`(
      select count(*)
      from (select * ${found} offset 0) as f
      ${conditions.length > 0 ? sql`where ${sql.join(conditions, sql` and `)}` : sql``})`
  }
  const { company_id, genre_id, person_id, keyword_id, country } = params
  if ([company_id, genre_id, person_id, keyword_id, country].every((ids) => ids === undefined)) return among('in')
  return sql`(
    case when (select count(*) from (select ${found} limit ${sql.lit(FEW + 1)}) as found) <= ${sql.lit(FEW)}
         then ${among('each')} else ${among('in')} end)`
}

/** Where no period is grouped by, undated films count as long as no year is asked for. */
export const listsUndated = ({ year, from, to }: FilmParams) =>
  year === undefined && from === undefined && to === undefined

/** Shape of what `excludedFilms` adds to `meta`. */
export const excludedShape = {
  excluded: z
    .record(z.string(), z.int())
    .describe(
      'Films that the rows leave out, by reason; `price_unknown`: films whose money they leave out, as the price index does not tell the month',
    ),
}

/**
 * Films that the rows leave out, each by one reason: `undated` have no release date but pass every other filter; `suspect`
 * are flagged but pass every other filter; `month_unknown` are dated by their year alone where months matter. With real prices,
 * `price_unknown` are films that may be in rows, but whose money is unknown although their source tells it.
 * @param inRows what rows ask of a film, the filters among it
 */
export function excludedFilms(
  db: MoviesDb,
  scope: Scope,
  params: FilmParams & PriceParams & { grain?: string | undefined },
  inRows: { holds: RawBuilder<unknown> }[],
  listsUndated = false,
): Rows<Record<string, unknown>> {
  const { from, to, year, exclude_suspect, ...others } = params
  const undated = listsUndated
    ? sql`0`
    : scarceAmong(scope, { ...others, exclude_suspect }, sql`f.release_year is null`)
  const suspect = countedFilms(db, scope, { ...others, from, to, year })
    .where(sql<boolean>`f.suspect <> '{}'`)
    .$if(!listsUndated, (q) => q.where('f.release_year', 'is not', null))
    .select((eb) => eb.fn.countAll<number>().as('films'))
  const unpriced = sql`(
    select count(*) from ${fact(scope, 'film')} f ${joinPrices(scope, params)}
    where ${sql.join([sql`f.load_id = ${scope.load}`, isUnpriced(params), ...inRows.map(({ holds }) => holds)], sql` and `)})`
  const reasons: [string, RawBuilder<unknown>][] = [['undated', undated]]
  if (exclude_suspect) reasons.push(['suspect', sql`(${suspect})`])
  if (params.grain === 'quarter' || params.grain === 'month')
    reasons.push(['month_unknown', scarceAmong(scope, params, sql`f.release_precision = 'year'`)])
  if (isReal(params)) reasons.push(['price_unknown', unpriced])
  const counts = reasons.map(([reason, films]): JsonEntry => [reason, jsonOf(films)])
  return db.selectNoFrom(sql<unknown>`(${jsonObject(counts)})::json`.as('excluded')) as unknown as Rows<
    Record<string, unknown>
  >
}
