import { z } from 'zod'
import { column, report, type Scope } from '../report.ts'
import { filmsByCompany } from './parts/cells.ts'
import { comparedByFilms } from './parts/compared.ts'
import { excludedFilms, type FilmParams, filmParams } from './parts/films.ts'
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
        films(db, scope, params)
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
  compared: comparedByFilms({
    names: ['company'],
    aliases: ['period'],
    films: (db, scope, params) => films(db, scope, params).select(['fc.company_id', 'f.release_year as year']),
  }),
})

function films(db: MoviesDb, scope: Scope, params: FilmParams) {
  return filmsByCompany(db, scope, params).where('f.release_year', 'is not', null)
}
