import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { column, report, type Scope } from '../report.ts'
import { cellRows } from './parts/cell-rows.ts'
import { type Cells, filmsInCells } from './parts/cells.ts'
import { cellReasons, filmsCounted, type Reason } from './parts/counted.ts'
import { DIMENSIONS, type DimensionName, dimensionNamed } from './parts/dimensions.ts'
import {
  type CellParams,
  contradiction,
  figureParams,
  filmParams,
  grainParams,
  priceParams,
} from './parts/film-params.ts'
import { excludedFilms, excludedShape } from './parts/films.ts'
import { quotient } from './parts/measures.ts'
import { partialFrom, partialShape, periodColumns, periodOf } from './parts/periods.ts'
import { priceMeta, priceRefusal, priceShape } from './parts/prices.ts'
import { sharedNames, sharedNamesShape } from './parts/shared-names.ts'
import type { MoviesDb } from './parts/tables.ts'

/** Measures to rank by; of the first, members have shares. */
const SUMS = ['revenue', 'budget', 'releases', 'profit', 'matched_profit', 'vote_count', 'rating_count'] as const
const MEANS = ['roi', 'popularity', 'vote_average', 'rating_average'] as const
const MEASURES = [...SUMS, ...MEANS]
const GRAINS = ['year', 'decade', 'all'] as const
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
  version: 1,
  params: z.strictObject({
    dimension: z
      .enum(NAMES, `takes ${NAMES.join(', ')}`)
      .optional()
      .describe('Whose members are ranked: `company` by default'),
    measure: z
      .enum(MEASURES, `takes ${MEASURES.join(', ')}`)
      .optional()
      .describe('By what: `revenue` by default'),
    grain: z
      .enum(GRAINS, `takes ${GRAINS.join(', ')}`)
      .transform((grain) => (grain === 'year' ? undefined : grain))
      .optional()
      .describe(grainParams.grain.description as string),
    job: z
      .string('is given more than once')
      .regex(/^[^,\0]{1,200}$/, 'takes one job')
      .transform((job) => [job])
      .optional()
      .describe('With `dimension=person`: what they did; `Director` by default, `cast` for who played'),
    ...filmParams,
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
  key: ['period', 'rank', 'id'],
  defaultSort: 'period,rank,id',
  example: { dimension: 'genre', measure: 'revenue', from: '1995', to: '1996' },
  query: (db: MoviesDb, scope, params) =>
    db.selectFrom(ranked(scope, params).as('ranked')).selectAll().$castTo<never>(),
  metaShape: { ...excludedShape, ...partialShape, ...priceShape, ...sharedNamesShape },
  meta: (db: MoviesDb, scope, params) => [
    excludedFilms(db, scope, params),
    partialFrom(db, scope, params),
    ...priceMeta(db, scope, params),
    ...((params.dimension ?? 'company') === 'company' ? sharedNames(db, scope, sql`select id::bigint from page`) : []),
  ],
  contradiction,
  refused: (db: MoviesDb, scope, params) => priceRefusal(db, scope, params),
  counted: (db: MoviesDb, scope, params: Params) => filmsCounted(db, scope, params, reasons(scope, params)),
})

/** What leaves a film out: that it is in no cell, that the cells have no value, or too few films. */
function reasons(scope: Scope, { min_releases, ...params }: Params): Reason[] {
  const { dimension = 'company', measure = 'revenue' } = params
  const cells: Cells = { by: [dimension], periods: true }
  const [period] = periodOf(scope, params, sql.ref('f.bucket'))
  const inCells = sql`
    select f.film_id, ${sql.ref(`f.${dimensionNamed(dimension).ids[0]}`)}::text as id, ${period}
    from (${filmsInCells(scope, params, cells)}) as f`
  const shown = (asked: Params) => sql`
    f.film_id in (select film_id from (${inCells}) as inside
                  where (id, period) in (select id, period from ${ranked(scope, asked)} as ranked))`
  return [
    ...cellReasons(scope, params, cells),
    { reason: `${measure}_unknown`, holds: shown(params) },
    ...(min_releases === undefined ? [] : [{ reason: 'min_releases', holds: shown({ ...params, min_releases }) }]),
  ]
}

const YEARS_BACK = 5

function ranked(scope: Scope, params: Params): RawBuilder<Record<string, unknown>> {
  const { dimension = 'company', measure = 'revenue', from, min_releases } = params
  const { ids, names, selector } = dimensionNamed(dimension)
  const wanted = params[selector]
  const comparable = params.grain === undefined
  const id = sql.ref(ids[0] as string)
  // Years before the first that shows are compared with, and members that do not show are ranked.
  const wider = {
    ...params,
    [selector]: undefined,
    min_releases: undefined,
    from: comparable && from !== undefined ? Math.max(0, from - YEARS_BACK) : from,
  }
  const cellsOf = (by: DimensionName[]) => {
    const { rows, measures } = cellRows(scope, wider, { by, periods: true })
    const told = [...(by.length > 0 ? [sql`cell.${id} as id`] : []), sql`cell.bucket`, ...measures]
    return sql`select ${sql.join(told)} from (${rows}) as cell`
  }
  const value = sql.ref(measure)
  const [period, year, partial] = periodOf(scope, params, sql.ref('now.bucket'))
  const isSum = (SUMS as readonly string[]).includes(measure)
  const before = (years: number) => (comparable ? sql`now.bucket - ${sql.lit(years)}` : sql`null::integer`)
  const change = (then: string) => sql`
    case when ${sql.ref(`${then}.value`)} > 0 and not partial.partial
         then ${quotient(sql`(now.value - ${sql.ref(`${then}.value`)})::numeric`, sql.ref(`${then}.value`), 6)} end`
  const shown = [
    sql`now.value is not null`,
    ...(comparable && from !== undefined ? [sql`now.bucket >= ${from}`] : []),
    ...(min_releases === undefined ? [] : [sql`now.releases >= ${min_releases}`]),
  ]
  return sql<Record<string, unknown>>`(
    with cells as materialized (select id, bucket, releases, ${value} as value from (${cellsOf([dimension])}) as cell),
         totals as materialized (select bucket, ${value} as value from (${cellsOf([])}) as total)
    select * from (select ${sql.join([
      period,
      year,
      sql`partial.partial`,
      sql`rank() over (partition by now.bucket order by now.value desc) as rank`,
      sql`now.id::text as id`,
      names ? sql`named.name` : sql`now.id::text as name`,
      sql`now.releases`,
      sql`${measure}::text as measure`,
      sql`now.value`,
      isSum
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
              on named.load_id = ${scope.loadId} and ${sql.ref(`named.${names.id}`)} = now.id`
        : sql``
    }
    where ${sql.join(shown, sql` and `)}) as ranked
    ${wanted === undefined ? sql`` : sql`where id in (${sql.join((wanted as (string | number)[]).map(String))})`})`
}
