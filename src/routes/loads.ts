import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { checks, type RejectView, rejects, shownLoad } from '../../queries/loads.ts'
import { wholeNumber } from '../../queries/params.ts'
import { type AdminTokens, isAdmin } from '../auth.ts'
import { csvLine } from '../csv.ts'
import { NEGOTIATED, varyBy } from '../encoding.ts'
import { Problem } from '../errors.ts'
import { checkShape, loadShape, rejectShape, SEVERITIES, STATES } from '../load-shapes.ts'
import { loadsNow } from '../loads.ts'
import { answers, problems } from '../openapi.ts'
import type { Snapshots } from '../snapshots.ts'
import type { Warehouse } from '../warehouse.ts'

/** What loads did: where a figure's lines came from, what was left out and why, and what was checked. */

const path = z.strictObject({
  id: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'takes the number of a load')
    .transform(Number)
    .describe('The load’s number'),
})

const PAGE = 100

export function loadRoutes(
  app: FastifyInstance,
  { warehouse, snapshots, tokens }: { warehouse: Warehouse; snapshots: Snapshots; tokens: AdminTokens },
): void {
  const list = z.strictObject({
    subject: z.string().max(100).optional().describe('Loads of this subject'),
    state: z.enum(STATES).optional().describe('Loads in this state'),
    before: wholeNumber(1, 999_999_999, 'Loads with a smaller number; the Link header has the next page'),
    limit: wholeNumber(1, 1000, 'Loads of a page, 100 by default'),
  })
  app.get(
    '/v1/loads',
    {
      schema: {
        summary: 'Loads, newest first',
        tags: ['loads'],
        operationId: 'loads',
        querystring: list,
        examples: { subject: 'movies' },
        response: { 200: answers('Loads', z.strictObject({ data: z.array(loadShape) })), ...problems(400) },
      },
    },
    async (request, reply) => {
      const where = request.query as z.output<typeof list>
      const limit = where.limit ?? PAGE
      const found = await loadsNow(warehouse.writer, { ...where, limit: limit + 1 })
      await snapshots.keepUpWith(found)
      const shown = found.slice(0, limit)
      if (found.length > limit) {
        const query = new URLSearchParams(request.url.split('?')[1])
        query.set('before', String(shown.at(-1)?.id))
        reply.header('link', `</v1/loads?${query}>; rel="next"`)
      }
      return await reply.header('cache-control', 'no-store').send({ data: shown.map(shownLoad) })
    },
  )

  app.get(
    '/v1/loads/:id',
    {
      schema: {
        summary: 'One load: its files, counts, timings, progress and state',
        tags: ['loads'],
        operationId: 'load',
        params: path,
        examples: { id: 1 },
        response: { 200: answers('The load', loadShape), ...problems(400, 404) },
      },
    },
    async (request, reply) => {
      const load = await loadNamed(warehouse, request.params)
      await snapshots.keepUpWith([load])
      return await reply.header('cache-control', 'no-store').send(shownLoad(load))
    },
  )

  app.get(
    '/v1/loads/:id/checks',
    {
      schema: {
        summary: 'What was checked before the load was published',
        tags: ['loads'],
        operationId: 'loadChecks',
        params: path,
        examples: { id: 1 },
        response: { 200: answers('Checks', z.strictObject({ data: z.array(checkShape) })), ...problems(400, 404) },
      },
    },
    async (request) => {
      const load = await loadNamed(warehouse, request.params)
      const found = (await checks(load.id).execute(warehouse.writer)).rows
      if (isAdmin(tokens, request)) return { data: found }
      return { data: found.map(({ sample, ...shown }) => shown) }
    },
  )

  const rejectList = z.strictObject({
    severity: z.enum(SEVERITIES).optional().describe('Only these'),
    format: z.enum(['json', 'csv'], 'takes json or csv').optional().describe('CSV has all of them'),
    limit: wholeNumber(1, 1000, 'Entries of a JSON page, 100 by default'),
    after: z
      .string()
      .regex(/^\d{1,9}$/, 'takes a number from the Link header')
      .transform(Number)
      .optional()
      .describe('Entries to skip, from the Link header'),
  })
  app.get(
    '/v1/loads/:id/rejects',
    {
      schema: {
        summary: 'What the load left out or could not read, by file and line',
        tags: ['loads'],
        operationId: 'loadRejects',
        params: path,
        querystring: rejectList,
        examples: { id: 1 },
        response: {
          200: {
            description: 'Entries of the ledger',
            content: {
              'application/json': { schema: z.strictObject({ data: z.array(rejectShape) }) },
              'text/csv': { schema: { type: 'string' } },
            },
          },
          ...problems(400, 404),
        },
      },
    },
    async (request, reply) => {
      const load = await loadNamed(warehouse, request.params)
      const { severity, format, limit = PAGE, after = 0 } = request.query as z.output<typeof rejectList>
      const columns = [
        'file',
        'line',
        'code',
        'severity',
        'column',
        'reason',
        ...(isAdmin(tokens, request) ? ['raw'] : []),
      ]
      const show = (row: RejectView) =>
        Object.fromEntries(columns.map((column) => [column, row[column as keyof RejectView]]))
      reply.header('cache-control', 'no-store')
      varyBy(reply, `authorization, ${NEGOTIATED}`)
      if (format === 'csv' || (format === undefined && /\btext\/csv\b/.test(request.headers.accept ?? ''))) {
        const lines = Readable.from(rejectLines(warehouse, load.id, severity, columns))
        return await reply.type('text/csv; charset=utf-8; header=present').send(lines)
      }
      const found = (await rejects(load.id, { severity, skip: after, limit: limit + 1 }).execute(warehouse.writer)).rows
      if (found.length > limit) {
        const query = new URLSearchParams(request.url.split('?')[1])
        query.set('after', String(after + limit))
        reply.header('link', `</v1/loads/${load.id}/rejects?${query}>; rel="next"`)
      }
      return { data: found.slice(0, limit).map(show) }
    },
  )
}

/** @throws Problem 404 */
async function loadNamed(warehouse: Warehouse, params: unknown) {
  const { id } = params as z.output<typeof path>
  const [load] = await loadsNow(warehouse.writer, { id })
  if (!load) throw new Problem(404, `There is no load ${id}; GET /v1/loads lists them.`)
  return load
}

async function* rejectLines(
  { writer }: Warehouse,
  loadId: number,
  severity: string | undefined,
  columns: string[],
): AsyncGenerator<string> {
  yield csvLine(columns)
  let last: RejectView | undefined
  do {
    const page = (await rejects(loadId, { severity, after: last, limit: 1000 }).execute(writer)).rows
    for (const row of page) yield csvLine(columns.map((column) => row[column as keyof RejectView]?.toString() ?? null))
    last = page.at(-1)
  } while (last)
}
