import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { buryTheDead } from '../../ingest/ledger.ts'
import { PUBLICATIONS } from '../../ingest/publish.ts'
import type { Subject } from '../../ingest/subject.ts'
import { LOADS, lastPublication } from '../../queries/events.ts'
import type { Ear } from '../ear.ts'
import { Problem } from '../errors.ts'
import { EventStreams } from '../event-streams.ts'
import { Feed } from '../feed.ts'
import { MAX_PUBLICATIONS, newsOfLoad, newsOfPublications, START } from '../news.ts'
import { problems } from '../openapi.ts'
import type { Snapshots } from '../snapshots.ts'
import type { Warehouse } from '../warehouse.ts'

/** What happens, as it happens: to a load, and to what readers see. */

export interface EventRoutes {
  subjects: Map<string, Subject>
  warehouse: Warehouse
  snapshots: Snapshots
  ear: Ear
}

/** Milliseconds between two looks whether the process of a load that is watched still lives: nobody tells of its end. */
const BURY_MS = 2000

const eventId = z
  .string()
  .regex(/^\d{1,15}$/, 'takes the id of an event')
  .transform(Number)
const lastEventId = eventId
  .optional()
  .describe('Go on behind this event. `Last-Event-ID`, which browsers send when they come back, goes before it')

const loadNumber = z.strictObject({
  id: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'takes the number of a load')
    .transform(Number)
    .describe('The load’s number'),
})

const stream = (description: string) => ({
  description,
  content: { 'text/event-stream': { schema: { type: 'string' } } },
})

export function eventRoutes(app: FastifyInstance, { subjects, warehouse, snapshots, ear }: EventRoutes): void {
  const streams = new EventStreams((error) => app.log.warn({ err: error }, 'an event stream waits for the warehouse'))
  const loadFeed = new Feed((loadId: number, after) => newsOfLoad(warehouse, snapshots, loadId, after))
  const publicationFeed = new Feed((subject: string | undefined, after) =>
    newsOfPublications(warehouse, snapshots, subject, after),
  )
  ear.add({ channel: LOADS, heard: (id) => loadFeed.ring(Number(id)), catchUp: () => loadFeed.ring() })
  ear.add({ channel: PUBLICATIONS, heard: () => publicationFeed.ring(), catchUp: () => publicationFeed.ring() })
  const burying = setInterval(() => {
    if (loadFeed.watched)
      buryTheDead(warehouse.writer).catch((error) => app.log.warn({ err: error }, 'the dead could not be buried'))
  }, BURY_MS)
  app.addHook('preClose', async () => {
    clearInterval(burying)
    streams.close()
  })

  const ofLoad = z.strictObject({ last_event_id: lastEventId })
  app.get(
    '/v1/loads/:id/events',
    {
      schema: {
        summary: 'What happens to a load, as it happens (server-sent events)',
        description:
          'Events `state`, `stage` and `progress`: what happened so far, then what happens, until the load has ended. `data` is JSON with `load`, `subject`, `state`, `stage` and `at`; progress adds `file`, `bytes`, `bytes_total`, `records`, `records_per_second` and `seconds_left` (null until it can be told), a state its `error`, a stage the `timings` of those before it. Of progress only the latest is sent to whoever comes later or reads slowly.',
        tags: ['loads'],
        operationId: 'loadEvents',
        params: loadNumber,
        querystring: ofLoad,
        response: {
          200: stream('Events, until the load has ended'),
          204: { type: 'null', description: 'It has ended, and the event named was its last: do not come back' },
          ...problems(400, 404, 503),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params as z.output<typeof loadNumber>
      const after = placeOf(request, request.query as z.output<typeof ofLoad>)
      const news = await loadFeed.read(id, after ?? START)
      reply.header('cache-control', 'no-store')
      if (news.ended && news.happenings.length === 0) return await reply.code(204).send()
      return await streams.answer(request, reply, loadFeed, id, after ?? START)
    },
  )

  const [first, ...others] = subjects.keys()
  const ofPublications = z.strictObject({
    subject: z
      .enum([first ?? '', ...others])
      .optional()
      .describe('Only of this subject'),
    last_event_id: lastEventId,
  })
  app.get(
    '/v1/events',
    {
      schema: {
        summary: 'When readers see another load (server-sent events)',
        description: `Events \`published\` and \`rolled-back\`, from now on, or all behind the one that \`Last-Event-ID\` names; \`data\` is JSON: \`{"subject", "load", "previous", "at"}\`. Whoever is told of a load is answered from it. Of more than ${MAX_PUBLICATIONS} events that were missed the latest are sent, after an event \`omitted\`.`,
        tags: ['loads'],
        operationId: 'events',
        querystring: ofPublications,
        response: { 200: stream('Events, without end'), ...problems(400, 503) },
      },
    },
    async (request, reply) => {
      const query = request.query as z.output<typeof ofPublications>
      const after = placeOf(request, query) ?? (await lastPublication().execute(warehouse.writer)).rows[0]?.id ?? 0
      return await streams.answer(request, reply, publicationFeed, query.subject, after)
    },
  )
}

/** Where the client was. @throws Problem 400 */
function placeOf({ headers }: FastifyRequest, query: { last_event_id?: number | undefined }): number | undefined {
  // A browser that comes back asks with the address it had, and says in the header how far it has come since.
  const header = headers['last-event-id']
  if (header === undefined || header === '') return query.last_event_id
  const parsed = eventId.safeParse(header)
  if (parsed.success) return parsed.data
  const detail = 'takes the id of an event'
  throw new Problem(400, `Last-Event-ID ${detail}.`, { errors: [{ parameter: 'Last-Event-ID', detail }] })
}
