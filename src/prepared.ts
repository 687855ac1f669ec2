import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import pg from 'pg'

/**
 * Statements that are asked for again are prepared, so that PostgreSQL need not plan them each time, which takes longer than
 * running most of them. Their parameters stay parameters: PostgreSQL keeps one plan for all values only where that costs no more.
 */

/** Statements that are remembered. A connection may hold a plan of each, some hundred kilobytes; it is let go after USES. */
const STATEMENTS = 200

/** How often a connection is used before another one takes its place, and with it all that it has prepared. */
export const USES = 20_000

/** Names of those that were asked for; what comes once, as with a list of ids of its own, is not worth keeping. */
const asked = new LRUCache<string, string>({ max: STATEMENTS })

/** @returns the name under which to prepare the statement, from the second time on */
export function preparedName(text: string): string | undefined {
  const name = asked.get(text)
  if (name === undefined) asked.set(text, createHash('sha256').update(text).digest('base64url').slice(0, 32))
  return name
}

/** A client that prepares what it is asked for again. */
export class PreparingClient extends pg.Client {
  // biome-ignore lint/suspicious/noExplicitAny: the package overloads it in eight ways
  override query(...given: any[]): any {
    const [text, values, ...rest] = given
    const name = typeof text === 'string' && Array.isArray(values) ? preparedName(text) : undefined
    // biome-ignore lint/suspicious/noExplicitAny: see above
    const query = super.query as (...args: any[]) => any
    return name === undefined ? query.apply(this, given) : query.call(this, { name, text, values }, ...rest)
  }
}
