import type { Scope } from '../../report.ts'
import { countedFilms, type FilmParams } from './films.ts'
import type { MoviesDb } from './tables.ts'

/**
 * Films joined to what a report groups by: one row for each film in each cell. A report's figures and what explains a change
 * of them (compared.ts) stand on the same join, so that the films always add up to the row.
 */
export const filmsByCompany = (db: MoviesDb, scope: Scope, params: FilmParams) =>
  countedFilms(db, scope, params, ['company_id'])
    .innerJoin('movies.film_company as fc', (join) =>
      join.onRef('fc.load_id', '=', 'f.load_id').onRef('fc.film_id', '=', 'f.film_id'),
    )
    .$if(params.company_id !== undefined, (q) => q.where('fc.company_id', 'in', params.company_id as number[]))

export const filmsByGenre = (db: MoviesDb, scope: Scope, params: FilmParams) =>
  countedFilms(db, scope, params, ['genre_id'])
    .innerJoin('movies.film_genre as fg', (join) =>
      join.onRef('fg.load_id', '=', 'f.load_id').onRef('fg.film_id', '=', 'f.film_id'),
    )
    .$if(params.genre_id !== undefined, (q) => q.where('fg.genre_id', 'in', params.genre_id as number[]))

export const filmsByCompanyAndGenre = (db: MoviesDb, scope: Scope, params: FilmParams) =>
  countedFilms(db, scope, params, ['company_id', 'genre_id'])
    .innerJoin('movies.film_company as fc', (join) =>
      join.onRef('fc.load_id', '=', 'f.load_id').onRef('fc.film_id', '=', 'f.film_id'),
    )
    .innerJoin('movies.film_genre as fg', (join) =>
      join.onRef('fg.load_id', '=', 'f.load_id').onRef('fg.film_id', '=', 'f.film_id'),
    )
    .$if(params.company_id !== undefined, (q) => q.where('fc.company_id', 'in', params.company_id as number[]))
    .$if(params.genre_id !== undefined, (q) => q.where('fg.genre_id', 'in', params.genre_id as number[]))
