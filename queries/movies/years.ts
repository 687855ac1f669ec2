import { z } from 'zod'
import { report, type Scope } from '../report.ts'
import { comparedByFilms } from './parts/compared.ts'
import { countedFilms, excludedFilms, type FilmParams, filmParams } from './parts/films.ts'
import { cellParams, enoughReleases, measureColumns, measures, yearColumns, yearPeriod } from './parts/measures.ts'
import type { MoviesDb } from './parts/tables.ts'

export default report({
  summary: 'The whole industry by release year',
  description: 'Each film counts once, whatever companies and genres it has, so these are the distinct totals.',
  version: 1,
  params: z.strictObject({ ...filmParams, ...cellParams }),
  row: z.strictObject({ ...yearColumns, ...measureColumns }),
  key: ['year'],
  defaultSort: 'year',
  example: { from: '1997', to: '1998' },
  query: (db: MoviesDb, scope, params) =>
    films(db, scope, params)
      .groupBy('f.release_year')
      .$if(params.min_releases !== undefined, (q) => q.having(enoughReleases(params.min_releases as number)))
      .select(yearPeriod())
      .select(measures()),
  excluded: excludedFilms,
  compared: comparedByFilms({
    names: [],
    aliases: ['period'],
    films: (db, scope, params) => films(db, scope, params).select('f.release_year as year'),
  }),
})

function films(db: MoviesDb, scope: Scope, params: FilmParams) {
  return countedFilms(db, scope, params).where('f.release_year', 'is not', null)
}
