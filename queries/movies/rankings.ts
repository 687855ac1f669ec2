import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { names } from '../params.ts'
import { quotient } from '../quotient.ts'
import { column, report, type Scope } from '../report.ts'
import { cellRows } from './parts/cell-rows.ts'
import { type Cells, filmFilters, filmsInCells } from './parts/cells.ts'
import { given, RESTS_ON } from './parts/compared.ts'
import {
  cellReasons,
  filmsCounted,
  inCells,
  MATCHED,
  type MoneyBehind,
  priceReason,
  type Reason,
} from './parts/counted.ts'
import { DIMENSIONS, type DimensionName, dimensionNamed } from './parts/dimensions.ts'
import {
  type CellParams,
  contradiction,
  figureParams,
  filmParams,
  grainParams,
  priceParams,
} from './parts/film-params.ts'
import { filmParts } from './parts/film-parts.ts'
import { excludedFilms, excludedShape } from './parts/films.ts'
import { lacking, restingOn } from './parts/lacking.ts'
import { measureDecimals } from './parts/measures.ts'
import { partialFrom, partialShape, periodColumns, periodOf } from './parts/periods.ts'
import { priceMeta, priceRefusal, priceShape } from './parts/prices.ts'
import { sharedNames, sharedNamesOf, sharedNamesShape } from './parts/shared-names.ts'
import type { MoviesDb } from './parts/tables.ts'

/** Measures to rank by; of the first, members have shares. */
const SUMS = ['revenue', 'budget', 'releases', 'profit', 'matched_profit', 'vote_count', 'rating_count'] as const
const MEANS = ['roi', 'popularity', 'vote_average', 'rating_average'] as const
const MEASURES = [...SUMS, ...MEANS]
const isSum = (measure: string) => (SUMS as readonly string[]).includes(measure)

/** Columns that the value decides, but not alone: other members and periods do, too. */
const BY_VALUE = ['rank', 'share', 'change', 'change_on_five']
/** Columns that the films of the period have no part in. */
const OF_OTHER_PERIODS = ['previous_value', 'five_years_before_value']

const NAMES = Object.keys(DIMENSIONS) as [DimensionName, ...DimensionName[]]

type Params = CellParams & { dimension?: DimensionName | undefined; measure?: (typeof MEASURES)[number] | undefined }

const changeSince = (years: string) =>
  column.number(
    `\`value / ${years === 'one' ? 'previous_value' : 'five_years_before_value'} - 1\`, 6 decimals; null where one of the two is missing, not positive or of a period that the data do not cover whole`,
    'ratio',
  )

