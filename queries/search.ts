import { type RawBuilder, sql } from 'kysely'

/** Letters that are no letter with an accent, to Unicode, but are typed as one. */
const LIKE: [string, string][] = [
  ['ß', 'ss'],
  ['æ', 'ae'],
  ['œ', 'oe'],
  ['ø', 'o'],
  ['ł', 'l'],
  ['đ', 'd'],
  ['ı', 'i'],
]

/** A text without what people leave out or write differently: case, accents, blanks of any kind. */
const folded = (text: RawBuilder<unknown>) =>
  LIKE.reduce(
    (so, [letter, like]) => sql`replace(${so}, ${sql.lit(letter)}, ${sql.lit(like)})`,
    sql`regexp_replace(lower(normalize(${text}, NFKD)), '[\u0300-\u036f[:space:]]', '', 'g')`,
  )

/** Names that hold the words anywhere, in any case, with accents or without, however they are spaced. */
export const containing = (name: RawBuilder<unknown>, wanted: string) =>
  sql<boolean>`position(${folded(sql`${wanted}::text`)} in ${folded(name)}) > 0`
