import { sql } from 'kysely'
import { z } from 'zod'
import { names, words } from '../../params.ts'
import type { Report, Rows, Scope } from '../../report.ts'
import { cellRows } from './cell-rows.ts'
import { type Cells, filmFilters } from './cells.ts'
import { comparedByFilms } from './compared.ts'
import { cellReasons, filmsCounted, inCells } from './counted.ts'
import { type DimensionName, dimensionNamed } from './dimensions.ts'
import {
  attributionParams,
  type CellParams,
  contradiction,
  figureParams,
  filmParams,
  grainParams,
} from './film-params.ts'
import { excludedFilms, excludedShape, listsUndated } from './films.ts'
import { lacking, restingOn } from './lacking.ts'
import { lifetimeColumns, measureColumns, measureDecimals } from './measures.ts'
import { partialFrom, partialShape, periodColumns } from './periods.ts'
import { priceMeta, priceRefusal, priceShape } from './prices.ts'
import { reconciliation, reconciliationShape } from './reconciliation.ts'
import { sharedNames, sharedNamesShape } from './shared-names.ts'
import type { MoviesDb } from './tables.ts'

interface Told {
  summary: string
  description: string
  /** Raised when the same load would now give other rows. */
  version: number
  /** Dimensions that it groups by, in the order of its columns. */
  by: DimensionName[]
  example: Record<string, string>
}

/** A report with a row for each period of each member of its dimensions. */
export function cellReport({ summary, description, version, by, example }: Told): Report {
  const cells: Cells = { by, periods: true }
  const key = [...by.flatMap((name) => dimensionNamed(name).ids), 'period']
  return {
    summary,
    description,
    version,
    params: z.strictObject({ ...filmParams, ...ofMembers(by), ...grainParams, ...figureParams }),
    row: z.strictObject({ ...columnsOf(by), ...periodColumns, ...measureColumns }),
    key,
    defaultSort: key.join(),
    example,
    query: (db: MoviesDb, scope, params: CellParams) => rowsOf(db, scope, params, cells),
    metaShape: {
      ...excludedShape,
      ...partialShape,
      ...priceShape,
      ...(isShared(by) ? reconciliationShape : {}),
      ...(by.includes('company') ? sharedNamesShape : {}),
    },
    meta: (db: MoviesDb, scope, params: CellParams) => [
      excludedFilms(db, scope, filmFilters(params, cells), inCells(scope, params, cells)),
      partialFrom(db, scope, params),
      ...priceMeta(db, scope, params),
      ...reconciliation(db, scope, params, cells),
      ...(by.includes('company') ? sharedNames(db, scope) : []),
    ],
    contradiction: (params) => contradiction(params, by.includes('person')),
    refused: priceRefusal,
    lacking: lackingIn(cells),
    counted: countedIn(cells),
    decimals: measureDecimals,
    addedUpFrom: (scope, params: CellParams) => cellRows(scope, params, cells).table,
    pickedBy: pickedIn(cells),
    compared: comparedByFilms({ cells, names: namesOf(by), aliases: ['year', 'partial'] }),
  }
}

/** A report with a row for each member of a dimension, over all its films, dated or not; found by name. */
export function lifetimeReport({ by: [name], ...told }: Omit<Told, 'by'> & { by: [DimensionName] }): Report {
  const cells: Cells = { by: [name], periods: false }
  const [shown] = namesOf([name])
  const key = dimensionNamed(name).ids
  return {
    ...told,
    params: z.strictObject({
      q: words('Part of the name, in any case'),
      ...filmParams,
      ...ofMembers([name]),
      ...figureParams,
    }),
    row: z.strictObject({ ...columnsOf([name]), ...lifetimeColumns, ...measureColumns }),
    key,
    defaultSort: [shown, ...key].join(),
    query: (db: MoviesDb, scope, params: CellParams) => rowsOf(db, scope, params, cells),
    metaShape: {
      ...excludedShape,
      ...priceShape,
      ...reconciliationShape,
      ...(name === 'company' ? sharedNamesShape : {}),
    },
    meta: (db: MoviesDb, scope, params: CellParams) => [
      excludedFilms(db, scope, filmFilters(params, cells), inCells(scope, params, cells), listsUndated(params)),
      ...priceMeta(db, scope, params),
      ...reconciliation(db, scope, params, cells),
      ...(name === 'company' ? sharedNames(db, scope) : []),
    ],
    contradiction: (params) => contradiction(params, name === 'person'),
    refused: priceRefusal,
    lacking: lackingIn(cells),
    counted: countedIn(cells),
    decimals: measureDecimals,
    addedUpFrom: (scope, params: CellParams) => cellRows(scope, params, cells).table,
    pickedBy: pickedIn(cells),
    compared: comparedByFilms({ cells, names: namesOf([name]), lifetime: true }),
  }
}

const countedIn = (cells: Cells) => (db: MoviesDb, scope: Scope, params: CellParams) =>
  filmsCounted(db, scope, params, cellReasons(scope, params, cells))

/** Members; of periods PostgreSQL has only their names, which it would have to tell of all films. */
const pickedIn = (cells: Cells) => (scope: Scope, params: CellParams) =>
  cellRows(scope, params, cells).read ? undefined : cells.by.flatMap((name) => dimensionNamed(name).ids)

const lackingIn =
  ({ by }: Cells) =>
  (db: MoviesDb, scope: Scope, params: CellParams) =>
    lacking(db, scope, restingOn(params, { by }))

/** Whether films may have several members, so that they can be shared out among them. */
const isShared = (by: DimensionName[]) => by.some((name) => dimensionNamed(name).links !== undefined)

const ofMembers = (by: DimensionName[]) => ({
  ...(isShared(by) ? attributionParams : {}),
  ...(by.includes('person')
    ? { job: names('What they did: `Producer`, or `cast` for who played; `Director` by default') }
    : {}),
})

const columnsOf = (by: DimensionName[]): z.ZodRawShape =>
  Object.assign({}, ...by.map((name) => dimensionNamed(name).columns))

/** Columns that show a member's name. */
const namesOf = (by: DimensionName[]) =>
  by.flatMap((name) => {
    const { names } = dimensionNamed(name)
    return names ? [names.column] : []
  })

/** The cells that show, each with its names; of a period also its columns, else those of a lifetime. */
function rowsOf(db: MoviesDb, scope: Scope, params: CellParams, cells: Cells): Rows<never> {
  const { rows: added, heads, measures } = cellRows(scope, params, cells)
  const named = cells.by.flatMap((name) => {
    const { names } = dimensionNamed(name)
    return names ? [{ alias: name, ...names }] : []
  })
  const columns = [
    ...cells.by.flatMap((name) => dimensionNamed(name).ids.map((id) => sql.ref(`cell.${id}`).as(id))),
    ...named.map(({ alias, column }) => sql.ref(`${alias}.name`).as(column)),
    ...heads,
    ...measures,
  ]
  const joins = named.map(({ alias, table, id }) => {
    return sql`join ${sql.table(`movies.${table}`)} as ${sql.ref(alias)}
               on ${sql.ref(`${alias}.load_id`)} = ${scope.load} and ${sql.ref(`${alias}.${id}`)} = ${sql.ref(`cell.${id}`)}`
  })
  const rows = sql<Record<string, unknown>>`(
    select ${sql.join(columns)}
    from (${added}) as cell
    ${joins.length > 0 ? sql.join(joins, sql` `) : sql``})`
  return db.selectFrom(rows.as('cells')).selectAll() as unknown as Rows<never>
}
