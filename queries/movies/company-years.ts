import { z } from 'zod'
import { column, report } from '../report.ts'
import { countedFilms, excludedFilms, filmParams } from './parts/films.ts'
import { cellParams, enoughReleases, measureColumns, measures, yearColumns, yearPeriod } from './parts/measures.ts'
import type { MoviesDb } from './parts/tables.ts'

export default report({
  summary: 'Each company’s figures by release year',
  description:
    'A co-production counts in full for each of its companies, so companies do not add up to the industry: `years` does. `company_id` selects rows, `genre_id` selects films.',
  version: 1,
  params: z.strictObject({ ...filmParams, ...cellParams }),
  row: z.strictObject({
    company_id: column.id('The company’s id; names are shared, ids are not'),
    company: column.text('The company’s most frequent name'),
    ...yearColumns,
    ...measureColumns,
  }),
  key: ['company_id', 'year'],
  defaultSort: 'company_id,year',
  example: { company_id: '160', from: '1994', sort: 'year' },
  query: (db: MoviesDb, scope, params) =>
    db
      .selectFrom(
        countedFilms(db, scope, params, ['company_id'])
          .innerJoin('movies.film_company as fc', (join) =>
            join.onRef('fc.load_id', '=', 'f.load_id').onRef('fc.film_id', '=', 'f.film_id'),
          )
          .where('f.release_year', 'is not', null)
          .$if(params.company_id !== undefined, (q) => q.where('fc.company_id', 'in', params.company_id as number[]))
          .groupBy(['fc.company_id', 'f.release_year'])
          .$if(params.min_releases !== undefined, (q) => q.having(enoughReleases(params.min_releases as number)))
          .select('fc.company_id')
          .select(yearPeriod())
          .select(measures())
          .as('cell'),
      )
      .innerJoin('movies.company as c', (join) =>
        join.on('c.load_id', '=', scope.loadId).onRef('c.company_id', '=', 'cell.company_id'),
      )
      .select('c.name as company')
      .selectAll('cell'),
  excluded: excludedFilms,
})
