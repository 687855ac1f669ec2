import { type RawBuilder, sql } from 'kysely'

/**
 * A quotient, rounded half up. PostgreSQL divides to about 16 digits, or to as many decimals as the dividend has: too few behind
 * the point of a large quotient, and a value near a half would be rounded twice. With 40 decimals it is exact.
 */
export const quotient = (over: RawBuilder<unknown>, under: RawBuilder<unknown>, decimals: number) =>
  sql<number | null>`trim_scale(round(round(${over}, 40) / ${under}, ${sql.lit(decimals)}))`