export default report({
  summary: 'Companies, genres, countries … ranked by a measure in each period',
  description:
    'Members with the same value have the same rank, and the next one skips (1, 2, 2, 4); members whose value is unknown have no rank and no row. `releases` shows how thin a cell is. Ranks and shares are among all members (with `min_releases` among those of enough films); an id of the dimension chooses which of them show.',
  version: 3,
  params: z.strictObject({
    dimension: z
      .enum(NAMES, `takes ${NAMES.join(', ')}`)
      .optional()
      .describe('Whose members are ranked: `company` by default'),
    measure: z
      .enum(MEASURES, `takes ${MEASURES.join(', ')}`)
      .optional()
      .describe('By what: `revenue` by default'),
    ...grainParams,
    ...filmParams,
    job: names(
      'With `dimension=person`, what they did, and then one job: `Director` by default, `cast` for who played. Else with `person_id`: films in which these people did this',
    ),
    ...priceParams,
    min_releases: figureParams.min_releases,
  }),
  row: z.strictObject({
    ...periodColumns,
    rank: column.count('Place by `value`, the largest first', 'rank'),
    id: column.text('The member’s id or code'),
    name: column.optionalText('Its most frequent name'),
    releases: column.count('Distinct films behind the value'),
    measure: column.text('By what they are ranked'),
    value: column.number('The measure of its films in the period', 'of the measure'),
    share: column.number('`value` over that of all films of the period, each counted once; null for means', 'ratio'),
    previous_value: column.number('`value` one year before', 'of the measure'),
    change: changeSince('one'),
    five_years_before_value: column.number('`value` five years before', 'of the measure'),
    change_on_five: changeSince('five'),
  }),
  key: ['period', 'id'],
  defaultSort: 'period,rank,id',
  example: { dimension: 'genre', measure: 'revenue', from: '1995', to: '1996' },
  query: (db: MoviesDb, scope, params) =>
    db.selectFrom(ranked(scope, params).as('ranked')).selectAll().$castTo<never>(),
  metaShape: { ...excludedShape, ...partialShape, ...priceShape, ...sharedNamesShape },
  meta: (db: MoviesDb, scope, params) => [
    excludedFilms(db, scope, filmFilters(params, cellsOf(params)), inCells(scope, params, cellsOf(params))),
    partialFrom(db, scope, params),
    ...priceMeta(db, scope, params),
    ...((params.dimension ?? 'company') === 'company' ? sharedNames(db, scope, sql`select id::bigint from page`) : []),
  ],
  contradiction: ({ dimension, job, ...params }) => {
    const countsPeople = dimension === 'person'
    // A person with two of them in a film would be there twice.
    if (countsPeople && job && job.length > 1)
      return { parameter: 'job', detail: 'takes one job with dimension=person' }
    return contradiction({ ...params, job }, countsPeople)
  },
  refused: (db: MoviesDb, scope, params) => priceRefusal(db, scope, params),
  lacking: (db: MoviesDb, scope, params) =>
    lacking(db, scope, restingOn(params, { by: cellsOf(params).by, measure: params.measure })),
  counted: (db: MoviesDb, scope, params: Params) => filmsCounted(db, scope, params, reasons(scope, params)),
  decimals: ({ measure = 'revenue', ...params }: Params) => {
    const decimals = measureDecimals(params)
    const value = decimals[measure]
    return { ...decimals, value, previous_value: value, five_years_before_value: value }
  },
  compared: {
    names: ['name'],
    aliases: ['year', 'partial', 'measure'],
    additive: ({ measure = 'revenue' }) => ['releases', ...(isSum(measure as string) ? ['value'] : [])],
    choosesRows: ['min_releases'],
    // A member of too few films in one of the loads is told as it is, without a rank.
    rows: (db: MoviesDb, scope, params: Params) => db.selectFrom(ranked(scope, params, true).as('every')).selectAll(),
    meta: priceMeta,
    metaOfRows: (db: MoviesDb, scope, params: Params, keys) =>
      (params.dimension ?? 'company') === 'company'
        ? sharedNamesOf(
            db,
            scope,
            keys.map(([, id]) => id as string),
          )
        : [],
    parts: filmParts({
      query: (db: MoviesDb, scope, params: Params) => db.selectFrom(filmsRanked(scope, params).as('part')).selectAll(),
      amounts: ({ measure }) => (measure === 'popularity' ? ['value'] : []),
      elsewhere: [...BY_VALUE, ...OF_OTHER_PERIODS],
      restsOn: ({ measure = 'revenue' }) =>
        Object.fromEntries(['value', ...BY_VALUE].map((name) => [name, RESTS_ON[measure as string] ?? []])),
    }),
  },
})

const cellsOf = ({ dimension = 'company' }: Params): Cells => ({ by: [dimension], periods: true })

/** Amounts of a film that its part of a measure is made of; `matched` ones only together. */
const MONEY_BEHIND: Partial<Record<string, MoneyBehind>> = {
  revenue: { money: ['revenue'] },
  budget: { money: ['budget'] },
  profit: { money: ['budget', 'revenue'] },
  matched_profit: MATCHED,
  roi: MATCHED,
}

/** What leaves a film out: that it is in no cell, that the cells have no value, or too few films. */
function reasons(scope: Scope, { min_releases, ...params }: Params): Reason[] {
  const { dimension = 'company', measure = 'revenue' } = params
  const cells = cellsOf(params)
  const [period] = periodOf(scope, params, sql.ref('f.bucket'))
  const inCells = sql`
    select f.film_id, ${sql.ref(`f.${dimensionNamed(dimension).ids[0]}`)}::text as id, ${period}
    from (${filmsInCells(scope, params, cells)}) as f`
  const shown = (asked: Params) => sql`
    f.film_id in (select film_id from (${inCells}) as inside
                  where (id, period) in (select id, period from ${ranked(scope, asked)} as ranked))`
  return [
    ...cellReasons(scope, params, cells),
    ...priceReason(params, MONEY_BEHIND[measure], (isPriced) => sql`(${isPriced} or ${shown(params)})`),
    { reason: `${measure}_unknown`, holds: shown(params) },
    ...(min_releases === undefined ? [] : [{ reason: 'min_releases', holds: shown({ ...params, min_releases }) }]),
  ]
}

const YEARS_BACK = 5

/**
 * Members with their places.
 * @param unranked also those of too few films, without a place
 */
