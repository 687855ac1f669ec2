import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { column, type Rows, type Scope } from '../../report.ts'
import type { CellParams, Grain } from './film-params.ts'
import type { MoviesDb } from './tables.ts'

/** Periods of a report's rows: how films fall into them, what they are called, and which are not covered whole. */

export const periodColumns = {
  period: column.text('`1995`, `1995-Q4`, `1995-11`, `1990s` or `all`, by `grain`'),
  year: column.year('The calendar year of the release date; null where a period has several'),
  partial: column.yes('Whether the data end within the period, or `from` or `to` cut it'),
}

interface Facts {
  /** What films of one period share, of `f`; a number or a date. */
  bucket: RawBuilder<unknown>
  /** Of a bucket: its name, its calendar year, the day after its end. */
  name(bucket: RawBuilder<unknown>): RawBuilder<string>
  year(bucket: RawBuilder<unknown>): RawBuilder<number | null>
  end(bucket: RawBuilder<unknown>): RawBuilder<string | null>
  /** The bucket that a day falls into. */
  of(day: RawBuilder<unknown>): RawBuilder<unknown>
}

const yearOf = (day: RawBuilder<unknown>) => sql`extract(year from ${day})::integer`
const fourDigits = (year: RawBuilder<unknown>) => sql<string>`lpad((${year})::text, 4, '0')`
const startOf = (unit: 'month' | 'quarter', day: RawBuilder<unknown>) =>
  sql`date_trunc(${sql.lit(unit)}, ${day}::timestamp)::date`
const lasting = (unit: 'month' | 'quarter', length: string): Facts => ({
  bucket: startOf(unit, sql`f.release_date`),
  name: (start) =>
    unit === 'month' ? sql`to_char(${start}::timestamp, 'YYYY-MM')` : sql`to_char(${start}::timestamp, 'YYYY"-Q"Q')`,
  year: (start) => sql`extract(year from ${start})::integer`,
  end: (start) => sql`(${start} + ${sql.lit(length)}::interval)::date`,
  of: (day) => startOf(unit, day),
})

const FACTS: Record<Grain, Facts> = {
  year: {
    bucket: sql`f.release_year`,
    name: fourDigits,
    year: (year) => sql`${year}`,
    end: (year) => sql`make_date(${year} + 1, 1, 1)`,
    of: yearOf,
  },
  quarter: lasting('quarter', '3 months'),
  month: lasting('month', '1 month'),
  decade: {
    bucket: sql`f.release_year / 10 * 10`,
    name: (first) => sql`${fourDigits(first)} || 's'`,
    year: () => sql`null::integer`,
    end: (first) => sql`make_date(${first} + 10, 1, 1)`,
    of: (day) => sql`(${yearOf(day)} / 10 * 10)`,
  },
  all: {
    bucket: sql`0`,
    name: () => sql`'all'`,
    year: () => sql`null::integer`,
    end: () => sql`null::date`,
    of: () => sql`null`,
  },
}

const factsOf = ({ grain }: CellParams) => FACTS[grain ?? 'year']

/** What films of one period share; to be grouped by. */
export const bucketOf = (params: CellParams) => factsOf(params).bucket

/** Whether film `f` falls into a period: it is dated, and by its month where months matter. */
export const isDated = ({ grain }: CellParams) =>
  grain === 'quarter' || grain === 'month'
    ? sql<boolean>`f.release_year is not null and f.release_precision = 'day'`
    : sql<boolean>`f.release_year is not null`

const dataThrough = (scope: Scope) => sql`(select data_through from reelhouse.load where load_id = ${scope.load})`

/** The columns of a period, of rows that have its `bucket`. */
export function periodOf(scope: Scope, params: CellParams, bucket: RawBuilder<unknown>) {
  const { name, year, end } = factsOf(params)
  const cut =
    params.grain === 'decade'
      ? sql`or ${params.from ?? null}::integer > ${bucket} or ${params.to ?? null}::integer < ${bucket} + 9`
      : sql``
  return [
    name(bucket).as('period'),
    year(bucket).as('year'),
    sql<boolean>`coalesce(${end(bucket)} - 1 > ${dataThrough(scope)} ${cut}, false)`.as('partial'),
  ] as const
}

/** Shape of what `partialFrom` adds to `meta`. */
export const partialShape = {
  partial_from: z
    .string()
    .nullable()
    .describe('The first period that ends after `data_through`; changes on earlier periods are not told from here on'),
}

export function partialFrom(db: MoviesDb, scope: Scope, params: CellParams): Rows<Record<string, unknown>> {
  const { name, of } = factsOf(params)
  const first = params.grain === 'all' ? sql<string | null>`null::text` : name(of(sql`(${dataThrough(scope)} + 1)`))
  return db.selectNoFrom(first.as('partial_from')) as unknown as Rows<Record<string, unknown>>
}
