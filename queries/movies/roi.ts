import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { quotient } from '../quotient.ts'
import { column, report, type Scope } from '../report.ts'
import { MONEY } from './parts/compared.ts'
import { filmsCounted, MATCHED, priceReason } from './parts/counted.ts'
import { type CellParams, contradiction, figureParams, filmParams, priceParams } from './parts/film-params.ts'
import { filmParts } from './parts/film-parts.ts'
import { excludedFilms, excludedShape, listsUndated } from './parts/films.ts'
import { filmsInGroups, groupReasons } from './parts/groups.ts'
import { lacking, restingOn } from './parts/lacking.ts'
import { amountOf, priceMeta, priceRefusal, priceShape } from './parts/prices.ts'
import { sharedNames, sharedNamesOfGroups, sharedNamesShape } from './parts/shared-names.ts'
import type { MoviesDb } from './parts/tables.ts'

const GROUPS = ['genre', 'company', 'budget_band', 'all'] as const

type Params = CellParams & { by?: (typeof GROUPS)[number] | undefined }

export default report({
  summary: 'What films return on their budgets: quartiles by genre, company or budget',
  description:
    'Of films with budget and revenue known, dated or not: return is `(revenue - budget) / budget` of each film, quartiles are interpolated between films. Budget bands: `under_1m`, `1m_10m`, `10m_50m`, `50m_100m`, `from_100m` (US dollars, lower bound included).',
  version: 3,
  params: z.strictObject({
    by: z
      .enum(GROUPS, `takes ${GROUPS.join(', ')}`)
      .optional()
      .describe('What films are grouped by: `genre` by default'),
    ...filmParams,
    ...priceParams,
    min_releases: figureParams.min_releases,
  }),
  row: z.strictObject({
    group: column.text('Name of the genre, company or band; `all`'),
    group_id: column.text('The id of the genre or company, as text; else the same as `group`'),
    films: column.count('Films with budget and revenue known'),
    q1: column.number('A quarter of the films return less, 6 decimals', 'ratio'),
    median: column.number('Half of the films return less, 6 decimals', 'ratio'),
    q3: column.number('Three quarters of the films return less, 6 decimals', 'ratio'),
    mean_roi: column.number('Sum of profits over sum of budgets, 6 decimals', 'ratio'),
    lost: column.count('Films whose revenue is below their budget'),
  }),
  key: ['group_id'],
  defaultSort: 'group,group_id',
  example: { by: 'genre', sort: '-median' },
  query: (db: MoviesDb, scope, params) =>
    db.selectFrom(returns(scope, params).as('returns')).selectAll().$castTo<never>(),
  metaShape: { ...excludedShape, ...priceShape, ...sharedNamesShape },
  meta: (db: MoviesDb, scope, params) => [
    excludedFilms(db, scope, params, groupReasons(scope, params, params.by ?? 'genre'), listsUndated(params)),
    ...priceMeta(db, scope, params),
    ...(params.by === 'company' ? sharedNames(db, scope, sql`select group_id::bigint from page`) : []),
  ],
  contradiction,
  refused: (db: MoviesDb, scope, params) => priceRefusal(db, scope, params),
  lacking: (db: MoviesDb, scope, params) => lacking(db, scope, restingOn(params, {})),
  counted: (db: MoviesDb, scope, params: Params) => filmsCounted(db, scope, params, reasons(scope, params)),
  compared: {
    names: ['group'],
    additive: () => ['films', 'lost'],
    choosesRows: ['min_releases'],
    meta: priceMeta,
    metaOfRows: (db: MoviesDb, scope, { by }: Params, keys) => sharedNamesOfGroups(db, scope, by, keys),
    parts: filmParts({
      query: (db: MoviesDb, scope, params: Params) => db.selectFrom(given(scope, params).as('part')).selectAll(),
      restsOn: () => Object.fromEntries(FIGURES.map((name) => [name, MONEY])),
    }),
  },
})

/** What leaves a film out, besides what groups ask of it. */
function reasons(scope: Scope, params: Params) {
  const of = groupReasons(scope, params, params.by ?? 'genre').filter(({ reason }) => reason !== 'budget_unknown')
  const known = [
    { reason: 'budget_unknown', holds: sql`f.budget > 0` },
    { reason: 'revenue_unknown', holds: sql`f.revenue is not null` },
    // A budget of which no cent is left in real prices has no return either.
    ...priceReason(params, MATCHED, () => sql`${amountOf('budget', params)} > 0`),
  ]
  if (params.min_releases === undefined) return [...of, ...known]
  const groups = sql`(select group_id from (${returning(scope, params)}) as f group by group_id ${enough(params)})`
  const holds = sql`f.film_id in (select film_id from (${returning(scope, params)}) as f where group_id in ${groups})`
  return [...of, ...known, { reason: 'min_releases', holds }]
}

const returnOf = sql`round(f.revenue - f.budget, 40) / f.budget`

/** Films in groups that have a return. */
const returning = (scope: Scope, params: Params) => sql`
  select * from (${filmsInGroups(scope, params, params.by ?? 'genre')}) as f where f.budget > 0 and f.revenue is not null`

const FIGURES = ['films', 'q1', 'median', 'q3', 'mean_roi', 'lost']

/** What each film gives to its groups: quartiles are of returns, whatever the budget. */
const given = (scope: Scope, params: Params) => sql<Record<string, unknown>>`(
  select group_id, film_id, 1 as films, ${returnOf} as q1, ${returnOf} as median, ${returnOf} as q3,
         array[f.budget, f.revenue] as mean_roi, case when f.revenue < f.budget then 1 end as lost
  from (${returning(scope, params)}) as f)`

const enough = ({ min_releases }: Params) =>
  min_releases === undefined ? sql`` : sql`having count(*) >= ${min_releases}`

/** Interpolated between the two films around it; PostgreSQL's own percentile_cont computes in floating point. */
const quartile = (nth: number) => {
  const place = sql`(cardinality(roi) - 1) * ${sql.lit(nth)}`
  const at = (offset: number) => sql`roi[${place} / 4 + ${sql.lit(offset)}]`
  return sql`trim_scale(round(${at(1)} + coalesce(${at(2)} - ${at(1)}, 0) * (${place} % 4) / 4, 6))`
}

const returns = (scope: Scope, params: Params): RawBuilder<Record<string, unknown>> => sql<Record<string, unknown>>`(
  select "group", group_id, cardinality(roi) as films, ${quartile(1)} as q1, ${quartile(2)} as median, ${quartile(3)} as q3,
         ${quotient(sql`profit::numeric`, sql`budget`, 6)} as mean_roi, lost
  from (select "group", group_id, sum(f.revenue) - sum(f.budget) as profit, sum(f.budget) as budget,
               array_agg(${returnOf} order by ${returnOf}) as roi,
               count(*) filter (where f.revenue < f.budget) as lost
        from (${returning(scope, params)}) as f
        group by "group", group_id ${enough(params)}) as grouped)`
