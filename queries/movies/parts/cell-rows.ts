import { type AliasedRawBuilder, type RawBuilder, sql } from 'kysely'
import type { Scope } from '../../report.ts'
import { type Cells, cellIds, filmFilters, filmsInCells, isSplit, ofMembers, selectorsOf } from './cells.ts'
import { DEFAULT_JOB, type DimensionName, dimensionNamed } from './dimensions.ts'
import type { CellParams } from './film-params.ts'
import { filmConditions } from './films.ts'
import { enoughReleases, FILM_COUNTS, lifetimeColumns, lifetimes, measures, sums } from './measures.ts'
import { periodOf } from './periods.ts'
import { isReal } from './prices.ts'
import { fact } from './tables.ts'

/**
 * Where the figures of cells come from: the rollup of their load where it has them, else its films. This is the one place that
 * chooses, and both ways give the same figures.
 */

export type Grain = 'month' | 'year' | 'decade' | 'ever'

export interface Rollup {
  by: Cells['by']
  grains: Grain[]
  /** Many cells have a table of their own; sets of few share one, where their name (`nameOf`) tells them apart. */
  table: 'rollup' | 'rollup_company' | 'rollup_company_genre' | 'rollup_split'
  /** Whether films are shared out among their members, whose shares are not rounded yet. */
  split?: true
}

/**
 * The cells that each load keeps added up, each over times of these lengths; `ever` counts undated films, too. Decades are those of whole
 * data, and are kept where there are too many years to add up for whoever asks.
 */
export const ROLLUPS: Rollup[] = [
  { by: [], grains: ['month', 'year'], table: 'rollup' },
  { by: ['company'], grains: ['year', 'decade', 'ever'], table: 'rollup_company' },
  { by: ['company', 'genre'], grains: ['year', 'decade'], table: 'rollup_company_genre' },
  { by: ['genre'], grains: ['month', 'year', 'ever'], table: 'rollup' },
  { by: ['country'], grains: ['month', 'year'], table: 'rollup' },
  { by: ['language'], grains: ['month', 'year'], table: 'rollup' },
  { by: ['collection'], grains: ['year'], table: 'rollup' },
  { by: ['content_rating'], grains: ['month', 'year'], table: 'rollup' },
  // Directors, whom the report tells of unless it is asked for others; of all who played there are ten times as many.
  { by: ['person'], grains: ['year'], table: 'rollup' },
  { by: ['company'], grains: ['year', 'ever'], table: 'rollup_split', split: true },
  { by: ['genre'], grains: ['year', 'ever'], table: 'rollup_split', split: true },
  { by: ['country'], grains: ['year'], table: 'rollup_split', split: true },
]

export const ROLLUP_TABLES: string[] = [...new Set(ROLLUPS.map(({ table }) => table))]

/** A set's name in a table that several share. */
export const nameOf = (by: Cells['by']) => by.join() || 'all'

/** Columns that tell sets of cells apart in their table. */
export const setColumns = ({ table }: Pick<Rollup, 'table'>) => {
  const sets = new Set(ROLLUPS.filter((rollup) => rollup.table === table).map(({ by }) => nameOf(by)))
  return sets.size > 1 ? (['cells', 'grain'] as const) : (['grain'] as const)
}

/** Columns of the rollup that are added up, and those that are made of these. */
export const ADDITIVE = sums({}).map(({ alias }) => alias as string)
export const COMPUTED = ['profit', 'matched_profit', 'roi', 'popularity', 'vote_average', 'rating_average']

/** Rows of the cells that pass, added up, with the ids of each and its `bucket`; and what is shown of such a row, `cell`. */
export interface CellRows {
  rows: RawBuilder<unknown>
  /** Columns of its period, or of a lifetime. */
  heads: AliasedRawBuilder<unknown, string>[]
  measures: AliasedRawBuilder<unknown, string>[]
  /** The table that they are added up from. */
  table: `movies.${Rollup['table'] | 'film'}`
  /** Whether they are in the table as they are, ready to be shown. */
  read?: boolean
}

/** The cells that pass, each added up, by the cheapest way there is. */
export function cellRows(scope: Scope, params: CellParams, cells: Cells): CellRows {
  const kept = keptCells(scope, params, cells)
  return kept === undefined ? fromFilms(scope, params, cells) : fromRollup(scope, params, cells, kept)
}

export interface Kept extends Pick<Rollup, 'by' | 'table'> {
  grain: Grain
  /** A dimension by one member of which films are chosen: each of its films is in one of these cells once. */
  within: DimensionName | undefined
}

/** The kept cells that these are, or of which they can be made; none when figures of single films are needed. */
function keptCells(scope: Scope, params: CellParams, cells: Cells): Kept | undefined {
  if (isReal(params) || params.aggregate === 'median') return undefined
  if (cells.by.includes('person') && params.job !== undefined && params.job.join() !== DEFAULT_JOB) return undefined
  const { from, to, ...others } = filmFilters(params, cells)
  for (const grain of grainsFor(params, cells))
    for (const { by, grains, table, split = false } of ROLLUPS) {
      const [within, ...more] = by.filter((name) => !cells.by.includes(name))
      const fits = more.length === 0 && cells.by.every((name) => by.includes(name)) && grains.includes(grain)
      if (!fits || split !== isSplit(params) || !scope.rollups.includes(table)) continue
      // Shared out among companies alone, a film has other shares than among its companies and genres.
      if (within !== undefined && (split || !isOne(params, within))) continue
      // What is left asks something of films.
      const asked = filmConditions(scope, others, selectorsOf({ ...cells, by }))
      if (asked.length === 0) return { by, table, grain, within }
    }
  return undefined
}

