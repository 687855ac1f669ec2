import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { column, report, type Scope } from '../../report.ts'
import { filmsCounted } from '../parts/counted.ts'
import { filmColumns, filmFacts } from '../parts/film-columns.ts'
import { contradiction, priceParams } from '../parts/film-params.ts'
import { countedFilms } from '../parts/films.ts'
import { isLoaded } from '../parts/lacking.ts'
import { cast, crew, links } from '../parts/links.ts'
import { priceMeta, priceRefusal, priceShape } from '../parts/prices.ts'
import { sharedNames, sharedNamesShape } from '../parts/shared-names.ts'
import { fact, type MoviesDb } from '../parts/tables.ts'

const linked = (ids: string, description: string) =>
  z.array(z.strictObject(named(ids))).meta({ description, sql: 'text' })

const named = (ids: string) => ({ [ids]: ids.endsWith('_id') ? z.int() : z.string(), name: z.string().nullable() })

/** A list that is unknown where the load has none of any film. */
const unknowable = (shape: z.ZodRawShape, description: string) =>
  z
    .array(z.strictObject(shape))
    .nullable()
    .meta({ description: `${description}; null when the load has none of any film`, sql: 'text' })

export default report({
  summary: 'One film with everything that is known of it',
  description: 'The film’s figures and prose, what it is linked to, and the line of the file that it was read from.',
  version: 4,
  params: z.strictObject({
    id: z
      .string()
      .regex(/^\d{1,16}$/, 'takes the id of a film')
      .transform(Number)
      .describe('The film’s id'),
    ...priceParams,
  }),
  row: z.strictObject({
    ...filmColumns,
    original_title: column.optionalText('Title in the original language'),
    imdb_id: column.optionalText('Id at IMDb'),
    overview: column.optionalText('What it is about'),
    tagline: column.optionalText('Tagline'),
    homepage: column.optionalText('Homepage'),
    collection: column.optionalText('Name of its collection'),
    companies: linked('company_id', 'Production companies'),
    genres: linked('genre_id', 'Genres'),
    countries: linked('country_code', 'Production countries'),
    languages: linked('language_code', 'Spoken languages'),
    crew: unknowable(
      { person_id: z.int(), name: z.string(), job: z.string(), department: z.string().nullable() },
      'People behind the camera',
    ),
    cast: unknowable(
      { person_id: z.int(), name: z.string(), character: z.string().nullable() },
      'People in front of it, in the order of billing',
    ),
    keywords: unknowable(named('keyword_id'), 'Keywords'),
  }),
  key: ['film_id'],
  defaultSort: 'film_id',
  example: { id: '2964' },
  query: (db: MoviesDb, scope, params) =>
    filmFacts(countedFilms(db, scope, {}).where('f.film_id', '=', params.id), scope, params)
      .leftJoin(fact(scope, 'film_text').as('prose'), (join) =>
        join.onRef('prose.load_id', '=', 'f.load_id').onRef('prose.film_id', '=', 'f.film_id'),
      )
      .leftJoin('movies.collection as within', (join) =>
        join.onRef('within.load_id', '=', 'f.load_id').onRef('within.collection_id', '=', 'f.collection_id'),
      )
      .select([
        'f.original_title',
        'f.imdb_id',
        'prose.overview',
        'prose.tagline',
        'prose.homepage',
        'within.name as collection',
      ])
      .select([
        links(scope, 'company', 'company_id').as('companies'),
        links(scope, 'genre', 'genre_id').as('genres'),
        links(scope, 'country', 'country_code').as('countries'),
        links(scope, 'language', 'language_code').as('languages'),
        ifLoaded(scope, 'crew', crew(scope)).as('crew'),
        ifLoaded(scope, 'cast', cast(scope)).as('cast'),
        ifLoaded(scope, 'keywords', links(scope, 'keyword', 'keyword_id')).as('keywords'),
      ]),
  metaShape: { ...priceShape, ...sharedNamesShape },
  meta: (db: MoviesDb, scope, params) => [
    ...priceMeta(db, scope, params),
    ...sharedNames(
      db,
      scope,
      sql`select company_id from ${fact(scope, 'film_company')}
          where load_id = ${scope.load} and film_id in (select film_id from page)`,
    ),
  ],
  contradiction: ({ id, ...params }) => contradiction(params),
  refused: (db: MoviesDb, scope, params) => priceRefusal(db, scope, params),
  counted: (db: MoviesDb, scope, { id, ...params }) =>
    filmsCounted(db, scope, params, [{ reason: 'id', holds: sql`f.film_id = ${id}` }]),
})

const ifLoaded = <T>(scope: Scope, thing: Parameters<typeof isLoaded>[1], list: RawBuilder<T>) =>
  sql<T | null>`case when ${isLoaded(scope, thing)} then ${list} end`
