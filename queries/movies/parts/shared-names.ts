import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import type { Rows, Scope } from '../../report.ts'
import { cellRows } from './cell-rows.ts'
import type { MoviesDb } from './tables.ts'

/** Shape of what `sharedNames` adds to `meta`. */
export const sharedNamesShape = {
  shared_names: z
    .array(
      z.strictObject({
        company: z.string(),
        companies: z.array(
          z.strictObject({
            company_id: z.int(),
            first_year: z.int().nullable(),
            last_year: z.int().nullable(),
            films: z.int(),
          }),
        ),
      }),
    )
    .optional()
    .describe('Names in `data` that several companies have: all of these, told apart by their years and films'),
}

/** The same of companies whose ids are known, as text. */
export const sharedNamesOf = (db: MoviesDb, scope: Scope, companies: string[]): Rows<Record<string, unknown>>[] =>
  sharedNames(db, scope, sql`select unnest(${companies}::bigint[])`)

/**
 * Which of the companies that show share their name with others, and with whom.
 * @param shown the ids of companies that show, as a query on `page`
 */
export function sharedNames(
  db: MoviesDb,
  scope: Scope,
  shown: RawBuilder<unknown> = sql`select company_id from page`,
): Rows<Record<string, unknown>>[] {
  const told = sql<Record<string, unknown>>`(
    with asked as (
           select distinct name from movies.company where load_id = ${scope.load} and company_id in (${shown})),
         named as (
           select name, company_id, count(*) over (partition by name) as companies
           from movies.company join asked using (name) where load_id = ${scope.load}),
         told as (
           select named.name, company_id, first_year, last_year, releases as films
           from named join (${cellRows(scope, {}, { by: ['company'], periods: false }).rows}) as life using (company_id)
           where companies > 1)
    select coalesce(json_agg(shared order by name collate "C"), '[]') as shared_names
    from (select name, (select row_to_json(one) from (select name as company, companies) as one) as shared
          from (select name, json_agg((select row_to_json(one) from (select company_id, first_year, last_year, films) as one)
                                      order by company_id) as companies
                from told group by name) as grouped) as every)`
  return [db.selectFrom(told.as('told')).select(['shared_names']) as unknown as Rows<Record<string, unknown>>]
}

/** The same of groups whose key begins with their id, where they are companies. */
export const sharedNamesOfGroups = (
  db: MoviesDb,
  scope: Scope,
  by: string | undefined,
  keys: (string | null)[][],
): Rows<Record<string, unknown>>[] =>
  by === 'company'
    ? sharedNamesOf(
        db,
        scope,
        keys.map(([id]) => id as string),
      )
    : []
