import { z } from 'zod'
import { column, report, type Scope } from '../report.ts'
import { filmsByCompanyAndGenre } from './parts/cells.ts'
import { comparedByFilms } from './parts/compared.ts'
import { excludedFilms, type FilmParams, filmParams } from './parts/films.ts'
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
        films(db, scope, params)
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
  compared: comparedByFilms({
    names: ['company', 'genre'],
    aliases: ['period'],
    films: (db, scope, params) =>
      films(db, scope, params).select(['fc.company_id', 'fg.genre_id', 'f.release_year as year']),
  }),
})

function films(db: MoviesDb, scope: Scope, params: FilmParams) {
  return filmsByCompanyAndGenre(db, scope, params).where('f.release_year', 'is not', null)
}
