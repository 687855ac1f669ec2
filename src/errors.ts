import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import pg from 'pg'

/** What is wrong with one parameter. */
export interface ParameterProblem {
  parameter: string
  detail: string
}

/** An answer that is an error, as RFC 9457 has it. Throw it anywhere below a route. */
export class Problem extends Error {
  readonly status: number
  readonly errors: ParameterProblem[] | undefined
  readonly headers: Record<string, string>
  constructor(
    status: number,
    detail: string,
    more: { errors?: ParameterProblem[]; headers?: Record<string, string> } = {},
  ) {
    super(detail)
    this.status = status
    this.errors = more.errors
    this.headers = more.headers ?? {}
  }
}

/** What is wrong with a parameter: the rest of a sentence that begins with its name. */
export const badParameter = (parameter: string, detail: string) =>
  new Problem(400, `${parameter} ${detail}.`, { errors: [{ parameter, detail }] })

/** Seconds after which a client that met a passing trouble may try again. */
export const RETRY_AFTER = '5'

/** Turns everything that is thrown, and every path that is not there, into problem+json. */
export function handleErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => send(request, reply, asProblem(error, request)))
  app.setNotFoundHandler((request, reply) =>
    send(
      request,
      reply,
      new Problem(404, `There is nothing at ${request.url.split('?')[0]}; GET /v1 lists what there is.`),
    ),
  )
}

/**
 * What a route may have said of the answer that it then could not give. Said of a problem it would be wrong: that it has not
 * changed, or is packed.
 */
const OF_THE_ANSWER = [
  'etag',
  'content-encoding',
  'content-disposition',
  'server-timing',
  'trailer',
  'transfer-encoding',
]

function send(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  const { status, message, errors, headers } = problem
  for (const header of OF_THE_ANSWER) reply.removeHeader(header)
  return reply
    .code(status)
    .headers({ 'cache-control': 'no-store', ...headers })
    .type('application/problem+json')
    .send(problemJson(status, message, request.id, errors))
}

export const problemJson = (status: number, detail: string, instance: string, errors?: ParameterProblem[]): string =>
  JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, instance, errors })

/** SQLSTATEs of a database that cannot answer now but may in a moment. */
const PASSING = /^(08|53|57P0)/
const QUERY_CANCELED = '57014'

function asProblem(error: FastifyError | Problem, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
    return new Problem(error.statusCode, error.message)
  if (request.raw.destroyed && request.signal.aborted) {
    // Nobody reads the answer any more, and nothing is wrong here.
    request.log.info('the client left')
    return new Problem(503, 'The client left before the answer was there.')
  }
  request.log.error({ err: error }, 'request failed')
  const retry = { headers: { 'retry-after': RETRY_AFTER } }
  if (error instanceof pg.DatabaseError && error.code === QUERY_CANCELED)
    return new Problem(503, 'The query took longer than the server allows; ask for fewer rows or films.', retry)
  if (cannotAnswerNow(error)) return new Problem(503, 'The warehouse cannot answer right now; try again.', retry)
  return new Problem(500, 'The server met an unexpected error; its log has it under this instance.')
}

function cannotAnswerNow(error: Error): boolean {
  if (error instanceof pg.DatabaseError) return PASSING.test(error.code ?? '')
  const code = (error as NodeJS.ErrnoException).code ?? ''
  return (
    /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN)/.test(code) ||
    /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
      error.message,
    )
  )
}
