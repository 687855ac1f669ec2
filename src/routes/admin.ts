import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { markDropped } from '../../ingest/drop.ts'
import {
  askToCancel,
  buryTheDead,
  CancelError,
  enterLoad,
  LoadInProgressError,
  type LoadRequest,
} from '../../ingest/ledger.ts'
import { PublishError, publish, rollBack } from '../../ingest/publish.ts'
import { type Subject, usualMode } from '../../ingest/subject.ts'
import { loads, rejects, shownLoad } from '../../queries/loads.ts'
import { assertAllowed } from '../allowed-source.ts'
import type { AdminTokens } from '../auth.ts'
import type { Config } from '../config.ts'
import { badParameter, Problem } from '../errors.ts'
import { enterOnce, idempotencyKey } from '../idempotency.ts'
import { loadsNow } from '../loads.ts'
import { answers, problems } from '../openapi.ts'
import type { Runner } from '../runner.ts'
import type { Snapshots } from '../snapshots.ts'
import type { Sweeper } from '../sweeper.ts'
import type { Warehouse } from '../warehouse.ts'

/** What only admins may do: load, publish, roll back. */

export interface AdminRoutes {
  config: Config
  subjects: Map<string, Subject>
  warehouse: Warehouse
  snapshots: Snapshots
  runner: Runner
  sweeper: Sweeper
  tokens: AdminTokens
}

const loadRequest = z.strictObject({
  subject: z.string().describe('What to load: `movies`'),
  source: z
    .string()
    .min(1)
    .max(4000)
    .optional()
    .describe(
      'Folder, file, archive, `https://…` or `s3://bucket/prefix/`; the subject’s configured source by default',
    ),
  format: z.string().max(100).optional().describe('Shape of the files; recognised by their names by default'),
  mode: z
    .enum(['replace', 'merge'], 'takes replace or merge')
    .optional()
    .describe(
      '`replace`, the default: the new snapshot has what the source has; `merge`: what readers see, with the source’s films in place of theirs. Of a subject whose loads add to one another `merge` adds, and is the default',
    ),
  hold: z.boolean().optional().describe('Stop before publishing'),
  dry_run: z.boolean().optional().describe('Do everything but keep it'),
  force: z.boolean().optional().describe('Run even if the source is unchanged'),
})

const replayRequest = z.strictObject({
  mended: z
    .array(
      z.strictObject({
        file: z.string().min(1).max(1000).describe('As in the load’s rejects'),
        line: z.int().positive(),
        raw: z.string().min(1).max(100_000).describe('What the record should have been, in the notation of its file'),
      }),
    )
    .max(1000)
    .optional()
    .describe('Texts to read in place of rejected ones'),
  hold: z.boolean().optional().describe('Stop before publishing'),
  dry_run: z.boolean().optional().describe('Do everything but keep it'),
})

const idempotency = z.looseObject({
  'idempotency-key': z
    .string()
    .optional()
    .describe(
      'Sent again with the same key within 24 hours, the request starts nothing and is answered with the same load',
    ),
})

const queued = z.looseObject({ id: z.int(), state: z.string(), subject: z.string(), source: z.string() })

const loadNumber = z.strictObject({
  id: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'takes the number of a load')
    .transform(Number)
    .describe('The load’s number'),
})
const moved = z.strictObject({ subject: z.string(), load: z.int().describe('The load that readers see now') })