function ranked(scope: Scope, params: Params, unranked = false): RawBuilder<Record<string, unknown>> {
  const { dimension = 'company', measure = 'revenue', from, min_releases } = params
  const { names, selector } = dimensionNamed(dimension)
  const wanted = params[selector]
  const comparable = params.grain === undefined
  // Years before the first that shows are compared with, and members that do not show are ranked.
  const wider = {
    ...params,
    [selector]: undefined,
    from: comparable && from !== undefined ? Math.max(0, from - YEARS_BACK) : from,
  }
  const [period, year, partial] = periodOf(scope, params, sql.ref('now.bucket'))
  const before = (years: number) => (comparable ? sql`now.bucket - ${sql.lit(years)}` : sql`null`)
  const change = (then: string) => sql`
    case when ${sql.ref(`${then}.value`)} > 0 and not partial.partial
         then ${quotient(sql`(now.value - ${sql.ref(`${then}.value`)})::numeric`, sql.ref(`${then}.value`), 6)} end`
  const enough = min_releases === undefined ? sql`true` : sql`now.releases >= ${min_releases}`
  const shown = [
    sql`now.value is not null`,
    ...(comparable && from !== undefined ? [sql`now.bucket >= ${from}`] : []),
    ...(unranked ? [] : [enough]),
  ]
  return sql<Record<string, unknown>>`(
    with cells as materialized (${valued(scope, wider, [dimension])}),
         totals as materialized (${valued(scope, wider, [])})
    select * from (select ${sql.join([
      period,
      year,
      sql`partial.partial`,
      sql`case when ${enough} then rank() over (partition by now.bucket, ${enough} order by now.value desc) end as rank`,
      sql`now.id::text as id`,
      names ? sql`named.name` : sql`now.id::text as name`,
      sql`now.releases`,
      sql`${measure}::text as measure`,
      sql`now.value`,
      isSum(measure)
        ? sql`${quotient(sql`now.value::numeric`, sql`nullif(totals.value, 0)`, 6)} as share`
        : sql`null::numeric as share`,
      sql`previous.value as previous_value`,
      sql`${change('previous')} as change`,
      sql`five.value as five_years_before_value`,
      sql`${change('five')} as change_on_five`,
    ])}
    from cells as now
    join totals on totals.bucket = now.bucket
    cross join lateral (select ${partial}) as partial
    left join cells as previous on previous.id = now.id and previous.bucket = ${before(1)}
    left join cells as five on five.id = now.id and five.bucket = ${before(YEARS_BACK)}
    ${
      names
        ? sql`join ${sql.table(`movies.${names.table}`)} as named
              on named.load_id = ${scope.load} and ${sql.ref(`named.${names.id}`)} = now.id`
        : sql``
    }
    where ${sql.join(shown, sql` and `)}) as ranked
    ${wanted === undefined ? sql`` : sql`where id in (${sql.join((wanted as (string | number)[]).map(String))})`})`
}

/** The measure in each cell, known or not. */
function valued(scope: Scope, params: Params, by: DimensionName[]): RawBuilder<unknown> {
  const { measure = 'revenue' } = params
  const ids = by.map((name) => dimensionNamed(name).ids[0] as string)
  const { rows, measures } = cellRows(scope, { ...params, min_releases: undefined }, { by, periods: true })
  const told = [...ids.map((id) => sql`${sql.ref(`cell.${id}`)} as id`), sql`cell.bucket`, ...measures]
  return sql`
    select ${sql.join([...ids.map(() => sql`id`), sql`bucket, releases`])}, ${sql.ref(measure)} as value
    from (select ${sql.join(told)} from (${rows}) as cell) as measured`
}

/** The films of each member that has a value, each with what it gives to it. */
function filmsRanked(scope: Scope, params: Params): RawBuilder<Record<string, unknown>> {
  const { dimension = 'company', measure = 'revenue' } = params
  const id = sql.ref(`f.${dimensionNamed(dimension).ids[0]}`)
  const [period] = periodOf(scope, params, sql.ref('f.bucket'))
  const value = sql.ref(`given.${measure}`)
  return sql<Record<string, unknown>>`(
    select ${sql.join([
      period,
      sql`${id}::text as id, f.film_id, 1 as releases`,
      ...['value', ...BY_VALUE].map((name) => sql`${value} as ${sql.ref(name)}`),
      ...OF_OTHER_PERIODS.map((name) => sql`null::numeric as ${sql.ref(name)}`),
    ])}
    from (${filmsInCells(scope, params, { by: [dimension], periods: true })}) as f
    cross join lateral (select ${sql.join(given(params))}) as given
    where (${id}, f.bucket) in (
      select id, bucket from (${valued(scope, params, [dimension])}) as valued where value is not null))`
}