/** Lengths of time that the periods asked for are, or can be added up from; the cheapest first. */
function grainsFor({ grain, from, to }: CellParams, { periods }: Cells): Grain[] {
  const isCut = from !== undefined || to !== undefined
  if (!periods) return isCut ? [] : ['ever']
  if (grain === 'month' || grain === 'quarter') return ['month']
  return grain === 'decade' && !isCut ? ['decade', 'year'] : ['year']
}

/** Whether one member is asked for. People are, for whatever they did, and not for what the rollup has of them. */
function isOne(params: CellParams, name: DimensionName): boolean {
  const wanted = params[dimensionNamed(name).selector]
  return name !== 'person' && Array.isArray(wanted) && wanted.length === 1
}

function fromFilms(scope: Scope, params: CellParams, cells: Cells): CellRows {
  const ids = cellIds(cells).map((id) => sql.ref(`f.${id}`))
  const rows = sql`
    select ${sql.join([...ids, ...(cells.periods ? [] : lifetimes()), ...sums(params)])}
    from (${filmsInCells(scope, params, cells)}) as f
    ${ids.length > 0 ? sql`group by ${sql.join(ids)}` : sql``}
    ${params.min_releases === undefined ? sql`` : sql`having ${enoughReleases(params)}`}`
  return { rows, heads: headsOf(scope, params, cells), measures: measures(scope, params), table: 'movies.film' }
}

/** Cells as they are kept, or added up from kept ones of shorter times. */
export function fromRollup(scope: Scope, params: CellParams, cells: Cells, kept: Kept): CellRows {
  const { by, table, grain, within } = kept
  const { from, to, min_releases } = params
  const ids = cells.by.flatMap((name) => dimensionNamed(name).ids).map((id) => sql.ref(`f.${id}`))
  const conditions = [
    sql`f.load_id = ${scope.load}`,
    // As text of the statement, for the indexes that hold these cells alone.
    ...setColumns(kept).map((name) => sql`${sql.ref(`f.${name}`)} = ${sql.lit({ cells: nameOf(by), grain }[name])}`),
    ...(from === undefined ? [] : [sql`f.year >= ${from}`]),
    ...(to === undefined ? [] : [sql`f.year <= ${to}`]),
    ...cells.by.flatMap((name) => ofMembers(scope, params, name, sql.ref(`f.${dimensionNamed(name).ids[0]}`))),
    ...(within
      ? ofMembers(scope, { ...params, q: undefined }, within, sql.ref(`f.${dimensionNamed(within).ids[0]}`))
      : []),
  ]
  const where = sql`from ${fact(scope, table)} f where ${sql.join(conditions, sql` and `)}`
  const bucket = { month: sql`f.month`, year: sql`f.year`, decade: sql`f.year`, ever: sql`null` }[grain]
  const asItIs = !cells.periods || (params.grain ?? 'year') === grain
  if (asItIs) {
    const columns = [
      ...ids,
      ...(cells.periods ? [sql`${bucket} as bucket`, sql`f.period`] : LIFETIME.map((name) => sql.ref(`f.${name}`))),
      ...[...ADDITIVE, ...COMPUTED].map((name) => sql.ref(`f.${name}`)),
    ]
    const rows = sql`
      select ${sql.join(columns)} ${where}
      ${min_releases === undefined ? sql`` : sql`and ${enoughReleases(params, sql`f.releases`)}`}`
    const heads = headsOf(scope, params, cells)
    if (cells.periods) heads[0] = sql.ref('cell.period').as('period')
    return {
      rows,
      heads,
      measures: params.aggregate ? measures(scope, params) : asKept(scope, params),
      table: `movies.${table}`,
      // Means are computed, so they are found first by the one that orders them.
      read: params.aggregate === undefined,
    }
  }
  const longer = LONGER[params.grain as keyof typeof LONGER]
  const sum = (name: string) => sql`sum(${sql.ref(`f.${name}`)}) as ${sql.ref(name)}`
  const rows = sql`
    select ${sql.join([...ids, sql`f.bucket`, ...ADDITIVE.map(sum)])}
    from (select f.*, ${longer} as bucket ${where}) as f
    group by ${sql.join([...ids, sql`f.bucket`])}
    ${min_releases === undefined ? sql`` : sql`having ${enoughReleases(params, sql`sum(f.releases)`)}`}`
  return { rows, heads: headsOf(scope, params, cells), measures: measures(scope, params), table: `movies.${table}` }
}

const headsOf = (scope: Scope, params: CellParams, cells: Cells): AliasedRawBuilder<unknown, string>[] =>
  cells.periods
    ? [...periodOf(scope, params, sql.ref('cell.bucket'))]
    : LIFETIME.map((name) => sql.ref(`cell.${name}`).as(name))

const LIFETIME = Object.keys(lifetimeColumns)

/** Buckets that are made of several of the rollup's. */
const LONGER = {
  quarter: sql`date_trunc('quarter', f.month::timestamp)::date`,
  decade: sql`(f.year / 10 * 10)`,
  all: sql`0`,
}

/** The measures as they are kept. */
const asKept = (scope: Scope, params: CellParams) => {
  // `rating_count` is null where a load has no ratings at all, which the rollup does not know; shares are kept as they are, and show rounded.
  const computed = ['rating_count', ...(isSplit(params) ? FILM_COUNTS : [])]
  return measures(scope, params).map((measure) => {
    const name = measure.alias as string
    return computed.includes(name) ? measure : sql.ref(`cell.${name}`).as(name)
  })
}
