import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Subject } from '../../ingest/subject.ts'
import { shownLoad } from '../../queries/loads.ts'
import { loadsNow } from '../loads.ts'
import { pendingMigrations } from '../migrate.ts'
import { answers } from '../openapi.ts'
import type { Snapshots } from '../snapshots.ts'
import type { Warehouse } from '../warehouse.ts'

const check = z.strictObject({ ok: z.boolean(), detail: z.string() })
const readiness = z.strictObject({
  ready: z.boolean(),
  database: check,
  migrations: check,
  published: check,
  loads: z.array(z.record(z.string(), z.unknown())).describe('Loads that are queued or running now'),
})

/** Whether the program lives, and whether it can answer; what is missing is said. */
export function healthRoutes(
  app: FastifyInstance,
  { warehouse, snapshots, subjects }: { warehouse: Warehouse; snapshots: Snapshots; subjects: Map<string, Subject> },
): void {
  app.get(
    '/livez',
    {
      schema: {
        summary: 'The process answers; asks no database',
        tags: ['operations'],
        operationId: 'live',
        response: { 200: answers('Alive', z.strictObject({ alive: z.literal(true) })) },
      },
    },
    async (_, reply) => await reply.header('cache-control', 'no-store').send({ alive: true }),
  )

  app.get(
    '/readyz',
    {
      schema: {
        summary: 'Whether reports can be answered, and what is missing if not',
        tags: ['operations'],
        operationId: 'ready',
        response: { 200: answers('Ready', readiness), 503: answers('Not ready; it says what is missing', readiness) },
      },
    },
    async (request, reply) => {
      const state = await look().catch((error) => {
        request.log.warn({ err: error }, 'not ready')
        const unknown = { ok: false, detail: 'unknown while the database cannot be reached' }
        return {
          database: { ok: false, detail: 'cannot be reached' },
          migrations: unknown,
          published: unknown,
          loads: [],
        }
      })
      const ready = state.database.ok && state.migrations.ok && state.published.ok
      return await reply
        .code(ready ? 200 : 503)
        .headers({ 'cache-control': 'no-store', ...(ready ? {} : { 'retry-after': '2' }) })
        .send({ ready, ...state })
    },
  )

  async function look() {
    const pending = await pendingMigrations(warehouse.writer)
    const database = { ok: true, detail: 'answers' }
    if (pending.length > 0)
      // Its tables may not be there yet, so nothing more is asked of it.
      return {
        database,
        migrations: { ok: false, detail: `not applied: ${pending.join(', ')}; run reelhouse migrate` },
        published: { ok: false, detail: 'unknown until the migrations are applied' },
        loads: [],
      }
    const current = await Promise.all(
      [...subjects.keys()].map(async (name) => ({ name, load: await snapshots.current(name) })),
    )
    const underWay = (
      await Promise.all(['queued', 'running'].map((state) => loadsNow(warehouse.writer, { state })))
    ).flat()
    const none = current.filter(({ load }) => !load).map(({ name }) => name)
    return {
      database,
      migrations: { ok: true, detail: 'all applied' },
      published: {
        ok: none.length < current.length,
        detail: current
          .map(({ name, load }) => (load ? `${name}: load ${load.id}` : `${name}: nothing published yet`))
          .join(', '),
      },
      loads: underWay
        .map(shownLoad)
        .map(({ id, subject, state, stage, progress }) => ({ id, subject, state, stage, progress })),
    }
  }
}
