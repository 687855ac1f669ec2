import { type RawBuilder, sql } from 'kysely'

/** JSON written by PostgreSQL as compact text, keys in the order given: its own builders add blanks, or sort the keys. */

/** A name and the JSON text of its value. */
export type JsonEntry = [name: string, json: RawBuilder<unknown>]

/** A value as JSON text. */
export const jsonOf = (value: RawBuilder<unknown>) => sql<string>`coalesce(to_json(${value})::text, 'null')`

/** An object with all of its entries; each value is JSON text and not null. */
export const jsonObject = (entries: JsonEntry[]) =>
  entries.length === 0
    ? sql<string>`'{}'`
    : sql<string>`${sql.join(
        entries.map(([name, json], index) => sql`${key(index === 0 ? '{' : ',', name)} || ${json}`),
        sql` || `,
      )} || '}'`

/** An object with those of its entries whose JSON text is not null. */
export const sparseObject = (entries: JsonEntry[]) =>
  sql<string>`'{' || array_to_string(array[${sql.join(
    entries.map(([name, json]) => sql`${key('', name)} || ${json}`),
  )}]::text[], ',') || '}'`

/** A list of those elements whose JSON text is not null. */
export const sparseList = (elements: RawBuilder<unknown>[]) =>
  sql<string>`'[' || array_to_string(array[${sql.join(elements)}]::text[], ',') || ']'`

const key = (before: string, name: string) => sql.lit(`${before}${JSON.stringify(name)}:`)

/** An instant as RFC 3339 has it, in UTC and to the millisecond. */
export const instantText = (value: RawBuilder<unknown>): RawBuilder<string | null> =>
  sql<string | null>`to_char(${value} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
