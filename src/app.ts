import { STATUS_CODES } from 'node:http'
import compress from '@fastify/compress'
import cors from '@fastify/cors'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyServerOptions } from 'fastify'
import type { z } from 'zod'
import type { Subject } from '../ingest/subject.ts'
import { Admission } from './admission.ts'
import type { AdminTokens } from './auth.ts'
import { ByteCache } from './cache.ts'
import type { Config } from './config.ts'
import type { Ear } from './ear.ts'
import { handleErrors, Problem, problemJson } from './errors.ts'
import { readExamples } from './examples.ts'
import { awaitLastRequests } from './last-requests.ts'
import { answerOtherMethods } from './methods.ts'
import { swaggerOptions } from './openapi.ts'
import type { ServedReport } from './reports.ts'
import { adminRoutes } from './routes/admin.ts'
import { auditRoutes } from './routes/audit.ts'
import { catalogRoutes } from './routes/catalog.ts'
import { changesRoute } from './routes/changes.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { loadRoutes } from './routes/loads.ts'
import { reportRoutes } from './routes/reports.ts'
import { scheduleRoutes } from './routes/schedules.ts'
import type { Runner } from './runner.ts'
import type { Snapshots } from './snapshots.ts'
import type { Sweeper } from './sweeper.ts'
import { validate } from './validate.ts'
import { exportersOf, type Warehouse } from './warehouse.ts'

export interface AppOptions {
  config: Config
  subjects: Map<string, Subject>
  reports: ServedReport[]
  warehouse: Warehouse
  snapshots: Snapshots
  /** Not listening yet: the routes have things to listen to. */
  ear: Ear
  runner: Runner
  sweeper: Sweeper
  tokens: AdminTokens
  logger?: FastifyServerOptions['logger']
}

/** Requests that end before a route is known, by Node's code. */
const MALFORMED: Record<string, [status: number, detail: string]> = {
  HPE_HEADER_OVERFLOW: [431, 'The address and headers are longer than 16 KiB together.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive.'],
}

/** The packer's own list has no YAML. */
const PACKABLE = /^(text\/(?!event-stream)|application\/([\w.-]+\+)?(json|yaml|xml|x-ndjson|javascript)\b|image\/svg)/

/** The whole HTTP side, not yet listening. Plugins are listed here by hand: they are few, and their order matters. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { config, subjects, reports, warehouse, snapshots, ear, runner, sweeper, tokens } = options
  const app = fastify({
    logger: options.logger ?? false,
    // A proxy's id is taken over, so that one id leads through all logs; without one it is a number of this process.
    requestIdHeader: 'x-request-id',
    // As long as there are connections their requests are answered; `last-requests.ts` sees to their end.
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 300 },
    bodyLimit: 64 << 10,
    // Asked for below, so that its absence is answered like everything else that is wrong.
    http: { requireHostHeader: false },
    requestTimeout: 60_000,
    keepAliveTimeout: 75_000,
    clientErrorHandler(error, socket) {
      if (!socket.writable) return
      const [status, detail] = MALFORMED[(error as NodeJS.ErrnoException).code ?? ''] ?? [
        400,
        'The request is not HTTP as it should be.',
      ]
      const body = problemJson(status, detail, 'unknown')
      socket.end(
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      )
      app.log.debug({ err: error }, 'malformed request')
    },
    frameworkErrors(error, request, reply) {
      void (reply as FastifyReply)
        .code(error.statusCode ?? 400)
        .type('application/problem+json')
        .send(problemJson(error.statusCode ?? 400, error.message, String(request.id)))
    },
  })

  app.setValidatorCompiler(
    ({ schema }) =>
      (data) =>
        validate(schema as z.ZodType, data),
  )
  // Answers are made of our own rows; reports come as bytes. Their shape is held by tests, not paid for at each request.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  // Bodies are JSON; the framework would take plain text too.
  app.removeContentTypeParser('text/plain')
  handleErrors(app)
  awaitLastRequests(app)
  // Hooks of every request call back: a promise for each of them would take a tenth of what a cached answer takes.
  app.addHook('onRequest', ({ raw }, _, done) => {
    const lacksHost = raw.httpVersion === '1.1' && raw.headers.host === undefined
    done(lacksHost ? new Problem(400, 'HTTP/1.1 asks for a Host header.') : undefined)
  })
  const completeMethods = answerOtherMethods(app)

  await app.register(cors, {
    origin: config.corsOrigins.includes('*') ? '*' : config.corsOrigins,
    methods: ['GET', 'HEAD', 'POST', 'DELETE'],
    exposedHeaders: ['etag', 'link', 'location', 'data-version', 'retry-after', 'server-timing'],
    maxAge: 600,
    strictPreflight: false,
  })
  // Reports pack their own bytes, so that they can be kept packed.
  await app.register(compress, { global: true, encodings: ['br', 'gzip'], threshold: 1000, customTypes: PACKABLE })
  await app.register(swagger, swaggerOptions(await readExamples()))
  await app.register(swaggerUi, { routePrefix: '/docs', uiConfig: { tryItOutEnabled: true } })
  const cache = makeCache(config, snapshots)
  const admission = { pages: new Admission(config.poolSize), exports: new Admission(exportersOf(config)) }
  await app.register(async (scope) => {
    healthRoutes(scope, { warehouse, snapshots, subjects })
    catalogRoutes(scope, { subjects, reports, snapshots })
    reportRoutes(scope, { reports, warehouse, snapshots, cache, admission, tokens })
    loadRoutes(scope, { warehouse, snapshots, tokens })
    changesRoute(scope, { reports, warehouse, tokens, cache, admission })
    eventRoutes(scope, { subjects, warehouse, snapshots, ear })
    adminRoutes(scope, { config, subjects, warehouse, snapshots, runner, sweeper, tokens })
    scheduleRoutes(scope, { config, subjects, warehouse, tokens })
    auditRoutes(scope, { warehouse, tokens })
    scope.get('/openapi.json', { schema: { hide: true } as object }, async () => app.swagger())
    scope.get(
      '/openapi.yaml',
      { schema: { hide: true } as object },
      async (_, reply) => await reply.type('application/yaml; charset=utf-8').send(app.swagger({ yaml: true })),
    )
    completeMethods(scope)
  })
  return app
}

function makeCache({ cacheMb }: Config, snapshots: Snapshots): ByteCache {
  const cache = new ByteCache(cacheMb)
  snapshots.on('moved', () => cache.clear())
  return cache
}
