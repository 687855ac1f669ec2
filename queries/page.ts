import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { z } from 'zod'
import { instantText } from './json-text.ts'
import { factsOf, type Report, type Rows, type SqlType } from './report.ts'

/**
 * A report's rows, put in order, cut to a page and written down by PostgreSQL itself: JSON, or text for CSV. Pages are cut by
 * the values where the page before ended and not by counting rows, so none is skipped or shown twice.
 */
export interface Page {
  sort: SortKey[]
  fields: string[]
  /** Rows wanted; null: all. */
  limit: number | null
  /** Values of the sort keys of the last row before this page, as text. */
  after: (string | null)[] | null
}

export interface SortKey {
  column: string
  descending: boolean
}

/** A sort or field that the report does not have. */
export class PageError extends Error {
  readonly parameter: string
  constructor(parameter: string, message: string) {
    super(message)
    this.parameter = parameter
  }
}

/**
 * Reads `-revenue,company` into keys that order rows totally: the report's own key follows what was asked for.
 * @throws PageError naming the column that is not there
 */
export function sortKeys(report: Report, text: string): SortKey[] {
  const asked = text.split(',').map((part) => ({ column: part.replace(/^-/, ''), descending: part.startsWith('-') }))
  for (const { column } of asked) {
    assertColumn(report, 'sort', column)
    if (!SORTABLE.has(typeOf(report, column)))
      throw new PageError('sort', `names ${column}, a list, which cannot be sorted by`)
  }
  const rest = report.key.filter((column) => !asked.some((key) => key.column === column))
  const keys = [...asked, ...rest.map((column) => ({ column, descending: false }))]
  return keys.filter((key, index) => keys.findIndex(({ column }) => column === key.column) === index)
}

/** Columns to show, in the report's order. @throws PageError naming the column that is not there */
export function shownFields(report: Report, text: string | undefined): string[] {
  const all = Object.keys(report.row.shape)
  if (text === undefined) return all
  const wanted = text.split(',')
  for (const column of wanted) assertColumn(report, 'fields', column)
  return all.filter((column) => wanted.includes(column))
}

const isDate = z.iso.date()
const isInstant = z.iso.datetime({ offset: true })

/** Types that can be sorted by, and which text PostgreSQL casts to each. */
export const SORTABLE = new Map<SqlType, (text: string) => boolean>([
  ['bigint', (text) => isInteger(text, 64)],
  ['integer', (text) => isInteger(text, 32)],
  ['numeric', (text) => /^-?\d{1,200}(\.\d{1,200})?$/.test(text)],
  ['text', (text) => !text.includes('\0')],
  ['date', (text) => isDate.safeParse(text).success],
  // As PostgreSQL writes it: `2018-11-02 01:25:34.796+00`.
  ['timestamptz', (text) => isInstant.safeParse(text.replace(' ', 'T').replace(/\+00$/, 'Z')).success],
  ['boolean', (text) => text === 'true' || text === 'false'],
])

const isInteger = (text: string, bits: number) =>
  /^-?\d{1,19}$/.test(text) && BigInt.asIntN(bits, BigInt(text)) === BigInt(text)

/** Whether the values could have come from the sort keys of a row, so that PostgreSQL can compare by them. */
export const areSortValues = (report: Report, sort: SortKey[], values: (string | null)[]): boolean =>
  values.length === sort.length &&
  sort.every(({ column }, index) => {
    const value = values[index]
    return value === null || SORTABLE.get(typeOf(report, column))?.(value as string) === true
  })

function assertColumn(report: Report, parameter: string, column: string): void {
  if (!Object.hasOwn(report.row.shape, column))
    throw new PageError(
      parameter,
      `names ${column}, which is no column; there is ${Object.keys(report.row.shape).join(', ')}`,
    )
}

const typeOf = (report: Report, column: string): SqlType =>
  factsOf((report.row.shape as z.ZodRawShape)[column] as z.ZodType).sql

