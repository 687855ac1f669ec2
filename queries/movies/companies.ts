import { sql } from 'kysely'
import { z } from 'zod'
import { words } from '../params.ts'
import { column, report } from '../report.ts'
import { countedFilms, filmParams } from './parts/films.ts'
import { cellParams, enoughReleases, lifetimeColumns, lifetimes, measureColumns, measures } from './parts/measures.ts'
import { containing } from './parts/search.ts'
import type { MoviesDb } from './parts/tables.ts'

export default report({
  summary: 'Companies, found by name, with their lifetime figures',
  description:
    'One row a company, over all its films, dated or not. Different companies share names: their ids, years and numbers of films tell them apart.',
  version: 1,
  params: z.strictObject({
    q: words('Part of the name, in any case'),
    ...filmParams,
    ...cellParams,
  }),
  row: z.strictObject({
    company_id: column.id('The company’s id'),
    company: column.text('The company’s most frequent name'),
    ...lifetimeColumns,
    ...measureColumns,
  }),
  key: ['company_id'],
  defaultSort: 'company,company_id',
  example: { q: 'warner' },
  query: (db: MoviesDb, scope, params) =>
    db
      .selectFrom(
        countedFilms(db, scope, params, ['company_id'])
          .innerJoin('movies.film_company as fc', (join) =>
            join.onRef('fc.load_id', '=', 'f.load_id').onRef('fc.film_id', '=', 'f.film_id'),
          )
          .$if(params.company_id !== undefined, (q) => q.where('fc.company_id', 'in', params.company_id as number[]))
          .groupBy('fc.company_id')
          .$if(params.min_releases !== undefined, (q) => q.having(enoughReleases(params.min_releases as number)))
          .select('fc.company_id')
          .select(lifetimes())
          .select(measures())
          .as('cell'),
      )
      .innerJoin('movies.company as named', (join) =>
        join.on('named.load_id', '=', scope.loadId).onRef('named.company_id', '=', 'cell.company_id'),
      )
      .$if(params.q !== undefined, (q) => q.where(containing(sql.ref('named.name'), params.q as string)))
      .select('named.name as company')
      .selectAll('cell'),
})
