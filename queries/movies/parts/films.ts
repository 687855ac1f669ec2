import { type ExpressionBuilder, sql } from 'kysely'
import type { z } from 'zod'
import { idList, year, yes } from '../../params.ts'
import type { Scope } from '../../report.ts'
import { containing } from './search.ts'
import type { MoviesDb, MoviesTables } from './tables.ts'

/** Which films count. Every report on films takes these, and so does the drill-through, so that its rows add up to the cell. */
export const filmParams = {
  company_id: idList('Films of these companies'),
  genre_id: idList('Films of these genres'),
  collection_id: idList('Films of these collections'),
  person_id: idList('Films that these people worked on'),
  from: year('First release year, inclusive'),
  to: year('Last release year, inclusive'),
  exclude_suspect: yes('`true` leaves out films whose figures are probably wrong'),
}

/** Parameters that choose films, as `filmParams` reads them. */
export type FilmParams = { [Name in keyof typeof filmParams]?: z.output<(typeof filmParams)[Name]> } & {
  year?: number | undefined
  /** Part of the title. */
  title?: string | undefined
}

/** A dimension by which a report groups: an id of it selects rows there, and films everywhere else. */
type Dimension = 'company_id' | 'genre_id'

/** The film table as `f`, filtered to the films that count. */
export function countedFilms(db: MoviesDb, scope: Scope, params: FilmParams, grouped: Dimension[] = []) {
  return db
    .selectFrom('movies.film as f')
    .where('f.load_id', '=', scope.loadId)
    .$if(params.from !== undefined, (q) => q.where('f.release_year', '>=', params.from as number))
    .$if(params.to !== undefined, (q) => q.where('f.release_year', '<=', params.to as number))
    .$if(params.year !== undefined, (q) => q.where('f.release_year', '=', params.year as number))
    .$if(params.title !== undefined, (q) => q.where(containing(sql.ref('f.title'), params.title as string)))
    .$if(params.exclude_suspect === true, (q) => q.where('f.suspect', '=', sql<string[]>`'{}'`))
    .where((eb) => linkedTo(eb, scope, params, grouped))
}

type FilmExpression = ExpressionBuilder<MoviesTables & { f: MoviesTables['movies.film'] }, 'f'>

/** Films with any of the wanted ids of each dimension. */
function linkedTo(eb: FilmExpression, scope: Scope, params: FilmParams, grouped: Dimension[]) {
  const anyOf = (link: string, id: string, ids: number[]) => sql<boolean>`
    f.film_id in (select film_id from ${sql.table(`movies.${link}`)}
                  where load_id = ${scope.loadId} and ${sql.ref(id)} in (${sql.join(ids)}))`
  const { company_id, genre_id, collection_id, person_id } = params
  const conditions = []
  if (company_id && !grouped.includes('company_id')) conditions.push(anyOf('film_company', 'company_id', company_id))
  if (genre_id && !grouped.includes('genre_id')) conditions.push(anyOf('film_genre', 'genre_id', genre_id))
  if (person_id) conditions.push(anyOf('film_crew', 'person_id', person_id))
  if (collection_id) conditions.push(eb('f.collection_id', 'in', collection_id))
  return eb.and(conditions)
}

/**
 * Films that the rows leave out, each by one reason: `undated` have no release date but pass every other filter; `suspect`
 * are flagged but pass every other filter.
 */
export function excludedFilms(db: MoviesDb, scope: Scope, params: FilmParams, listsUndated = false) {
  const { from, to, year, exclude_suspect, ...others } = params
  const suspect = countedFilms(db, scope, { ...others, from, to, year })
    .where('f.suspect', '<>', sql<string[]>`'{}'`)
    .$if(!listsUndated, (q) => q.where('f.release_year', 'is not', null))
    .select((eb) => eb.fn.countAll<number>().as('films'))
  return countedFilms(db, scope, { ...others, exclude_suspect })
    .where('f.release_year', 'is', null)
    .$if(listsUndated, (q) => q.where(sql<boolean>`false`))
    .select((eb) => eb.fn.countAll<number>().as('undated'))
    .$if(exclude_suspect === true, (q) => q.select(suspect.as('suspect')))
    .$castTo<Record<string, number>>()
}
