import { z } from 'zod'
import { badParameter } from './errors.ts'

/** What a client gives back to get the page after: the load, which rows, and the values where the page ended. Opaque to it. */

export function makeCursor(loadId: number, rowsFingerprint: string, values: (string | null)[]): string {
  return Buffer.from(JSON.stringify([loadId, rowsFingerprint.slice(0, 16), values])).toString('base64url')
}

const cursorShape = z.tuple([z.int().min(1).max(999_999_999), z.string(), z.array(z.string().nullable())])

export const NO_CURSOR = () => badParameter('cursor', 'is no cursor; take it from meta.next or the Link header')

/** @throws Problem 400 when it is none, or of other rows */
export function readCursor(cursor: string, rowsFingerprint: string): { loadId: number; after: (string | null)[] } {
  let content: unknown
  try {
    content = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    throw NO_CURSOR()
  }
  const parsed = cursorShape.safeParse(content)
  if (!parsed.success) throw NO_CURSOR()
  const [loadId, of, after] = parsed.data
  if (of !== rowsFingerprint.slice(0, 16))
    throw badParameter(
      'cursor',
      'belongs to a request with other parameters; only limit, fields, count and format may change between pages',
    )
  return { loadId, after }
}