export function adminRoutes(app: FastifyInstance, options: AdminRoutes): void {
  const { config, subjects, warehouse, snapshots, runner, sweeper, tokens } = options
  const common = { tags: ['admin'], security: [{ admin: [] as [] }] }
  // Before the body is even read: who may not ask is told nothing of what would be wrong with it.
  const onRequest = async (request: Parameters<AdminTokens['authenticate']>[0]) => void tokens.authenticate(request)

  app.post(
    '/v1/admin/loads',
    {
      onRequest,
      schema: {
        ...common,
        summary: 'Load a source into a new snapshot, check it and publish it',
        description:
          'Answers at once; `Location` tells where the load’s progress shows. It runs in a process of its own.',
        operationId: 'startLoad',
        headers: idempotency,
        body: loadRequest,
        examples: { subject: 'movies' },
        response: {
          202: answers('Queued', queued),
          ...problems(400, 401, 403, 409, 422),
        },
      },
    },
    async (request, reply) => {
      const asked = request.body as z.output<typeof loadRequest>
      const subject = subjectNamed(subjects, asked.subject)
      if (asked.format && !subject.formats.some(({ name }) => name === asked.format))
        throw badParameter('format', `takes ${subject.formats.map(({ name }) => name).join(' or ')}`)
      const source = asked.source ?? config.sources.get(subject.name)
      if (source === undefined)
        throw badParameter('source', `is missing, and ${subject.name.toUpperCase()}_SOURCE is not set on the server`)
      if (asked.source !== undefined) await assertAllowed(asked.source, config)
      return await started(request, reply, {
        subject: subject.name,
        source,
        mode: asked.mode ?? usualMode(subject),
        format: asked.format,
        hold: asked.hold,
        dryRun: asked.dry_run,
        force: asked.force,
      })
    },
  )

  /** Queues a load once for the request's key, starts its process, and answers with it. */
  const started = async (
    request: FastifyRequest,
    reply: FastifyReply,
    asked: Omit<LoadRequest, 'trigger' | 'actor'>,
  ): Promise<FastifyReply> => {
    const actor = tokens.authenticate(request)
    const key = idempotencyKey(request.headers['idempotency-key'])
    await buryTheDead(warehouse.writer)
    const { loadId, again } = await enterOnce(warehouse.writer, { actor, key, request: asked }, (trx) =>
      enterLoad(trx, { ...asked, trigger: 'admin', actor }),
    ).catch((error) => {
      if (!(error instanceof LoadInProgressError)) throw error
      throw new Problem(409, error.message, { headers: { location: `/v1/loads/${error.loadId}` } })
    })
    if (again) reply.header('idempotent-replayed', 'true')
    else runner.run(loadId, () => sweeper.soon())
    const [load] = await loadsNow(warehouse.writer, { id: loadId })
    return await reply
      .code(202)
      .header('location', `/v1/loads/${loadId}`)
      .header('cache-control', 'no-store')
      .send(load && shownLoad(load))
  }

  app.post(
    '/v1/admin/loads/:id/replay',
    {
      onRequest,
      schema: {
        ...common,
        summary:
          'Read again the records that a load rejected, and merge those that are sound now into what readers see',
        description:
          'For when their cause is mended: in the program, or by the texts given here. They keep the file and the line where they stood; a film that was read later from another line or load stays as it is.',
        operationId: 'replayLoad',
        params: loadNumber,
        headers: idempotency,
        body: replayRequest.nullish(),
        examples: { id: 1 },
        response: { 202: answers('Queued', queued), ...problems(400, 401, 404, 409, 422) },
      },
    },
    async (request, reply) => {
      const { id } = request.params as z.output<typeof loadNumber>
      const { mended, hold, dry_run } = (request.body as z.output<typeof replayRequest> | null | undefined) ?? {}
      const [load] = await loadsNow(warehouse.writer, { id })
      if (!load) throw new Problem(404, `There is no load ${id}.`)
      const found = (await rejects(id, { severity: 'reject', limit: 1 }).execute(warehouse.writer)).rows
      if (found.length === 0) throw new Problem(409, `Load ${id} rejected nothing.`)
      return await started(request, reply, {
        subject: load.subject,
        source: load.source,
        mode: 'merge',
        format: load.format ?? undefined,
        hold,
        dryRun: dry_run,
        replayOf: id,
        mended,
      })
    },
  )

  app.post(
    '/v1/admin/loads/:id/cancel',
    {
      onRequest,
      schema: {
        ...common,
        summary: 'Stop a load that is queued or running, wherever its process is',
        operationId: 'cancelLoad',
        params: loadNumber,
        examples: { id: 4 },
        response: {
          202: answers('The load, which stops within a second or two', queued),
          ...problems(400, 401, 404, 409),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params as z.output<typeof loadNumber>
      await asProblem(askToCancel(warehouse.writer, id, tokens.authenticate(request)))
      const [load] = await loadsNow(warehouse.writer, { id })
      return await reply
        .code(202)
        .header('cache-control', 'no-store')
        .send(load && shownLoad(load))
    },
  )

  app.delete(
    '/v1/admin/loads/:id',
    {
      onRequest,
      schema: {
        ...common,
        summary: 'Drop a snapshot that is not current: its rows go, its entry stays',
        description: 'Questions about it are answered 410 from then on. Its tables go in the background.',
        operationId: 'dropLoad',
        params: loadNumber,
        examples: { id: 1 },
        response: { 200: answers('The load, dropped', queued), ...problems(400, 401, 404, 409) },
      },
    },
    async (request, reply) => {
      const { id } = request.params as z.output<typeof loadNumber>
      await asProblem(markDropped(warehouse.writer, id, tokens.authenticate(request)))
      sweeper.soon()
      const [load] = (await loads({ id }).execute(warehouse.writer)).rows
      return await reply.header('cache-control', 'no-store').send(load && shownLoad(load))
    },
  )

  app.post(
    '/v1/admin/loads/:id/publish',
    {
      onRequest,
      schema: {
        ...common,
        summary: 'Make a held, superseded or (with force) blocked load the one that readers see',
        operationId: 'publishLoad',
        params: loadNumber,
        body: z.strictObject({ force: z.boolean().optional().describe('Although its checks blocked it') }).nullish(),
        examples: { id: 2 },
        response: { 200: answers('What readers see now', moved), ...problems(400, 401, 404, 409) },
      },
    },
    async (request) => {
      const { id } = request.params as z.output<typeof loadNumber>
      const { force = false } = (request.body as { force?: boolean } | null | undefined) ?? {}
      const subject = await asProblem(
        publish(warehouse.writer, id, { actor: tokens.authenticate(request), force, subjects }),
      )
      await snapshots.refresh()
      return { subject, load: id }
    },
  )

  app.post(
    '/v1/admin/subjects/:subject/rollback',
    {
      onRequest,
      schema: {
        ...common,
        summary: 'Go back to the load that was published before the current one',
        operationId: 'rollBack',
        params: z.strictObject({ subject: z.string().max(100) }),
        body: z.strictObject({ to: z.int().positive().optional().describe('An older load to go back to') }).nullish(),
        examples: { subject: 'movies' },
        response: { 200: answers('What readers see now', moved), ...problems(400, 401, 404, 409) },
      },
    },
    async (request) => {
      const { subject: name } = request.params as { subject: string }
      const subject = subjects.get(name)
      if (!subject) throw new Problem(404, `There is no subject ${name}.`)
      const { to } = (request.body as { to?: number } | null | undefined) ?? {}
      const actor = tokens.authenticate(request)
      const load = await asProblem(rollBack(warehouse.writer, name, { actor, ...(to === undefined ? {} : { to }) }))
      await snapshots.refresh()
      return { subject: name, load }
    },
  )
}

function subjectNamed(subjects: Map<string, Subject>, name: string): Subject {
  const subject = subjects.get(name)
  if (!subject) throw badParameter('subject', `takes ${[...subjects.keys()].join(' or ')}`)
  return subject
}

async function asProblem<T>(work: Promise<T>): Promise<T> {
  return await work.catch((error) => {
    throw error instanceof PublishError || error instanceof CancelError
      ? new Problem(error.status, error.message)
      : error
  })
}
