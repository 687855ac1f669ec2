import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { jsonObject, jsonOf } from '../../json-text.ts'
import type { Rows, Scope } from '../../report.ts'
import type { PriceParams } from './film-params.ts'
import type { MoviesDb } from './tables.ts'

/**
 * Money in the prices of one year: a film's amount times the mean of that year's twelve index values, over the value of the
 * month in which it was released. What the index does not tell is not guessed: the amount is unknown then.
 */

const DEFAULT_SERIES = 'CPIAUCSL'

export const isReal = ({ prices }: PriceParams) => prices === 'real'

const seriesOf = ({ price_index }: PriceParams) => price_index ?? DEFAULT_SERIES

/** Years of the series with a value for each month. */
const wholeYears = (scope: Scope, params: PriceParams) => sql`
  select extract(year from month)::integer as year, sum(value) as sum
  from movies.price_index
  where load_id = ${scope.load} and series = ${seriesOf(params)} and value is not null
  group by 1 having count(*) = 12`

/** The year whose prices are used, and the sum of its values. */
const base = (scope: Scope, params: PriceParams) => sql`
  select year, sum from (${wholeYears(scope, params)}) as whole
  where ${params.base_year === undefined ? sql`true` : sql`year = ${params.base_year}`}
  order by year desc limit 1`

/** The index of each month, as rows to be joined to films. */
export const indexByMonth = (scope: Scope, params: PriceParams): RawBuilder<unknown> => sql`
  (select month, value, (select sum from (${base(scope, params)}) as base) as base_sum
   from movies.price_index where load_id = ${scope.load} and series = ${seriesOf(params)})`

/** A film's month, where the source tells more of its date than the year. */
export const releaseMonth = sql<string>`
  case when f.release_precision = 'day' then date_trunc('month', f.release_date::timestamp)::date end`

/** What `amountOf` needs beside films `f`: a join for real prices, nothing for nominal ones. */
export const joinPrices = (scope: Scope, params: PriceParams): RawBuilder<unknown> =>
  isReal(params) ? sql`left join ${indexByMonth(scope, params)} as price on price.month = ${releaseMonth}` : sql``

/** Budget or revenue of film `f`, in the prices that are asked for. Forty decimals make the quotient exact enough to be rounded once. */
export const amountOf = (name: 'budget' | 'revenue', params: PriceParams): RawBuilder<number | null> =>
  isReal(params)
    ? sql`round(round(${sql.ref(`f.${name}`)} * price.base_sum, 40) / (12 * price.value), 2)`
    : sql`${sql.ref(`f.${name}`)}`

/** Whether any of these amounts of film `f` is known in the dollars of its time, and not in real ones: the index does not tell its month. */
export const isUnpriced = (params: PriceParams, money: ('budget' | 'revenue')[] = ['budget', 'revenue']) =>
  sql<boolean>`(${sql.join(
    money.map((name) => sql`(${sql.ref(`f.${name}`)} is not null and ${amountOf(name, params)} is null)`),
    sql` or `,
  )})`

/** Shape of what `priceMeta` adds to `meta`. */
export const priceShape = {
  prices: z
    .strictObject({
      price_index: z.string(),
      base_year: z.int(),
      from: z.string().describe('First month with a value'),
      to: z.string().describe('Last month with a value'),
      gaps: z.int().describe('Months between these without a value'),
      load: z.int().describe('The load that read it'),
      file: z.string().nullable().describe('The file that it was read from'),
      sha256: z.string().nullable().describe('Digest of that file, in hexadecimal'),
    })
    .optional()
    .describe('With `prices=real`: the index, its vintage, and the year of the prices'),
}

/** What the ledger has of the file that a series was read from: its header names the series. */
const ofFile = (column: 'name' | 'sha256', params: PriceParams) => sql`
  (select ${sql.ref(column)} from reelhouse.load_file file
   where file.load_id = p.source_load_id and family = 'price_index' and columns @> array[${seriesOf(params)}]::text[]
   order by name, file_no limit 1)`

/** Months from the first value to the last that have none. */
const gaps = sql`(
  (extract(year from max(p.month)) - extract(year from min(p.month))) * 12
  + extract(month from max(p.month)) - extract(month from min(p.month)) + 1 - count(*))::integer`

/** Which index, of which vintage. */
export const priceMeta = (db: MoviesDb, scope: Scope, params: PriceParams): Rows<Record<string, unknown>>[] =>
  isReal(params)
    ? [
        db
          .selectFrom('movies.price_index as p')
          .where('p.load_id', '=', scope.load)
          .where('p.series', '=', seriesOf(params))
          .where('p.value', 'is not', null)
          .groupBy('p.source_load_id')
          .select(
            sql`(${jsonObject([
              ['price_index', jsonOf(sql`${seriesOf(params)}::text`)],
              ['base_year', jsonOf(sql`(select year from (${base(scope, params)}) as base)`)],
              ['from', jsonOf(sql`to_char(min(p.month), 'YYYY-MM')`)],
              ['to', jsonOf(sql`to_char(max(p.month), 'YYYY-MM')`)],
              ['gaps', jsonOf(gaps)],
              ['load', jsonOf(sql`p.source_load_id`)],
              ['file', jsonOf(ofFile('name', params))],
              ['sha256', jsonOf(ofFile('sha256', params))],
            ])})::json`.as('prices'),
          ) as unknown as Rows<Record<string, unknown>>,
      ]
    : []

/**
 * Why prices cannot be made real: no such series, or no whole year to take as the base. The load is named, as a comparison has two.
 */
export function priceRefusal(
  db: MoviesDb,
  scope: Scope,
  params: PriceParams,
): Rows<{ parameter: string; detail: string }> | undefined {
  if (!isReal(params)) return undefined
  const series = seriesOf(params)
  const ofSeries = sql`movies.price_index where load_id = ${scope.load} and series = ${series}`
  const found = sql<{ parameter: string; detail: string }>`(
    select case when not loaded then 'price_index' when years is null or wanted then 'base_year' end as parameter,
           case when not loaded then format('names %s, which load %s does not have; %s', ${series}::text, ${scope.load}::text,
                                            coalesce('it has ' || others, 'it has no price index at all: load one'))
                when years is null then format('is not to be had: %s has no whole year in load %s', ${series}::text, ${scope.load}::text)
                when wanted then format('takes a year that %s has whole in load %s: %s', ${series}::text, ${scope.load}::text, years) end as detail
    from (select exists (select from ${ofSeries}) as loaded,
                 (select string_agg(distinct series, ', ') from movies.price_index where load_id = ${scope.load}) as others,
                 (select string_agg(case when first = last then first::text else first || ' to ' || last end, ', ' order by first)
                  from (select min(year) as first, max(year) as last
                        from (select year, year - row_number() over (order by year) as run
                              from (${wholeYears(scope, params)}) as whole) as years group by run) as runs) as years,
                 ${params.base_year ?? null}::integer is not null
                 and not exists (select from (${wholeYears(scope, params)}) as whole
                                 where year = ${params.base_year ?? null}::integer) as wanted) as known)`
  return db
    .selectFrom(found.as('refusal'))
    .where('refusal.parameter', 'is not', null)
    .select(['refusal.parameter', 'refusal.detail'])
}
