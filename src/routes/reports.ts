import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { type LoadView, loads } from '../../queries/loads.ts'
import type { AdmissionOf } from '../admission.ts'
import { Again, type Told } from '../again.ts'
import { answerPage } from '../answer.ts'
import { type AdminTokens, isAdmin } from '../auth.ts'
import type { ByteCache } from '../cache.ts'
import { answerExplained, type Explained, explanationFingerprint } from '../explanation.ts'
import type { WholeFormat } from '../format.ts'
import { json } from '../formats/json.ts'
import { FORMATS, formatFor } from '../formats.ts'
import { reportDocs } from '../openapi.ts'
import { kindOf, paramsOf, type Question, understand } from '../question.ts'
import type { ServedReport } from '../reports.ts'
import { type Answerable, respond } from '../respond.ts'
import { nothingPublished, type Snapshots } from '../snapshots.ts'
import { streamAll } from '../stream.ts'
import type { Warehouse } from '../warehouse.ts'

/** Each report as an endpoint: conditional, cached by load, paged or streamed. */

export interface ReportRoutes {
  reports: ServedReport[]
  warehouse: Warehouse
  snapshots: Snapshots
  cache: ByteCache
  admission: AdmissionOf
  tokens: AdminTokens
}

export function reportRoutes(app: FastifyInstance, options: ReportRoutes): void {
  const { reports, warehouse, snapshots, cache, admission, tokens } = options
  const again = new Again(snapshots, cache)
  // Its bytes are packed here, if they are, and kept so; packing them once more would belie the ETag.
  for (const served of reports)
    app.get(
      served.url,
      {
        schema: { ...reportDocs(served), ...validation(served) },
        compress: false,
        onRequest: (request, reply, done) => {
          if (!again.answer(request, reply)) done()
        },
      },
      async (request, reply) => {
        const query: Asked = { ...(request.query as object), ...(served.single ? (request.params as object) : {}) }
        const admin = query.explain === true && isAdmin(tokens, request)
        const format = served.single ? json : formatFor(request, query.format, FORMATS, 'Reports')
        const question = await understand(served, query, format, async ({ loadId, asOf }) => {
          if (loadId !== undefined) return await snapshots.ofCursor(served.subject, loadId)
          if (asOf !== undefined) return await snapshots.asOf(served.subject, asOf)
          const current = await snapshots.current(served.subject)
          if (!current) throw nothingPublished(served.subject)
          return current
        })
        const answerable = question.explain
          ? explanationOf(await explained(warehouse, question, admin), warehouse, admission)
          : {
              ...answerableOf(question, query, warehouse, admission),
              remember: (told: Told) => again.remember(request, question.snapshot, served.subject, told),
            }
        return await respond(request, reply, answerable, cache)
      },
    )
}

type Asked = Record<string, unknown> & {
  format?: string
  as_of?: string
  explain?: boolean
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

function answerableOf(question: Question, { as_of }: Asked, warehouse: Warehouse, admission: AdmissionOf): Answerable {
  const { served, snapshot, format, fingerprint, page } = question
  const asOfNumber = /^\d+$/.test(as_of ?? '')
  const fileName = `${served.name.replaceAll('/', '-')}.${format.name}`
  return {
    fingerprint,
    format,
    headers: {
      'cache-control': asOfNumber ? 'public, max-age=31536000, immutable' : 'public, no-cache',
      'data-version': `${served.subject}=${snapshot.id}`,
    },
    mayBeMissing: served.single,
    rows:
      page.limit === null && format.whole
        ? {
            all: (sum, signal) =>
              admission.exports.stream(signal, () =>
                streamAll(warehouse, format.whole as WholeFormat, question, sum, signal),
              ),
            fileName,
          }
        : {
            page: (signal) =>
              admission.pages.run(kindOf(question), signal, () => answerPage(warehouse.reader, question, signal)),
            ...(format.binary ? { fileName } : {}),
          },
  }
}

async function explained({ writer }: Warehouse, question: Question, admin: boolean): Promise<Explained> {
  const [load] = (await loads({ id: question.snapshot.id }).execute(writer)).rows
  return { question, load: load as LoadView, admin }
}

/** An admin sees more than others: nobody's cache may hand that on. */
function explanationOf(explained: Explained, warehouse: Warehouse, admission: AdmissionOf): Answerable {
  const { served, snapshot } = explained.question
  return {
    fingerprint: explanationFingerprint(warehouse.reader, explained),
    format: json,
    headers: {
      // Not for ever, even of a load by number: whether it is the published one is part of the answer.
      'cache-control': explained.admin ? 'private, no-store' : 'public, no-cache',
      'data-version': `${served.subject}=${snapshot.id}`,
    },
    vary: ['authorization'],
    mayBeMissing: served.single,
    rows: {
      page: (signal) => admission.pages.run('explain', signal, () => answerExplained(warehouse, explained, signal)),
    },
  }
}
