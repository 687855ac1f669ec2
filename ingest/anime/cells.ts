import { decodeHTMLStrict } from 'entities'
import { z } from 'zod'
import { count, decimal, names, requiredText, shown, text } from '../cells.ts'

/** Cells that both shapes of titles have, and those of lists. */

/** What four bytes hold: there are a hundred million ratings. */
export const INT4_MAX = 2 ** 31 - 1

/** The site's names were taken from its pages as they stand there: `Gintama&#039;`. */
const decoded = (value: string) => decodeHTMLStrict(value).trim()

export const plainText = text.transform((value) => (value === null ? null : decoded(value) || null))

export const requiredName = requiredText.transform((value, context): string => {
  const name = decoded(value)
  if (name !== '') return name
  context.addIssue({ code: 'custom', message: `${shown(value)} is blank`, params: { code: 'missing' } })
  return z.NEVER
})

const UNKNOWN = 'Unknown'

/** Names in one cell, split by commas. */
export const plainNames = names((cell) =>
  cell
    .split(',')
    .map(decoded)
    .filter((name) => name !== UNKNOWN),
)

const unlessZero = (value: string | null) => (value === null || Number(value) === 0 ? null : value)

/** A count that cannot be 0: there it means that nobody knows. */
export const positiveCount = count.transform(unlessZero)

export const siteScore = decimal({ min: 0, max: 10 }).transform(unlessZero)

/** A record in which cells that say `Unknown` are blank, but for what a title is called. */
export const knownCells = (name: string) =>
  z
    .record(z.string(), z.unknown())
    .transform((cells) =>
      Object.fromEntries(
        Object.entries(cells).map(([column, cell]) => [column, column !== name && isUnknown(cell) ? null : cell]),
      ),
    )

const isUnknown = (cell: unknown) => typeof cell === 'string' && cell.trim() === UNKNOWN
