import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import pg from 'pg'

/**
 * Statements that are asked for again are prepared, so that PostgreSQL need not plan them each time, which takes longer than
 * running most of them. Their parameters stay parameters: PostgreSQL keeps one plan for all values only where that costs no more.
 */

/** Statements that are remembered. */
const STATEMENTS = 200

/**
 * How many of them a connection may hold: each takes PostgreSQL some 400 KB. With more it is let go and another one takes its place, for as
 * every load's statements are others, it would otherwise gather those of all loads that there have been.
 */
export const HELD = 100

/** Names of those that were asked for; what comes once, as with a list of ids of its own, is not worth keeping. */
const asked = new LRUCache<string, string>({ max: STATEMENTS })

/** @returns the name under which to prepare the statement, from the second time on */
export function preparedName(text: string): string | undefined {
  const name = asked.get(text)
  if (name === undefined) asked.set(text, createHash('sha256').update(text).digest('base64url').slice(0, 32))
  return name
}

type Release = (gone?: Error | boolean) => void

/** A client that prepares what it is asked for again, and is let go by its pool when it holds too much. */
export class PreparingClient extends pg.Client {
  readonly #held = new Set<string>()
  #release: Release = () => {}

  /** The pool gives each use its own. */
  set release(release: Release) {
    this.#release = release
  }

  get release(): Release {
    return (gone) => this.#release(gone || this.#held.size > HELD)
  }

  // biome-ignore lint/suspicious/noExplicitAny: the package overloads it in eight ways
  override query(...given: any[]): any {
    const [text, values, ...rest] = given
    const name = typeof text === 'string' && Array.isArray(values) ? preparedName(text) : undefined
    if (name !== undefined) this.#held.add(name)
    // biome-ignore lint/suspicious/noExplicitAny: see above
    const query = super.query as (...args: any[]) => any
    return name === undefined ? query.apply(this, given) : query.call(this, { name, text, values }, ...rest)
  }
}
