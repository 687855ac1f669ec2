import { pipeline, Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import { z } from 'zod'
import { answerPage, type Format, paramsOf, type Question, understand } from '../answer.ts'
import type { Answer, ByteCache } from '../cache.ts'
import { type Encoding, encode, encoder, encodingFor, isWorthIt, varyBy } from '../encoding.ts'
import { Problem } from '../errors.ts'
import { reportDocs } from '../openapi.ts'
import type { ServedReport } from '../reports.ts'
import { nothingPublished, type Snapshots } from '../snapshots.ts'
import { Sum, streamAll } from '../stream.ts'
import type { Warehouse } from '../warehouse.ts'

/** Each report as an endpoint: conditional, cached by load, paged or streamed. */

const MEDIA_TYPES: Record<Format, string> = {
  json: 'application/json; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson; charset=utf-8',
}

export interface ReportRoutes {
  reports: ServedReport[]
  warehouse: Warehouse
  snapshots: Snapshots
  cache: ByteCache
}

export function reportRoutes(app: FastifyInstance, options: ReportRoutes): void {
  const { reports, snapshots } = options
  // Its bytes are packed here, if they are, and kept so; packing them once more would belie the ETag.
  for (const served of reports)
    app.get(
      served.url,
      { schema: { ...reportDocs(served), ...validation(served) }, compress: false },
      async (request, reply) => {
        const query = { ...(request.query as object), ...(served.single ? (request.params as object) : {}) }
        const format = served.single ? 'json' : formatFor(request, query)
        const question = await understand(served, query, format, async ({ loadId, asOf }) => {
          if (loadId !== undefined) return await snapshots.ofCursor(served.subject, loadId)
          if (asOf !== undefined) return await snapshots.asOf(served.subject, asOf)
          const current = await snapshots.current(served.subject)
          if (!current) throw nothingPublished(served.subject)
          return current
        })
        return await respond(request, reply, question, options)
      },
    )
}

/** A single row's id is in the path; all else is in the query. */
function validation(served: ServedReport) {
  const all = paramsOf(served)
  if (!served.single) return { querystring: all }
  const shape = Object.entries(all.shape)
  const part = (inPath: boolean) =>
    z.strictObject(Object.fromEntries(shape.filter(([name]) => served.url.includes(`:${name}`) === inPath)))
  return { params: part(true), querystring: part(false) }
}

/** @throws Problem 406 */
function formatFor(request: FastifyRequest, query: { format?: Format }): Format {
  if (query.format) return query.format
  const type = new Negotiator(request.raw).mediaType(['application/json', 'text/csv', 'application/x-ndjson'])
  if (type === 'application/json') return 'json'
  if (type === 'text/csv') return 'csv'
  if (type === 'application/x-ndjson') return 'ndjson'
  throw new Problem(406, 'Reports come as application/json, text/csv and application/x-ndjson.')
}

async function respond(
  request: FastifyRequest,
  reply: FastifyReply,
  question: Question,
  { warehouse, cache }: ReportRoutes,
): Promise<FastifyReply> {
  const encoding = encodingFor(request)
  const { served, snapshot, format, fingerprint, page } = question
  const asOfNumber = /^\d+$/.test(String((request.query as { as_of?: string }).as_of ?? ''))
  const etag = `"${fingerprint.slice(0, 27)}-${encoding}"`
  reply.headers({
    etag,
    'cache-control': asOfNumber ? 'public, max-age=31536000, immutable' : 'public, no-cache',
    'data-version': `${served.subject}=${snapshot.id}`,
  })
  varyBy(reply, 'accept', 'accept-encoding')
  if (isNotModified(request, etag, served.single)) return reply.code(304).send()
  reply.type(MEDIA_TYPES[format])
  if (page.limit === null) return stream(request, reply, question, encoding, warehouse)

  const startedAt = performance.now()
  const key = `${fingerprint} ${encoding}`
  const kept = cache.get(key)
  const answer =
    kept ?? (await cache.obtain(key, request.signal, (signal) => make(question, encoding, warehouse, signal)))
  reply.header('server-timing', kept ? 'cache;desc=hit' : `db;dur=${(performance.now() - startedAt).toFixed(1)}`)
  if (answer.next !== null) reply.header('link', linkTo(request, answer.next))
  if (encoding !== 'identity' && answer.encoded) reply.header('content-encoding', encoding)
  return reply.send(answer.body)
}

async function make(
  question: Question,
  encoding: Encoding,
  warehouse: Warehouse,
  signal: AbortSignal,
): Promise<Answer> {
  const { text, next } = await answerPage(warehouse.reader, question, signal)
  const body = Buffer.from(text)
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
  question: Question,
  encoding: Encoding,
  warehouse: Warehouse,
): FastifyReply {
  reply.header(
    'content-disposition',
    `attachment; filename="${question.served.name.replaceAll('/', '-')}.${question.format}"`,
  )
  if (encoding !== 'identity') reply.header('content-encoding', encoding)
  const sum = new Sum()
  const trailers = question.format === 'csv' && request.raw.httpVersion !== '1.0'
  // The framework would announce them without commas.
  if (trailers) reply.headers({ trailer: 'Row-Count, Body-Digest', 'transfer-encoding': 'chunked' })
  // A stream without rows: no length is claimed for what would have none.
  if (request.method === 'HEAD') return reply.send(Readable.from([]))
  const texts = async function* () {
    const stalled = setTimeout(() => reply.raw.destroy(new Error('The client took nothing for too long.')), STALL_MS)
    try {
      for await (const text of streamAll(warehouse, question, sum, request.signal)) {
        yield text
        stalled.refresh()
      }
    } finally {
      clearTimeout(stalled)
    }
    if (trailers) reply.raw.addTrailers({ 'Row-Count': String(sum.rows), 'Body-Digest': sum.digest() })
  }
  const rows = Readable.from(texts(), { objectMode: false })
  const packed = encoder(encoding)
  if (!packed) return reply.send(rows)
  // Errors reach `packed`, and through it the connection.
  pipeline(rows, packed, () => {})
  return reply.send(packed)
}

/** How long a download may rest without anything being taken; others wait for its connection to the database. */
const STALL_MS = 60_000

/** @param mayBeMissing whether only the database knows if there is an answer at all, so that `*` cannot be told here */
function isNotModified(request: FastifyRequest, etag: string, mayBeMissing: boolean): boolean {
  const asked = request.headers['if-none-match']
  if (!asked) return false
  if (asked.trim() === '*') return !mayBeMissing
  return asked.split(',').some((one) => one.trim().replace(/^W\//, '') === etag)
}
