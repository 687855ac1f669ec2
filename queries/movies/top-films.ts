import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { wholeNumber } from '../params.ts'
import { quotient } from '../quotient.ts'
import { column, report, type Scope } from '../report.ts'
import { RESTS_ON } from './parts/compared.ts'
import { filmsCounted, MATCHED, type MoneyBehind, priceReason } from './parts/counted.ts'
import { type CellParams, contradiction, figureParams, filmParams, priceParams } from './parts/film-params.ts'
import { filmParts } from './parts/film-parts.ts'
import { excludedFilms, excludedShape } from './parts/films.ts'
import { filmsInGroups, groupReasons, partialGroups, partialGroupsShape } from './parts/groups.ts'
import { lacking, restingOn } from './parts/lacking.ts'
import { measureDecimals } from './parts/measures.ts'
import { priceMeta, priceRefusal, priceShape } from './parts/prices.ts'
import { sharedNames, sharedNamesOfGroups, sharedNamesShape } from './parts/shared-names.ts'
import { fact, type MoviesDb } from './parts/tables.ts'

const GROUPS = ['year', 'genre', 'company', 'decade', 'all'] as const
const VALUES: Record<string, RawBuilder<unknown>> = {
  revenue: sql`f.revenue`,
  profit: sql`f.revenue - f.budget`,
  roi: quotient(sql`(f.revenue - f.budget)::numeric`, sql`f.budget`, 6),
  popularity: sql`f.popularity`,
  vote_count: sql`f.vote_count`,
  vote_average: sql`f.vote_average`,
  rating_average: quotient(sql`f.rating_sum`, sql`nullif(f.rating_count, 0)`, 6),
}
const MEASURES = Object.keys(VALUES)
/** Of these, those that are amounts and no means. */
const SUMS = ['revenue', 'profit', 'vote_count']

/** Amounts of a film that its value is made of. */
const MONEY_BEHIND: Partial<Record<string, MoneyBehind>> = {
  revenue: { money: ['revenue'] },
  profit: MATCHED,
  roi: MATCHED,
}

type Params = CellParams & {
  by?: (typeof GROUPS)[number] | undefined
  measure?: string | undefined
  n?: number | undefined
}

