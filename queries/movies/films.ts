import { z } from 'zod'
import { words, year } from '../params.ts'
import { report } from '../report.ts'
import { filmReasons, filmsCounted } from './parts/counted.ts'
import { filmColumns, filmFacts } from './parts/film-columns.ts'
import { contradiction, filmParams, type PriceParams, priceParams } from './parts/film-params.ts'
import { FILM_FACTS, relinkedFilms } from './parts/film-parts.ts'
import { countedFilms, excludedFilms, excludedShape, listsUndated } from './parts/films.ts'
import { lacking, restingOn } from './parts/lacking.ts'
import { measureDecimals } from './parts/measures.ts'
import { priceMeta, priceRefusal, priceShape } from './parts/prices.ts'
import type { MoviesDb } from './parts/tables.ts'

/** Parameters that ask what a film is linked to. */
const BY_LINKS = ['company_id', 'genre_id', 'person_id', 'job', 'keyword_id', 'country']

export default report({
  summary: 'The films behind a figure, each with the line of the file that it was read from',
  description:
    'Takes the filters of every report on films: with those of a cell (`company_id`, `genre_id`, `year`; of a person `person_id` and `job`) its rows add up to that cell. Undated films are listed too, unless a year is asked for.',
  version: 4,
  params: z.strictObject({
    q: words('Part of the title, in any case'),
    year: year('Release year'),
    ...filmParams,
    ...priceParams,
  }),
  row: z.strictObject(filmColumns),
  key: ['film_id'],
  defaultSort: 'film_id',
  example: { year: '1995', sort: '-revenue' },
  query: (db: MoviesDb, scope, { q, ...params }) =>
    filmFacts(countedFilms(db, scope, { ...params, title: q }), scope, params),
  metaShape: { ...excludedShape, ...priceShape },
  meta: (db: MoviesDb, scope, { q, ...params }) => [
    excludedFilms(
      db,
      scope,
      { ...params, title: q },
      filmReasons(scope, { ...params, title: q }, false),
      listsUndated(params),
    ),
    ...priceMeta(db, scope, params),
  ],
  contradiction,
  refused: (db: MoviesDb, scope, params: PriceParams) => priceRefusal(db, scope, params),
  lacking: (db: MoviesDb, scope, params) => lacking(db, scope, restingOn(params, {})),
  counted: (db: MoviesDb, scope, { q, ...params }) =>
    filmsCounted(db, scope, params, filmReasons(scope, { ...params, title: q }, false)),
  decimals: measureDecimals,
  compared: {
    names: ['title'],
    additive: () => ['budget', 'revenue', 'profit', 'vote_count', 'rating_count'],
    provenance: ['source_file', 'source_line', 'load_id', 'source_load_id'],
    meta: priceMeta,
    // A film that left the list because its date moved is a film that changed, not one that is gone: its row shows the date. What it is
    // linked to no column shows, so by links it comes and goes.
    choosesRows: ['q', 'year', ...Object.keys(filmParams).filter((name) => !BY_LINKS.includes(name))],
    itself: { ...FILM_FACTS, relinked: relinkedFilms },
  },
})
