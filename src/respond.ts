import { pipeline, Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Told } from './again.ts'
import type { PageAnswer } from './answer.ts'
import type { Answer, ByteCache } from './cache.ts'
import { type Encoding, encode, encoder, encodingFor, isWorthIt, NEGOTIATED, varyBy } from './encoding.ts'
import type { Format } from './format.ts'
import { whileTaken } from './stalled.ts'
import { Sum } from './sum.ts'

/** What is answered with rows: conditional, kept by what it was read from, as a page or as it comes. */
export interface Answerable {
  /** Names everything that the answer depends on but its encoding. */
  fingerprint: string
  format: Format
  headers: Record<string, string>
  /** Request headers that it depends on beside those of content negotiation. */
  vary?: string[]
  /** Whether only the database knows if there is an answer at all, so that `If-None-Match: *` cannot be told without it. */
  mayBeMissing: boolean
  /** Told how the page was answered, for whoever asks for it again to the letter. */
  remember?: (told: Told) => void
  /** A page, made in memory; or all rows as they come. With a name, as a file. */
  rows:
    | { page: (signal: AbortSignal) => Promise<PageAnswer>; fileName?: string }
    | { all: (sum: Sum, signal: AbortSignal) => AsyncGenerator<string | Uint8Array>; fileName: string }
}

export async function respond(
  request: FastifyRequest,
  reply: FastifyReply,
  answerable: Answerable,
  cache: ByteCache,
): Promise<FastifyReply> {
  const { fingerprint, format, headers, vary = [], mayBeMissing, rows } = answerable
  const encoding = format.binary ? 'identity' : encodingFor(request)
  const etag = `"${fingerprint.slice(0, 27)}-${encoding}"`
  reply.headers({ etag, ...headers })
  varyBy(reply, [...vary, NEGOTIATED].join(', '))
  if (isNotModified(request, etag, mayBeMissing)) return reply.code(304).send()
  const kind = {
    'content-type': format.contentType,
    ...(rows.fileName === undefined ? {} : { 'content-disposition': `attachment; filename="${rows.fileName}"` }),
  }
  reply.headers(kind)
  if ('all' in rows) return stream(request, reply, format, encoding, rows)

  const startedAt = performance.now()
  const key = `${fingerprint} ${encoding}`
  const kept = cache.get(key)
  const answer = kept ?? (await cache.obtain(key, request.signal, (signal) => make(rows.page, encoding, signal)))
  reply.header('server-timing', kept ? 'cache;desc=hit' : `db;dur=${(performance.now() - startedAt).toFixed(1)}`)
  const more = {
    ...(answer.next === null ? {} : { link: linkTo(request, answer.next) }),
    ...(encoding !== 'identity' && answer.encoded ? { 'content-encoding': encoding } : {}),
  }
  answerable.remember?.({ etag, key, headers: { etag, ...headers, ...kind, ...more } })
  return reply.headers(more).send(answer.body)
}

async function make(
  page: (signal: AbortSignal) => Promise<PageAnswer>,
  encoding: Encoding,
  signal: AbortSignal,
): Promise<Answer> {
  const { body: made, next } = await page(signal)
  const body = typeof made === 'string' ? Buffer.from(made) : Buffer.from(made)
  const encoded = encoding !== 'identity' && isWorthIt(body)
  return {
    body: encoded ? await encode(body, encoding) : body,
    encoded,
    next,
  }
}

/** The same request from where this page ended. */
function linkTo(request: FastifyRequest, cursor: string): string {
  const [path, search] = request.url.split('?') as [string, string?]
  const query = new URLSearchParams(search)
  query.set('cursor', cursor)
  return `<${path}?${query}>; rel="next"`
}

/** The whole result. What breaks it off destroys the connection, so that a part never passes for the whole. */
function stream(
  request: FastifyRequest,
  reply: FastifyReply,
  format: Format,
  encoding: Encoding,
  { all }: Extract<Answerable['rows'], { all: unknown }>,
): FastifyReply {
  if (encoding !== 'identity') reply.header('content-encoding', encoding)
  const sum = new Sum()
  const trailers = format.whole?.trailers && request.raw.httpVersion !== '1.0'
  // The framework would announce them without commas.
  if (trailers) reply.headers({ trailer: 'Row-Count, Body-Digest', 'transfer-encoding': 'chunked' })
  // A stream without rows: no length is claimed for what would have none.
  if (request.method === 'HEAD') return reply.send(Readable.from([]))
  const pieces = async function* () {
    const giveUp = () => reply.raw.destroy(new Error('The client took nothing for too long.'))
    yield* whileTaken(all(sum, request.signal), STALL_MS, giveUp)
    if (trailers) reply.raw.addTrailers({ 'Row-Count': String(sum.rows), 'Body-Digest': sum.digest() })
  }
  const rows = Readable.from(pieces(), { objectMode: false })
  const packed = encoder(encoding)
  if (!packed) return reply.send(rows)
  // Errors reach `packed`, and through it the connection.
  pipeline(rows, packed, () => {})
  return reply.send(packed)
}

/** How long a download may rest without anything being taken; others wait for its connection to the database. */
const STALL_MS = 60_000

function isNotModified(request: FastifyRequest, etag: string, mayBeMissing: boolean): boolean {
  const asked = request.headers['if-none-match']
  if (!asked) return false
  if (asked.trim() === '*') return !mayBeMissing
  return asked.split(',').some((one) => one.trim().replace(/^W\//, '') === etag)
}
