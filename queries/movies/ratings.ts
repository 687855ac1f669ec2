import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { quotient } from '../quotient.ts'
import { column, report, type Scope } from '../report.ts'
import { filmsCounted } from './parts/counted.ts'
import { type CellParams, contradiction, figureParams, filmParams } from './parts/film-params.ts'
import { filmParts } from './parts/film-parts.ts'
import { excludedFilms, excludedShape, listsUndated } from './parts/films.ts'
import { filmsInGroups, groupReasons, partialGroups, partialGroupsShape } from './parts/groups.ts'
import { lacking, restingOn } from './parts/lacking.ts'
import { fact, type MoviesDb, STARS } from './parts/tables.ts'

const GROUPS = ['film', 'genre', 'year'] as const

type Params = CellParams & { by?: (typeof GROUPS)[number] | undefined }

export default report({
  summary: 'How MovieLens users rated films: the distribution by film, genre or year',
  description:
    'Half a star to five stars. A film counts in each of its genres; films without ratings are in no row, and without a load of ratings there is none.',
  version: 3,
  params: z.strictObject({
    by: z
      .enum(GROUPS, `takes ${GROUPS.join(', ')}`)
      .optional()
      .describe('What ratings are grouped by: `film` by default'),
    ...filmParams,
    min_releases: figureParams.min_releases.describe('Only genres or years of at least so many rated films'),
  }),
  row: z.strictObject({
    group: column.text('Title of the film, name of the genre, or release year'),
    group_id: column.text('The id of the film or genre, as text; of a year the year'),
    ratings: column.count('Ratings', 'ratings'),
    rating_average: column.number('Their mean, 6 decimals', 'stars of 5'),
    ...Object.fromEntries(
      STARS.map((stars) => [
        stars,
        column.count(`Ratings of ${stars.slice('stars_'.length).replace('_', '.')} stars`, 'ratings'),
      ]),
    ),
  }),
  key: ['group_id'],
  defaultSort: '-ratings,group,group_id',
  example: { by: 'genre' },
  query: (db: MoviesDb, scope, params) => db.selectFrom(rated(scope, params).as('rated')).selectAll().$castTo<never>(),
  metaShape: { ...excludedShape, ...partialGroupsShape },
  meta: (db: MoviesDb, scope, params: Params) => [
    excludedFilms(db, scope, params, [], params.by !== 'year' && listsUndated(params)),
    ...partialGroups(db, scope, params, params.by ?? 'film'),
  ],
  // Of few groups nearly all would be added up twice.
  pickedBy: (_, { by = 'film' }) => (by === 'film' ? ['group_id'] : undefined),
  contradiction: ({ by = 'film', ...params }) =>
    by === 'film' && params.min_releases !== undefined
      ? { parameter: 'min_releases', detail: 'is for by=genre or by=year: a film is one' }
      : contradiction(params),
  lacking: (db: MoviesDb, scope, params) => lacking(db, scope, restingOn(params, { measure: 'rating_count' })),
  counted: (db: MoviesDb, scope, params: Params) =>
    filmsCounted(db, scope, {}, [
      ...groupReasons(scope, params, params.by ?? 'film'),
      { reason: 'not_rated', holds: sql`rated.film_id is not null` },
      ...(params.min_releases === undefined
        ? []
        : [
            {
              reason: 'min_releases',
              holds: sql`f.film_id in (
                select f.film_id from ${ratedFilms(scope, params)}
                where f.group_id in (select f.group_id from ${ratedFilms(scope, params)} group by f.group_id ${enough(params)}))`,
            },
          ]),
    ]),
  compared: {
    names: ['group'],
    additive: () => ['ratings', ...STARS],
    choosesRows: ['min_releases'],
    parts: filmParts({
      query: (db: MoviesDb, scope, params: Params) => db.selectFrom(given(scope, params).as('part')).selectAll(),
      restsOn: () => ({
        ratings: ['rating_count'],
        rating_average: ['rating_average', 'rating_count'],
        ...Object.fromEntries(STARS.map((stars) => [stars, ['stars']])),
      }),
    }),
  },
})

const rated = (scope: Scope, params: Params): RawBuilder<Record<string, unknown>> => sql<Record<string, unknown>>`(
  select f."group", f.group_id, sum(f.rating_count)::bigint as ratings,
         ${quotient(sql`sum(f.rating_sum)`, sql`sum(f.rating_count)`, 6)} as rating_average,
         ${sql.join(STARS.map((stars) => sql`sum(${sql.ref(`counted.${stars}`)})::bigint as ${sql.ref(stars)}`))}
  from ${ratedFilms(scope, params)}
  group by f."group", f.group_id ${enough(params)})`

const enough = ({ min_releases }: Params) =>
  min_releases === undefined ? sql`` : sql`having count(*) >= ${min_releases}`

/** What each film gives to its groups. */
const given = (scope: Scope, params: Params): RawBuilder<Record<string, unknown>> => sql<Record<string, unknown>>`(
  select f.group_id, f.film_id, f.rating_count as ratings, array[f.rating_sum, f.rating_count] as rating_average,
         ${sql.join(STARS.map((stars) => sql`nullif(${sql.ref(`counted.${stars}`)}, 0) as ${sql.ref(stars)}`))}
  from ${ratedFilms(scope, params)})`

/** Films in groups, with the stars that they were given. */
const ratedFilms = (scope: Scope, params: Params) => sql`
  (${filmsInGroups(scope, params, params.by ?? 'film')}) as f
  join ${fact(scope, 'film_rating')} counted on counted.load_id = ${scope.load} and counted.film_id = f.film_id`
