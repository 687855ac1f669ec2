import { z } from 'zod'
import { column, report } from '../report.ts'
import { countedFilms, excludedFilms, filmParams } from './parts/films.ts'
import { cellParams, enoughReleases, measureColumns, measures, yearColumns, yearPeriod } from './parts/measures.ts'
import type { MoviesDb } from './parts/tables.ts'

export default report({
  summary: 'Each genre’s figures by release year',
  description:
    'A film of several genres counts in full for each, so genres do not add up to the industry: `years` does. `genre_id` selects rows, `company_id` selects films.',
  version: 1,
  params: z.strictObject({ ...filmParams, ...cellParams }),
  row: z.strictObject({
    genre_id: column.id('The genre’s id'),
    genre: column.text('The genre’s most frequent name'),
    ...yearColumns,
    ...measureColumns,
  }),
  key: ['genre_id', 'year'],
  defaultSort: 'genre_id,year',
  example: { genre_id: '4,7', from: '1997', to: '1997' },
  query: (db: MoviesDb, scope, params) =>
    db
      .selectFrom(
        countedFilms(db, scope, params, ['genre_id'])
          .innerJoin('movies.film_genre as fg', (join) =>
            join.onRef('fg.load_id', '=', 'f.load_id').onRef('fg.film_id', '=', 'f.film_id'),
          )
          .where('f.release_year', 'is not', null)
          .$if(params.genre_id !== undefined, (q) => q.where('fg.genre_id', 'in', params.genre_id as number[]))
          .groupBy(['fg.genre_id', 'f.release_year'])
          .$if(params.min_releases !== undefined, (q) => q.having(enoughReleases(params.min_releases as number)))
          .select('fg.genre_id')
          .select(yearPeriod())
          .select(measures())
          .as('cell'),
      )
      .innerJoin('movies.genre as g', (join) =>
        join.on('g.load_id', '=', scope.loadId).onRef('g.genre_id', '=', 'cell.genre_id'),
      )
      .select('g.name as genre')
      .selectAll('cell'),
  excluded: excludedFilms,
})
