import { z } from 'zod'
import { column, report } from '../report.ts'
import { countedFilms, excludedFilms, filmParams } from './parts/films.ts'
import { cellParams, enoughReleases, measureColumns, measures, yearColumns, yearPeriod } from './parts/measures.ts'
import type { MoviesDb } from './parts/tables.ts'

export default report({
  summary: 'Each company’s figures by genre and release year',
  description:
    'A film counts in full in the cell of each of its companies with each of its genres; a film without genres is in no cell here, but is in `company-years`. `company_id` and `genre_id` select rows.',
  version: 1,
  params: z.strictObject({ ...filmParams, ...cellParams }),
  row: z.strictObject({
    company_id: column.id('The company’s id; names are shared, ids are not'),
    company: column.text('The company’s most frequent name'),
    genre_id: column.id('The genre’s id'),
    genre: column.text('The genre’s most frequent name'),
    ...yearColumns,
    ...measureColumns,
  }),
  key: ['company_id', 'genre_id', 'year'],
  defaultSort: 'company_id,genre_id,year',
  example: { company_id: '160', genre_id: '2', from: '1994' },
  query: (db: MoviesDb, scope, params) =>
    db
      .selectFrom(
        countedFilms(db, scope, params, ['company_id', 'genre_id'])
          .innerJoin('movies.film_company as fc', (join) =>
            join.onRef('fc.load_id', '=', 'f.load_id').onRef('fc.film_id', '=', 'f.film_id'),
          )
          .innerJoin('movies.film_genre as fg', (join) =>
            join.onRef('fg.load_id', '=', 'f.load_id').onRef('fg.film_id', '=', 'f.film_id'),
          )
          .where('f.release_year', 'is not', null)
          .$if(params.company_id !== undefined, (q) => q.where('fc.company_id', 'in', params.company_id as number[]))
          .$if(params.genre_id !== undefined, (q) => q.where('fg.genre_id', 'in', params.genre_id as number[]))
          .groupBy(['fc.company_id', 'fg.genre_id', 'f.release_year'])
          .$if(params.min_releases !== undefined, (q) => q.having(enoughReleases(params.min_releases as number)))
          .select(['fc.company_id', 'fg.genre_id'])
          .select(yearPeriod())
          .select(measures())
          .as('cell'),
      )
      .innerJoin('movies.company as c', (join) =>
        join.on('c.load_id', '=', scope.loadId).onRef('c.company_id', '=', 'cell.company_id'),
      )
      .innerJoin('movies.genre as g', (join) =>
        join.on('g.load_id', '=', scope.loadId).onRef('g.genre_id', '=', 'cell.genre_id'),
      )
      .select(['c.name as company', 'g.name as genre'])
      .selectAll('cell'),
  excluded: excludedFilms,
})
