import type { FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { ByteCache } from './cache.ts'
import { NEGOTIATED, varyBy } from './encoding.ts'
import type { Snapshot, Snapshots } from './snapshots.ts'

/**
 * Requests that come again to the letter, as a dashboard's do all day. What they mean has been found out before, so as long as the
 * load is the published one and its bytes are kept, they are answered with these: no validation, no SQL, no serialization.
 */
export class Again {
  readonly #snapshots: Snapshots
  readonly #cache: ByteCache
  readonly #known = new LRUCache<string, Known>({ max: REQUESTS })

  constructor(snapshots: Snapshots, cache: ByteCache) {
    this.#snapshots = snapshots
    this.#cache = cache
    snapshots.on('moved', () => this.#known.clear())
  }

  /** Keeps what was found out, if the answer is of the published load. */
  remember(request: FastifyRequest, snapshot: Snapshot, subject: string, told: Told): void {
    const current = this.#snapshots.heard(subject)
    if (request.method !== 'GET' || request.url.length > LONGEST || !current || !isSame(snapshot, current)) return
    this.#known.set(keyOf(request), { ...told, snapshot, subject })
  }

  /** @returns the reply, sent; undefined when it must be found out (again) */
  answer(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    if (request.method !== 'GET') return undefined
    const known = this.#known.get(keyOf(request))
    const current = known && this.#snapshots.heard(known.subject)
    if (!current || !isSame(known.snapshot, current)) return undefined
    const asked = request.headers['if-none-match']
    // A list of tags, or `*`, is for whoever reads it properly.
    if (asked !== undefined && asked !== known.etag) return undefined
    const kept = this.#cache.get(known.key)
    if (!kept) return undefined
    reply.headers(known.headers)
    varyBy(reply, NEGOTIATED)
    if (asked !== undefined) {
      for (const header of OF_THE_BODY) reply.removeHeader(header)
      return reply.code(304).send()
    }
    return reply.header('server-timing', 'cache;desc=hit').send(kept.body)
  }
}

/** What was found out of a request. */
export interface Told {
  etag: string
  /** Headers of the answer, but for those that depend on more than the request's own words. */
  headers: Record<string, string>
  /** Where the cache has its bytes. */
  key: string
}

interface Known extends Told {
  snapshot: Snapshot
  subject: string
}

/** How many are remembered, and how long a URL may be: of others there is seldom a second. */
const REQUESTS = 10_000
const LONGEST = 1000

/** Headers that are said of a body. */
const OF_THE_BODY = ['content-type', 'content-disposition', 'content-encoding', 'link']

const keyOf = ({ url, headers }: FastifyRequest) =>
  `${url}\n${headers.accept ?? ''}\n${headers['accept-encoding'] ?? ''}`

/** The number alone would name another load in a warehouse that was made anew. */
const isSame = (one: Snapshot, other: Snapshot) => one.id === other.id && one.published_at === other.published_at