// biome-ignore lint/suspicious/noExplicitAny: the rows of any report
type AnyDb = ReadonlyKysely<any>
/** Rows of a report as `row`. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Shaped = SelectQueryBuilder<any, 'row', unknown>

/**
 * Whether a load still has its rows, to be asked after the queries that read them: it is marked before the first of its tables
 * goes, so what was read before an answer of `true` was read whole, whatever the caller believed of the load. (As a condition within
 * the queries themselves it would not do: of a table whose partition is gone, PostgreSQL knows without looking that it is empty.)
 */
export const keptLoads = (db: AnyDb, loadIds: number[]): Rows<{ kept: boolean }> =>
  db
    .selectFrom('reelhouse.load')
    .where('load_id', 'in', loadIds)
    .select(sql<boolean>`bool_and(state <> 'dropped')`.as('kept'))

/**
 * How PostgreSQL writes a row as one text: an object of JSON, a line of CSV without its end, or a JSON array of the texts of its cells, in which
 * lists are JSON. A program that gets the cells one by one takes over three times as long as one that hands such a text on (README, How fast).
 */
export type Line = 'json' | 'csv' | 'cells'

function written(report: Report, fields: string[], line: Line): RawBuilder<string> {
  if (line === 'csv') return csvCells(report, fields)
  if (line === 'cells')
    return sql`array_to_json(array[${sql.join(fields.map((name) => textOf(report, name, 'json')))}])::text`
  const columns = fields.map((name) => shownAs(report, name))
  return sql`row_to_json((select line from (select ${sql.join(columns)}) as line))::text`
}

/**
 * Numbers side by side are written as PostgreSQL writes a row, `(1,,2.5)`, without its parentheses: of numbers it quotes none and leaves out what
 * is null, as CSV does, in two thirds of the time that it takes one by one.
 */
function csvCells(report: Report, fields: string[]): RawBuilder<string> {
  const parts: { numbers: boolean; names: string[] }[] = []
  for (const name of fields) {
    const numbers = ['bigint', 'integer', 'numeric'].includes(typeOf(report, name))
    const last = parts.at(-1)
    if (numbers && last?.numbers) last.names.push(name)
    else parts.push({ numbers, names: [name] })
  }
  const texts = parts.map(({ numbers, names }) =>
    numbers
      ? sql`btrim(row(${sql.join(names.map((name) => sql.ref(`row.${name}`)))})::text, '()')`
      : csvCell(report, names[0] as string),
  )
  return sql`array_to_string(array[${sql.join(texts)}], ',', '')`
}

/** RFC 4180: quotes only where they are needed; unknown is empty, so an empty text is quoted to differ from it. */
function csvCell(report: Report, column: string): RawBuilder<string | null> {
  const text = textOf(report, column, 'joined')
  if (!['text', 'text[]'].includes(typeOf(report, column))) return text
  return sql`case when ${text} = '' or ${text} ~ ${sql.lit('[",\r\n]')} then '"' || replace(${text}, '"', '""') || '"' else ${text} end`
}

/** The page's rows, each as one text. */
export const writtenRows = (
  db: AnyDb,
  report: Report,
  rows: Rows<unknown>,
  page: Page,
  line: Line,
): Rows<{ line: string }> => shaped(db, report, rows, page).select(written(report, page.fields, line).as('line'))

/** The page as texts, one a column, lists as JSON. */
export const textRows = (db: AnyDb, report: Report, rows: Rows<unknown>, page: Page): Rows<TextRow> =>
  shaped(db, report, rows, page).select(
    page.fields.map((column) => textOf(report, column, 'json').as(column)),
  ) as unknown as Rows<TextRow>

/** How a list is written as a text; joined by `|`, it cannot be taken apart again where an element has one. */
type Lists = 'joined' | 'json'

/** A row's cells as texts, by column. */
export type TextRow = Record<string, string | null>

