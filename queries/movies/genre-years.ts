import { z } from 'zod'
import { column, report, type Scope } from '../report.ts'
import { filmsByGenre } from './parts/cells.ts'
import { comparedByFilms } from './parts/compared.ts'
import { excludedFilms, type FilmParams, filmParams } from './parts/films.ts'
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
        films(db, scope, params)
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
  compared: comparedByFilms({
    names: ['genre'],
    aliases: ['period'],
    films: (db, scope, params) => films(db, scope, params).select(['fg.genre_id', 'f.release_year as year']),
  }),
})

function films(db: MoviesDb, scope: Scope, params: FilmParams) {
  return filmsByGenre(db, scope, params).where('f.release_year', 'is not', null)
}
