import { sql } from 'kysely'
import { z } from 'zod'
import { words } from '../params.ts'
import { column, report } from '../report.ts'
import { filmsByCompany } from './parts/cells.ts'
import { comparedByFilms } from './parts/compared.ts'
import { filmParams } from './parts/films.ts'
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
        filmsByCompany(db, scope, params)
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
  compared: comparedByFilms({
    names: ['company'],
    lifetime: true,
    films: (db, scope, params) => filmsByCompany(db, scope, params).select('fc.company_id'),
  }),
})
