import { realpath } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { LoadInProgressError } from '../../ingest/ledger.ts'
import { PublishError, publish, rollBack } from '../../ingest/publish.ts'
import type { Subject } from '../../ingest/subject.ts'
import { loads, shownLoad } from '../../queries/loads.ts'
import type { AdminTokens } from '../auth.ts'
import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'
import { answers, problems } from '../openapi.ts'
import type { Runner } from '../runner.ts'
import type { Snapshots } from '../snapshots.ts'
import type { Warehouse } from '../warehouse.ts'

/** What only admins may do: load, publish, roll back. */

export interface AdminRoutes {
  config: Config
  subjects: Map<string, Subject>
  warehouse: Warehouse
  snapshots: Snapshots
  runner: Runner
  tokens: AdminTokens
}

const loadRequest = z.strictObject({
  subject: z.string().describe('What to load: `movies`'),
  source: z.string().min(1).max(4000).optional().describe('Folder or file; the subject’s configured source by default'),
  format: z.string().max(100).optional().describe('Shape of the files; recognised by their names by default'),
  mode: z
    .enum(['replace'], 'takes replace')
    .default('replace')
    .describe('`replace`: the new snapshot has these films only'),
  hold: z.boolean().optional().describe('Stop before publishing'),
  dry_run: z.boolean().optional().describe('Do everything but keep it'),
  force: z.boolean().optional().describe('Run even if the source is unchanged'),
})

const loadNumber = z.strictObject({
  id: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'takes the number of a load')
    .transform(Number)
    .describe('The load’s number'),
})
const moved = z.strictObject({ subject: z.string(), load: z.int().describe('The load that readers see now') })

export function adminRoutes(app: FastifyInstance, options: AdminRoutes): void {
  const { config, subjects, warehouse, snapshots, runner, tokens } = options
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
        body: loadRequest,
        examples: { subject: 'movies' },
        response: {
          202: answers(
            'Queued',
            z.strictObject({ id: z.int(), state: z.string(), subject: z.string(), source: z.string() }).loose(),
          ),
          ...problems(400, 401, 403, 409),
        },
      },
    },
    async (request, reply) => {
      const asked = request.body as z.output<typeof loadRequest>
      const subject = subjectNamed(subjects, asked.subject)
      if (asked.format && !subject.formats.some(({ name }) => name === asked.format))
        throw bad('format', `takes ${subject.formats.map(({ name }) => name).join(' or ')}`)
      const source = asked.source ?? config.sources.get(subject.name)
      if (source === undefined)
        throw bad('source', `is missing, and ${subject.name.toUpperCase()}_SOURCE is not set on the server`)
      if (asked.source !== undefined) await assertAllowed(asked.source, config)
      const loadId = await runner
        .start({
          subject: subject.name,
          source,
          mode: asked.mode,
          trigger: 'admin',
          actor: tokens.authenticate(request),
          format: asked.format,
          hold: asked.hold,
          dryRun: asked.dry_run,
          force: asked.force,
        })
        .catch((error) => {
          if (!(error instanceof LoadInProgressError)) throw error
          throw new Problem(409, error.message, { headers: { location: `/v1/loads/${error.loadId}` } })
        })
      const [load] = (await loads({ id: loadId }).execute(warehouse.writer)).rows
      return await reply
        .code(202)
        .header('location', `/v1/loads/${loadId}`)
        .header('cache-control', 'no-store')
        .send(load && shownLoad(load))
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
      await asProblem(publish(warehouse.writer, id, { actor: tokens.authenticate(request), force }))
      await snapshots.refresh()
      const [load] = (await loads({ id }).execute(warehouse.writer)).rows
      return { subject: load?.subject, load: id }
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

const bad = (parameter: string, detail: string) =>
  new Problem(400, `${parameter} ${detail}.`, { errors: [{ parameter, detail }] })

function subjectNamed(subjects: Map<string, Subject>, name: string): Subject {
  const subject = subjects.get(name)
  if (!subject) throw bad('subject', `takes ${[...subjects.keys()].join(' or ')}`)
  return subject
}

async function asProblem<T>(work: Promise<T>): Promise<T> {
  return await work.catch((error) => {
    throw error instanceof PublishError ? new Problem(error.status, error.message) : error
  })
}

/**
 * A token lets its holder load what the server's owner set out for that, and not read the server's disk: a named source
 * must be a configured one or lie in one of SOURCE_ROOTS, links followed.
 * @throws Problem 403
 */
async function assertAllowed(source: string, { sources, sourceRoots, sourceHosts }: Config): Promise<void> {
  if ([...sources.values()].includes(source)) return
  if (URL.canParse(source) && !source.startsWith('file:')) {
    if (sourceHosts.includes(new URL(source).host)) return
    throw new Problem(403, 'The source’s host is none of SOURCE_HOSTS on the server.')
  }
  const refusal = new Problem(403, 'The source lies in none of SOURCE_ROOTS on the server.')
  if (source.includes('\0')) throw refusal
  const place = await realPlace(localPath(source, refusal))
  for (const root of sourceRoots) {
    const below = path.relative(await realpath(root).catch(() => root), place)
    if (below === '' || (!below.startsWith('..') && !path.isAbsolute(below))) return
  }
  throw refusal
}

/**
 * The path with links followed as far as it exists, so that the answer is the same whether a file is there or not: it must
 * not tell what is on the disk.
 */
async function realPlace(place: string): Promise<string> {
  const parent = path.dirname(place)
  const real = await realpath(place).catch(() => undefined)
  return real ?? (parent === place ? place : path.join(await realPlace(parent), path.basename(place)))
}

function localPath(source: string, refusal: Problem): string {
  try {
    return source.startsWith('file:') ? fileURLToPath(source) : path.resolve(source)
  } catch {
    throw refusal
  }
}
