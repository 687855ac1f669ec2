import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { audit } from '../../queries/audit.ts'
import { wholeNumber } from '../../queries/params.ts'
import type { AdminTokens } from '../auth.ts'
import { answers, problems } from '../openapi.ts'
import type { Warehouse } from '../warehouse.ts'

/** Who did what, when. */

const PAGE = 100

const deed = z.strictObject({
  id: z.int(),
  at: z.iso.datetime(),
  actor: z.string().describe('The admin’s name, `cli:<user>`, `schedule`, `sample` or `retention`'),
  action: z.enum(['load', 'publish', 'rollback', 'cancel', 'drop', 'replay']),
  subject: z.string(),
  load: z.int().nullable(),
  detail: z
    .record(z.string(), z.unknown())
    .describe('What was asked for; `although: blocked` where a load was published against its checks'),
})

const list = z.strictObject({
  subject: z.string().max(100).optional().describe('Deeds on this subject'),
  load: wholeNumber(1, 999_999_999, 'Deeds on this load'),
  before: wholeNumber(1, Number.MAX_SAFE_INTEGER, 'Deeds with a smaller number; the Link header has the next page'),
  limit: wholeNumber(1, 1000, 'Deeds of a page, 100 by default'),
})

export function auditRoutes(
  app: FastifyInstance,
  { warehouse, tokens }: { warehouse: Warehouse; tokens: AdminTokens },
): void {
  app.get(
    '/v1/admin/audit',
    {
      onRequest: async (request) => void tokens.authenticate(request),
      schema: {
        summary: 'Who did what, newest first',
        tags: ['admin'],
        security: [{ admin: [] }],
        operationId: 'audit',
        querystring: list,
        response: { 200: answers('Deeds', z.strictObject({ data: z.array(deed) })), ...problems(400, 401) },
      } as object,
    },
    async (request, reply) => {
      const where = request.query as z.output<typeof list>
      const limit = where.limit ?? PAGE
      const found = (await audit({ ...where, limit: limit + 1 }).execute(warehouse.writer)).rows
      const shown = found.slice(0, limit)
      if (found.length > limit) {
        const query = new URLSearchParams(request.url.split('?')[1])
        query.set('before', String(shown.at(-1)?.id))
        reply.header('link', `</v1/admin/audit?${query}>; rel="next"`)
      }
      return await reply.header('cache-control', 'no-store').send({ data: shown })
    },
  )
}