const textOf = (report: Report, column: string, lists: Lists): RawBuilder<string | null> => {
  const value = sql.ref(`row.${column}`)
  if (typeOf(report, column) === 'timestamptz') return instantText(value)
  if (typeOf(report, column) !== 'text[]') return sql`${value}::text`
  return lists === 'json' ? sql`to_json(${value})::text` : sql`array_to_string(${value}, '|')`
}

/** A column of a row, under its name, as JSON shows it. */
const shownAs = (report: Report, column: string) => {
  const value = sql.ref(`row.${column}`)
  return typeOf(report, column) === 'timestamptz' ? sql`${instantText(value)} as ${sql.ref(column)}` : value
}

/** How many rows all pages have together. */
export const rowCount = (db: AnyDb, rows: Rows<unknown>): Rows<{ total: number }> =>
  db.selectFrom(rows.as('row')).select((eb) => eb.fn.countAll<number>().as('total'))

/** Everything that an answer of one page tells, read by one statement and so at one moment. */
export interface ReadPage {
  /** Whether the load still has its rows; if not, the rest is not to be relied on. */
  kept: boolean
  /** Rows of this page. */
  rows: number
  /** Whether there are rows after it. */
  more: boolean
  /** Its rows, each written by `line`, joined by `separator`; null without any. */
  lines: string | null
  /** Values of the sort keys of its last row, as text. */
  last: (string | null)[] | null
  /** Rows of all pages, where they are counted. */
  total: number | null
  /** What `meta` tells: the text of a JSON object each, null where there is nothing. */
  members: (string | null)[]
}

export interface PageQuestion {
  report: Report
  loadId: number
  rows: Rows<unknown>
  /** Columns of the key by which rows can be picked before they are computed; absent where that would save nothing. */
  pickedBy?: string[] | undefined
  page: Page & { limit: number }
  line: Line
  separator: string
  count: boolean
  /** Queries of what `meta` tells; they may read the rows that show from `page`, their key and sort columns at least. */
  meta: Rows<unknown>[]
}

/**
 * One statement for a whole answer: a trip to the database costs more than most of what it asks, and what several statements tell
 * may be of several moments. One row more than shows is fetched, which tells whether there is a page after.
 */
export function pageStatement(db: AnyDb, question: PageQuestion): Rows<ReadPage> {
  const { report, loadId, rows, page, line, separator, count, meta } = question
  const needed = [...new Set([...page.fields, ...page.sort.map(({ column }) => column), ...report.key])]
  const cut = { ...page, limit: page.limit + 1 }
  const found = foundFirst(question) ? sql`found as materialized (${keysOf(db, question, cut)}),` : sql``
  const wanted = foundFirst(question) ? amongFound(db, question) : db.selectFrom(rows.as('row'))
  const fetched = ordered(wanted, report, cut).select(needed.map((name) => sql.ref(`row.${name}`).as(name)))
  const values = page.sort.map(({ column }) => sql`${sql.ref(`row.${column}`)}::text`)
  const members = meta.map((query) => sql`(select row_to_json(told)::text from (${query}) as told)`)
  const statement = sql<ReadPage>`(
    with ${found}
         fetched as materialized (${fetched}),
         numbered as materialized (select *, row_number() over () as position from fetched),
         page as (select * from numbered where position <= ${sql.lit(page.limit)})
    select ${keptLoads(db, [loadId])} as kept,
           (select count(*) from page) as rows,
           (select count(*) from numbered) > ${sql.lit(page.limit)} as more,
           (select string_agg(${written(report, page.fields, line)}, ${separator} order by position) from page as row) as lines,
           (select array[${sql.join(values)}] from page as row order by position desc limit 1) as last,
           ${count ? sql`(${rowCount(db, rows)})` : sql`null::bigint`} as total,
           array[${sql.join(members)}]::text[] as members)`
  return db.selectFrom(statement.as('answer')).selectAll() as unknown as Rows<ReadPage>
}

