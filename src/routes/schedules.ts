import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { shownSource } from '../../ingest/shown-source.ts'
import type { Subject } from '../../ingest/subject.ts'
import { wholeNumber } from '../../queries/params.ts'
import { scheduleRuns, schedulesSince } from '../../queries/schedules.ts'
import type { AdminTokens } from '../auth.ts'
import type { Config } from '../config.ts'
import { answers, problems } from '../openapi.ts'
import { schedulesOf } from '../schedules.ts'
import type { Warehouse } from '../warehouse.ts'

/** What is loaded when: what comes, what runs, and what became of each run that was due. */

export interface ScheduleRoutes {
  config: Config
  subjects: Map<string, Subject>
  warehouse: Warehouse
  tokens: AdminTokens
}

const OUTCOMES = ['published', 'held', 'unchanged', 'blocked', 'failed', 'cancelled', 'skipped'] as const
const PAGE = 20
/** Runs to come that are shown. */
const NEXT = 3

const instant = z.iso.datetime()
const runShape = z.strictObject({
  due_at: instant,
  started_at: instant.nullable(),
  ended_at: instant.nullable(),
  outcome: z.enum(OUTCOMES).nullable().describe('Null until it has ended; `skipped`: another load was in the way'),
  attempts: z.int().describe('Loads that it began: after a failure that may pass it is tried again'),
  load: z.int().nullable().describe('The last of them'),
  error: z.string().nullable().describe('Why that one failed'),
  next_attempt_at: instant.nullable(),
  caught_up: z.boolean().describe('It was due while no server ran'),
  note: z.string().nullable(),
})
const scheduleShape = z.strictObject({
  subject: z.string(),
  cron: z.string().nullable().describe('Null: it is not loaded by schedule'),
  timezone: z.string(),
  source: z.string().nullable().describe('Without folder, credentials and query'),
  since: instant.nullable().describe('Since when it is so; nothing that was due before was missed'),
  next: z.array(instant).describe('The next runs'),
  running: runShape.nullable().describe('The run that has not ended yet, or waits for its next attempt'),
  runs: z.array(runShape).describe('Latest first'),
  older: z.string().nullable().describe('Where the runs before these are'),
})

export function scheduleRoutes(app: FastifyInstance, { config, subjects, warehouse, tokens }: ScheduleRoutes): void {
  const schedules = new Map(schedulesOf(config, subjects).map((schedule) => [schedule.subject, schedule]))
  const [first, ...others] = subjects.keys()
  const list = z.strictObject({
    subject: z
      .enum([first ?? '', ...others])
      .optional()
      .describe('Only this one'),
    before: z.iso
      .datetime({ offset: true, error: 'takes an instant (2026-11-01T07:00:00Z)' })
      .optional()
      .describe('Runs that were due before'),
    limit: wholeNumber(1, 1000, 'Runs of each subject, 20 by default'),
  })
  app.get(
    '/v1/admin/schedules',
    {
      // Before anything is looked at: who may not ask is told nothing.
      onRequest: async (request) => void tokens.authenticate(request),
      schema: {
        summary: 'What is loaded when, and what became of each run that was due',
        tags: ['admin'],
        security: [{ admin: [] as [] }],
        operationId: 'schedules',
        querystring: list,
        examples: { subject: 'movies' },
        response: {
          200: answers('Schedules', z.strictObject({ data: z.array(scheduleShape) })),
          ...problems(400, 401),
        },
      },
    },
    async (request, reply) => {
      const { subject: only, before, limit = PAGE } = request.query as z.output<typeof list>
      const since = new Map(
        (await schedulesSince().execute(warehouse.writer)).rows.map((row) => [row.subject, row.since]),
      )
      const data = []
      for (const subject of only === undefined ? subjects.keys() : [only]) {
        const found = (await scheduleRuns(subject, { before, limit: limit + 1 }).execute(warehouse.writer)).rows
        const [running] = (await scheduleRuns(subject, { open: true, limit: 1 }).execute(warehouse.writer)).rows
        const runs = found.slice(0, limit)
        const last = runs.at(-1)
        const older = new URLSearchParams({ subject, limit: String(limit), before: last?.due_at ?? '' })
        const { timetable } = schedules.get(subject) ?? {}
        const source = config.sources.get(subject)
        data.push({
          subject,
          cron: timetable?.cron ?? null,
          timezone: config.scheduleTimezone,
          source: source === undefined ? null : shownSource(source),
          since: timetable ? (since.get(subject) ?? null) : null,
          next: timetable?.next(NEXT).map((at) => at.toISOString()) ?? [],
          running: running ?? null,
          runs,
          older: found.length > limit ? `/v1/admin/schedules?${older}` : null,
        })
      }
      return await reply.header('cache-control', 'no-store').send({ data })
    },
  )
}
