import { type RawBuilder, sql } from 'kysely'

/** Names that hold the words anywhere, in any case. */
export const containing = (name: RawBuilder<unknown>, wanted: string) =>
  sql<boolean>`position(lower(${wanted}) in lower(${name})) > 0`
