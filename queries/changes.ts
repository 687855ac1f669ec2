import { type RawBuilder, sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { z } from 'zod'
import { instantText, type JsonEntry, jsonObject, jsonOf, sparseList, sparseObject } from './json-text.ts'
import { ordered, type Page, PageError, type Shaped, type SortKey, shownFields, sortKeys } from './page.ts'
import { column, factsOf, type Report, type Rows, type Scope } from './report.ts'

/**
 * The rows of a report that differ between two loads. Both loads' rows are the report's own query, joined by its key; a row
 * is in the answer when a column that counts differs, and rows that are in one load only are `added` or `removed`.
 */
export interface Comparison {
  report: Report
  before: Scope
  after: Scope
  params: Record<string, unknown>
  columns: ComparedColumns
}

/** What of a report's columns is what to the comparison, each in the report's order. */
export interface ComparedColumns {
  /** What says which row it is: key, aliases and names. */
  heads: string[]
  /** Of these, those that may be another one in each load. */
  names: string[]
  /** All others that show, before and after. */
  shown: string[]
  /** Those that make a row a changed one when they differ. */
  counted: string[]
  /** Those of which the difference is told, as it is the sum of the effects. */
  additive: string[]
  /** Whether all count, and so also what no column shows. */
  all: boolean
}

/**
 * @param fields columns that count, in the notation of `fields`; all by default
 * @throws PageError when a column is not there, or none of them can change
 */
export function comparedColumns(
  report: Report,
  params: Record<string, unknown>,
  fields: string | undefined,
): ComparedColumns {
  const { names = [], aliases = [], provenance = [] } = report.compared ?? {}
  const additive = report.compared?.additive(params) ?? []
  const chosen = shownFields(report, fields)
  const fixed = [...report.key, ...aliases]
  const heads = Object.keys(report.row.shape).filter((name) => fixed.includes(name) || names.includes(name))
  const shown = chosen.filter((name) => !heads.includes(name))
  const counted = chosen.filter((name) => !fixed.includes(name) && !provenance.includes(name))
  if (counted.length === 0)
    throw new PageError('fields', 'names nothing that can change; what says which row it is always shows')
  return {
    heads,
    names: heads.filter((name) => counted.includes(name)),
    shown,
    counted,
    additive: shown.filter((name) => additive.includes(name)),
    all: fields === undefined,
  }
}

/**
 * Reads `-revenue,company`: a column that says which row it is sorts by itself, a measure by the size of its difference.
 * @throws PageError naming the column that is not there, or has no size
 */
export function changesSort(report: Report, { heads }: ComparedColumns, text: string | undefined): SortKey[] {
  return sortKeys(report, text ?? report.key.join()).map(({ column: name, descending }) => {
    if (heads.includes(name)) return { column: name, descending }
    if (!isMeasure(report, name)) throw new PageError('sort', `names ${name}, whose change has no size to sort by`)
    return { column: sizeOf(name), descending }
  })
}

/** A number that has a unit: ids have none. */
const isMeasure = (report: Report, name: string) => {
  const { sql: type, unit } = factsOf(report.row.shape[name])
  return unit !== undefined && ['bigint', 'integer', 'numeric'].includes(type)
}

const beforeOf = (name: string) => `${name}_before`
const afterOf = (name: string) => `${name}_after`
const differenceOf = (name: string) => `${name}_difference`
const sizeOf = (name: string) => `${name}_size`

/** The flat rows as a report of their own, so that the order, pages and notation of any report are theirs too. */
export function flatReport({ report, columns }: Pick<Comparison, 'report' | 'columns'>): Report {
  const shape: Record<string, z.ZodType> = {}
  for (const name of columns.heads) {
    shape[name] = report.row.shape[name]
    if (columns.names.includes(name)) shape[beforeOf(name)] = column.optionalText('The name before')
  }
  shape.change = column.text('added, removed or changed')
  for (const name of columns.shown) {
    const { description, sql: type, unit } = factsOf(report.row.shape[name])
    shape[beforeOf(name)] = report.row.shape[name].meta({ description: `${description}, before`, sql: type, unit })
    shape[afterOf(name)] = report.row.shape[name].meta({ description: `${description}, after`, sql: type, unit })
    if (columns.additive.includes(name)) shape[differenceOf(name)] = column.number(`${description}: difference`, unit)
  }
  // Sorted by, never shown.
  for (const name of Object.keys(report.row.shape))
    if (!columns.heads.includes(name) && isMeasure(report, name)) shape[sizeOf(name)] = column.number('Size', 'size')
  return { ...report, row: z.strictObject(shape) }
}

/** Columns of the flat rows that show. */
export const flatFields = ({ heads, names, shown, additive }: ComparedColumns): string[] => [
  ...heads.flatMap((name) => (names.includes(name) ? [name, beforeOf(name)] : [name])),
  'change',
  ...shown.flatMap((name) => [beforeOf(name), afterOf(name), ...(additive.includes(name) ? [differenceOf(name)] : [])]),
]

// biome-ignore lint/suspicious/noExplicitAny: the rows of any report
type AnyDb = ReadonlyKysely<any>

/** All flat rows, for `writtenRows`. */
export const flatRows = (db: AnyDb, comparison: Comparison, page: Page): Rows<unknown> =>
  db
    .selectFrom(sql<Record<string, unknown>>`(${flat(db, comparison, page.sort)})`.as('changed'))
    .selectAll() as unknown as Rows<unknown>

/** One row of a page: its JSON text without what explains it, and the values that a cursor and its explanation need. */
export interface ChangedRow {
  json: string
  sort_values: (string | null)[]
  key_values: string[]
  added: number
  removed: number
  changed: number
}

/** A page of rows, each with how many rows there are in all; a single one without `json` when the page is empty. */
export function changedRows(
  db: AnyDb,
  comparison: Comparison,
  page: Page,
): Rows<Omit<ChangedRow, 'json'> & { json: string | null }> {
  const { report } = comparison
  const values = (names: string[]) => sql`array[${sql.join(names.map((name) => sql`${sql.ref(`row.${name}`)}::text`))}]`
  const cut = ordered(db.selectFrom('changed as row') as unknown as Shaped, flatReport(comparison), page).select([
    rowJson(comparison).as('json'),
    values(page.sort.map(({ column }) => column)).as('sort_values'),
    values(report.key).as('key_values'),
  ])
  const count = (change: string) => sql`count(*) filter (where change = ${change}) as ${sql.ref(change)}`
  const found = sql<Record<string, unknown>>`(
    with changed as materialized (${flat(db, comparison, page.sort)})
    select counts.*, page.*
    from (select ${sql.join(['added', 'removed', 'changed'].map(count))} from changed) as counts
    left join (select cut.*, row_number() over () as row_no from (${cut}) as cut) as page on true)`
  return db
    .selectFrom(found.as('found'))
    .select(['added', 'removed', 'changed', 'json', 'sort_values', 'key_values'])
    .orderBy('row_no') as unknown as ReturnType<typeof changedRows>
}

/**
 * Every changed row: heads, what became of it, and each measure before and after.
 * @param sort measures among its keys are computed although they may not show
 */
function flat(db: AnyDb, comparison: Comparison, sort: SortKey[]): RawBuilder<Record<string, unknown>> {
  const { report, columns } = comparison
  const { heads, names, shown, counted, additive } = columns
  const [a, b] = [(name: string) => sql.ref(`a.${name}`), (name: string) => sql.ref(`b.${name}`)]
  const first = report.key[0] as string
  const difference = (name: string) => sql`trim_scale(coalesce(${b(name)}, 0)::numeric - coalesce(${a(name)}, 0))`
  const sized = Object.keys(report.row.shape).filter((name) => sort.some((key) => key.column === sizeOf(name)))
  const renamed = names.length > 0 ? sql`${sql.join(names.map(differs), sql` or `)}` : sql`false`
  return sql<Record<string, unknown>>`
    select ${sql.join([
      // A name may be unknown in the load after, and is not that of before then.
      ...heads.map(
        (name) => sql`case when ${b(first)} is null then ${a(name)} else ${b(name)} end as ${sql.ref(name)}`,
      ),
      ...[...names, ...shown].flatMap((name) => [
        sql`${a(name)} as ${sql.ref(beforeOf(name))}`,
        sql`${b(name)} as ${sql.ref(afterOf(name))}`,
      ]),
      ...additive.map((name) => sql`${difference(name)} as ${sql.ref(differenceOf(name))}`),
      ...sized.map((name) => sql`abs(${difference(name)}) as ${sql.ref(sizeOf(name))}`),
    ])},
           ${a(first)} is not null and ${b(first)} is not null and (${renamed}) as renamed,
           case when ${a(first)} is null then 'added' when ${b(first)} is null then 'removed' else 'changed' end as change
    from ${bothSides(db, comparison)}
    where ${sql.join([...counted.map(differs), ...relinked(comparison)], sql` or `)}`
}

/** Whether a thing that is its own row is linked to others than before. */
function relinked({ report, before, after, columns }: Comparison): RawBuilder<boolean>[] {
  const { itself } = report.compared ?? {}
  if (!itself || !columns.all) return []
  const id = sql.ref(`b.${itself.of}_id`)
  return [sql<boolean>`${id} in (${itself.relinked(before, after)})`]
}

const differs = (name: string) => sql`${sql.ref(`a.${name}`)} is distinct from ${sql.ref(`b.${name}`)}`

/**
 * The report's rows of the load before as `a` and of the load after as `b`. A parameter that chooses rows, as `min_releases`
 * does, must not make a row appear that was there before and only crossed the bound: its films would not explain it. So
 * such rows are taken by their key, if either load shows them, and compared as they are.
 */
function bothSides(db: AnyDb, comparison: Comparison): RawBuilder<unknown> {
  const { report, before, after } = comparison
  const rows = (scope: Scope) => sql`(${everyRow(db, comparison, scope)})`
  const chosen = chosenRows(db, comparison)
  if (!chosen) return sql`${rows(before)} as a full join ${rows(after)} as b on ${sameKey(report, 'a', 'b')}`
  return sql`(${chosen}) as chosen
    left join ${rows(before)} as a on ${sameKey(report, 'a', 'chosen')}
    left join ${rows(after)} as b on ${sameKey(report, 'b', 'chosen')}`
}

/** The rows of a load, also those that do not show. */
const everyRow = (db: AnyDb, comparison: Comparison, scope: Scope): Rows<unknown> =>
  comparison.report.compared?.rows?.(db, scope, comparison.params) ??
  comparison.report.query(db, scope, thingParams(comparison))

/** Keys of the rows that either load shows; undefined when nothing chooses among them. */
export function chosenRows(
  db: AnyDb,
  { report, before, after, params }: Comparison,
): RawBuilder<Record<string, unknown>> | undefined {
  const { choosesRows = [], rows } = report.compared ?? {}
  if (!rows && !choosesRows.some((name) => params[name] !== undefined)) return undefined
  const keys = sql.join(report.key.map((name) => sql.ref(name)))
  const of = (scope: Scope) => sql`select ${keys} from (${report.query(db, scope, params)}) as shown`
  return sql`${of(before)} union ${of(after)}`
}

/** The parameters but for those that choose rows: what is in a row depends on these. */
export function thingParams({ report, params }: Comparison): Record<string, unknown> {
  const choosing = report.compared?.choosesRows ?? []
  return Object.fromEntries(Object.entries(params).filter(([name]) => !choosing.includes(name)))
}

export const sameKey = (report: Report, one: string, other: string): RawBuilder<boolean> =>
  sql<boolean>`${sql.join(
    report.key.map((name) => sql`${sql.ref(`${one}.${name}`)} = ${sql.ref(`${other}.${name}`)}`),
    sql` and `,
  )}`

function rowJson({ report, columns: { heads, names, shown, additive } }: Comparison): RawBuilder<string> {
  const ref = (name: string) => sql.ref(`row.${name}`)
  const typeOf = (name: string) => factsOf(report.row.shape[name]).sql
  const entries = (some: string[], of = (name: string) => name) =>
    some.map(
      (name): JsonEntry => [name, jsonOf(typeOf(name) === 'timestamptz' ? instantText(ref(of(name))) : ref(of(name)))],
    )
  const side = (of: (name: string) => string, absent: string) => sql`
    case when row.change = ${sql.lit(absent)} then 'null'
         when row.renamed then ${jsonObject(entries([...names, ...shown], of))}
         else ${jsonObject(entries(shown, of))} end`
  const differences = additive.map((name): JsonEntry => [name, sql`nullif(${ref(differenceOf(name))}, 0)`])
  const { elsewhere } = report.compared?.parts ?? {}
  const moved = shown
    .filter((name) => elsewhere?.includes(name))
    .map(
      (name) => sql`
        case when ${ref(beforeOf(name))} is distinct from ${ref(afterOf(name))} then ${jsonOf(sql`${name}::text`)} end`,
    )
  return jsonObject([
    ...entries(heads),
    ['change', jsonOf(sql`row.change`)],
    ['before', side(beforeOf, 'added')],
    ['after', side(afterOf, 'removed')],
    ['difference', sparseObject(differences)],
    ...(elsewhere ? [['elsewhere', sparseList(moved)] satisfies JsonEntry] : []),
  ])
}