/**
 * Whether it is first found out which rows show, by what orders them alone, and then only these are computed whole: PostgreSQL leaves out
 * what nobody asks of a subquery, and adding up one measure of all rows takes a fraction of what adding up seventeen does. In the order of
 * the key it computes no more rows than it shows anyway.
 */
const foundFirst = ({ report, page, pickedBy }: PageQuestion): boolean =>
  pickedBy !== undefined && !report.key.includes(page.sort[0]?.column as string)

const keysOf = (db: AnyDb, { report, rows }: PageQuestion, cut: Page) =>
  ordered(db.selectFrom(rows.as('row')), report, cut).select(report.key.map((name) => sql.ref(`row.${name}`).as(name)))

/** The arrays come down into the subquery that adds up, as a join would not; the join picks the very rows. */
function amongFound(db: AnyDb, { report, rows, pickedBy = [] }: PageQuestion): Shaped {
  const keys = (of: string) => sql.join(report.key.map((name) => sql.ref(`${of}.${name}`)))
  const among = pickedBy.map((name) => {
    const values = sql`select ${sql.ref(`found.${name}`)} from found`
    return sql<boolean>`${sql.ref(`row.${name}`)} = any (array(${values}))`
  })
  const these = sql<boolean>`(${keys('row')}) in (select ${keys('found')} from found)`
  return [...among, these].reduce<Shaped>((query, holds) => query.where(holds), db.selectFrom(rows.as('row')))
}

const shaped = (db: AnyDb, report: Report, rows: Rows<unknown>, page: Page): Shaped =>
  ordered(db.selectFrom(rows.as('row')), report, page)

/** A query on rows as `row`, put in order and cut to the page. */
export function ordered(rows: Shaped, report: Report, { sort, limit, after }: Page): Shaped {
  let query = rows
  if (after) query = query.where(beyond(report, sort, after)).where(fromThere(report, sort, after))
  for (const { column, descending } of sort)
    query = query.orderBy(comparable(report, column), (order) => (descending ? order.desc() : order.asc()).nullsLast())
  // As text of the statement: a plan that is kept must know how few rows are wanted.
  return limit === null ? query : query.limit(sql.lit(limit))
}

/** Text goes by code point, whatever the database's language, so that order and cursors agree everywhere. */
function comparable(report: Report, column: string): RawBuilder<unknown> {
  const value = sql.ref(`row.${column}`)
  return typeOf(report, column) === 'text' ? sql`${value} collate "C"` : sql`${value}`
}

/** Rows behind the given values in the order of the keys; a null stands last, so nothing is behind it but later keys. */
function beyond(
  report: Report,
  [first, ...rest]: SortKey[],
  [value, ...values]: (string | null)[],
): RawBuilder<boolean> {
  if (!first) return sql<boolean>`false`
  const column = comparable(report, first.column)
  const deeper = rest.length > 0 ? beyond(report, rest, values) : sql<boolean>`false`
  if (value === null || value === undefined) return sql<boolean>`(${column} is null and ${deeper})`
  const last = sql`cast(${value} as ${sql.raw(typeOf(report, first.column))})`
  const after = first.descending ? sql`${column} < ${last}` : sql`${column} > ${last}`
  return sql<boolean>`(${after} or ${column} is null or (${column} = ${last} and ${deeper}))`
}

/**
 * What `beyond` says of the first column alone, where that is of the key and so never null: of alternatives PostgreSQL makes no range of an index, and a page
 * far behind the first one would read all before it.
 */
function fromThere(report: Report, [first]: SortKey[], [value]: (string | null)[]): RawBuilder<boolean> {
  if (!first || value === null || value === undefined || !report.key.includes(first.column)) return sql<boolean>`true`
  const last = sql`cast(${value} as ${sql.raw(typeOf(report, first.column))})`
  return sql<boolean>`${comparable(report, first.column)} ${sql.raw(first.descending ? '<=' : '>=')} ${last}`
}
