import { sql } from 'kysely'
import { z } from 'zod'
import { words } from '../params.ts'
import { column, report } from '../report.ts'
import { filmsByGenre } from './parts/cells.ts'
import { comparedByFilms } from './parts/compared.ts'
import { filmParams } from './parts/films.ts'
import { cellParams, enoughReleases, lifetimeColumns, lifetimes, measureColumns, measures } from './parts/measures.ts'
import { containing } from './parts/search.ts'
import type { MoviesDb } from './parts/tables.ts'

export default report({
  summary: 'Genres, found by name, with their lifetime figures',
  description: 'One row a genre, over all its films, dated or not.',
  version: 1,
  params: z.strictObject({
    q: words('Part of the name, in any case'),
    ...filmParams,
    ...cellParams,
  }),
  row: z.strictObject({
    genre_id: column.id('The genre’s id'),
    genre: column.text('The genre’s most frequent name'),
    ...lifetimeColumns,
    ...measureColumns,
  }),
  key: ['genre_id'],
  defaultSort: 'genre,genre_id',
  example: { q: 'comedy', sort: '-revenue' },
  query: (db: MoviesDb, scope, params) =>
    db
      .selectFrom(
        filmsByGenre(db, scope, params)
          .groupBy('fg.genre_id')
          .$if(params.min_releases !== undefined, (q) => q.having(enoughReleases(params.min_releases as number)))
          .select('fg.genre_id')
          .select(lifetimes())
          .select(measures())
          .as('cell'),
      )
      .innerJoin('movies.genre as named', (join) =>
        join.on('named.load_id', '=', scope.loadId).onRef('named.genre_id', '=', 'cell.genre_id'),
      )
      .$if(params.q !== undefined, (q) => q.where(containing(sql.ref('named.name'), params.q as string)))
      .select('named.name as genre')
      .selectAll('cell'),
  compared: comparedByFilms({
    names: ['genre'],
    lifetime: true,
    films: (db, scope, params) => filmsByGenre(db, scope, params).select('fg.genre_id'),
  }),
})