export default report({
  summary: 'The best films of each year, genre, company or decade',
  description:
    'Films with the same value have the same rank, and those that tie for the last place all show. A film whose value is unknown is in no row. `profit` and `roi` are of films with budget and revenue known. Undated films count where groups are no periods.',
  version: 3,
  params: z.strictObject({
    by: z
      .enum(GROUPS, `takes ${GROUPS.join(', ')}`)
      .optional()
      .describe('What films are grouped by: `year` by default'),
    measure: z
      .enum(MEASURES, `takes ${MEASURES.join(', ')}`)
      .optional()
      .describe('By what: `revenue` by default'),
    n: wholeNumber(1, 100, 'How many of each group: 10 by default'),
    ...filmParams,
    ...priceParams,
    min_releases: figureParams.min_releases.describe('Only groups of at least so many films whose value is known'),
  }),
  row: z.strictObject({
    group: column.text('Name of the group: `1995`, `1990s`, `all`, or a genre or company'),
    group_id: column.text('The id of the genre or company, as text; else the same as `group`'),
    rank: column.count('Place in the group, the largest value first', 'rank'),
    film_id: column.id('The film’s id'),
    title: column.text('Title'),
    release_date: column.date('Release date'),
    year: column.year('The calendar year of the release date'),
    measure: column.text('By what they are ranked'),
    value: column.number('The film’s measure', 'of the measure'),
    budget: column.money('Budget; null is unknown'),
    revenue: column.money('Revenue; null is unknown'),
    source_file: column.text('File that the film was read from'),
    source_line: column.count('Physical line where its record starts', 'line'),
  }),
  key: ['group_id', 'film_id'],
  defaultSort: 'group,group_id,rank,film_id',
  example: { from: '1995', to: '1996', n: '3' },
  query: (db: MoviesDb, scope, params) => db.selectFrom(top(scope, params).as('top')).selectAll().$castTo<never>(),
  metaShape: { ...excludedShape, ...partialGroupsShape, ...priceShape, ...sharedNamesShape },
  meta: (db: MoviesDb, scope, params) => [
    excludedFilms(db, scope, params, groupReasons(scope, params, params.by ?? 'year'), !inPeriods(params)),
    ...partialGroups(db, scope, params, params.by ?? 'year'),
    ...priceMeta(db, scope, params),
    ...(params.by === 'company' ? sharedNames(db, scope, sql`select group_id::bigint from page`) : []),
  ],
  contradiction,
  refused: (db: MoviesDb, scope, params) => priceRefusal(db, scope, params),
  lacking: (db: MoviesDb, scope, params) => lacking(db, scope, restingOn(params, { measure: params.measure })),
  counted: (db: MoviesDb, scope, params: Params) =>
    filmsCounted(db, scope, params, [
      ...groupReasons(scope, params, params.by ?? 'year'),
      ...priceReason(params, MONEY_BEHIND[params.measure ?? 'revenue']),
      {
        reason: `${params.measure ?? 'revenue'}_unknown`,
        holds: sql`f.film_id in (select film_id from (${ranked(scope, params)}) as ranked)`,
      },
      ...(params.min_releases === undefined
        ? []
        : [
            {
              reason: 'min_releases',
              holds: sql`f.film_id in (select film_id from (${ranked(scope, params)}) as ranked where ${enough(params)})`,
            },
          ]),
      {
        reason: 'n',
        holds: sql`f.film_id in (
          select film_id from (${ranked(scope, params)}) as ranked where rank <= ${most(params)} and ${enough(params)})`,
      },
    ]),
  decimals: ({ measure = 'revenue', ...params }: Params) => {
    const decimals = measureDecimals(params)
    return { ...decimals, value: decimals[measure] }
  },
  compared: {
    names: ['group', 'title'],
    aliases: ['measure'],
    provenance: ['source_file', 'source_line'],
    additive: ({ measure = 'revenue' }) => [
      'budget',
      'revenue',
      ...(SUMS.includes(measure as string) ? ['value'] : []),
    ],
    choosesRows: ['n', 'min_releases'],
    // A film that lost its place among the best is told with the place that it has now.
    rows: (db: MoviesDb, scope, { min_releases, ...params }: Params) =>
      db.selectFrom(top(scope, params, Number.MAX_SAFE_INTEGER).as('every')).selectAll(),
    meta: priceMeta,
    metaOfRows: (db: MoviesDb, scope, { by }: Params, keys) => sharedNamesOfGroups(db, scope, by, keys),
    parts: filmParts({
      query: (db: MoviesDb, scope, params: Params) => db.selectFrom(given(scope, params).as('part')).selectAll(),
      elsewhere: ['rank'],
      restsOn: ({ measure = 'revenue' }) => {
        // Of a single film an average needs no weight.
        const basis = measure === 'vote_average' ? ['vote_average'] : RESTS_ON[measure as string]
        return { budget: ['budget'], revenue: ['revenue'], value: basis ?? [], rank: basis ?? [] }
      },
    }),
  },
})

const inPeriods = ({ by = 'year', from, to }: Params) =>
  by === 'year' || by === 'decade' || from !== undefined || to !== undefined

const most = ({ n = 10 }: Params) => n

const enough = ({ min_releases }: Params) =>
  min_releases === undefined ? sql`true` : sql`ranked.films >= ${min_releases}`

/** Films in groups that have a value, with their places. */
const ranked = (scope: Scope, params: Params) => sql`
  select *, rank() over (partition by group_id order by value desc) as rank, count(*) over (partition by group_id) as films
  from (select f.*, ${VALUES[params.measure ?? 'revenue']} as value
        from (${filmsInGroups(scope, params, params.by ?? 'year')}) as f) as valued
  where value is not null`

const top = (scope: Scope, params: Params, last = most(params)): RawBuilder<Record<string, unknown>> => sql<
  Record<string, unknown>
>`(
  select ranked."group", ranked.group_id, ranked.rank, ranked.film_id, film.title, film.release_date, film.release_year as year,
         ${params.measure ?? 'revenue'}::text as measure, trim_scale(ranked.value::numeric) as value,
         trim_scale(ranked.budget::numeric) as budget, trim_scale(ranked.revenue::numeric) as revenue,
         source.name as source_file, film.source_line
  from (${ranked(scope, params)}) as ranked
  join ${fact(scope, 'film')} film on film.load_id = ${scope.load} and film.film_id = ranked.film_id
  join reelhouse.load_file source on source.load_id = film.source_load_id and source.file_no = film.source_file_no
  where ranked.rank <= ${last} and ${enough(params)})`

/** What each film is to its rows: all of them. Its place rests on its own value, and on those of the others. */
const given = (scope: Scope, params: Params): RawBuilder<Record<string, unknown>> => sql<Record<string, unknown>>`(
  select ranked.group_id, ranked.film_id, ranked.value as rank, film.release_date, film.release_year as year, ranked.value,
         ranked.budget::numeric as budget, ranked.revenue::numeric as revenue
  from (${ranked(scope, params)}) as ranked
  join ${fact(scope, 'film')} film on film.load_id = ${scope.load} and film.film_id = ranked.film_id)`
