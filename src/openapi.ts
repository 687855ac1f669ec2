import type { SwaggerOptions } from '@fastify/swagger'
import type { FastifySchema } from 'fastify'
import { z } from 'zod'
import { lackingShape } from '../queries/report.ts'
import { programVersion } from './config.ts'
import { type ResponseExamples, responseExample } from './examples.ts'
import { explanationShape } from './explanation.ts'
import { FORMATS, streamed } from './formats.ts'
import type { ServedReport } from './reports.ts'

/** The OpenAPI document, made from the zod schemas that also validate, so the two cannot differ. */

/** What a route says of itself beside its parameters. */
export interface Docs extends FastifySchema {
  summary: string
  description?: string
  tags: string[]
  operationId: string
  hide?: boolean
  security?: { admin: [] }[]
  /** Parameter values of an example request. */
  examples?: Record<string, unknown>
}

const loadMeta = z.strictObject({
  id: z.int().describe('The load’s number'),
  published_at: z.iso.datetime().describe('When readers first saw it'),
  data_through: z.iso.date().nullable().describe('The latest date that the data covers'),
})

/** What a report says of itself. */
export function reportDocs({ name, shownName, subject, single, report }: ServedReport): Docs {
  const meta = z.strictObject({
    report: z.literal(shownName),
    load: loadMeta,
    ...(single
      ? {}
      : {
          rows: z.int().describe('Rows of this page'),
          complete: z.boolean().describe('Whether this is the last page'),
          next: z.string().nullable().describe('Cursor of the page after'),
          total: z.int().optional().describe('Rows of all pages, with count=exact'),
          ...(report.lacking ? lackingShape : {}),
        }),
    ...report.metaShape,
  })
  return {
    summary: report.summary,
    description: report.description,
    tags: [subject],
    operationId: name.replace(/\W+(\w)/g, (_, letter: string) => letter.toUpperCase()).replace(/\W/g, ''),
    // Two rows say what there is to say of many.
    examples: single ? report.example : { ...report.example, limit: '2' },
    response: {
      200: {
        headers: REPORT_HEADERS,
        description: `${single ? 'The row' : `A page of rows; all rows in ${streamed} when there is no limit`}. With \`explain=true\`, what they mean and rest on`,
        content: {
          'application/json': {
            schema: {
              anyOf: [
                jsonSchema(z.strictObject({ data: single ? report.row : z.array(report.row), meta }), 'output'),
                EXPLANATION,
              ],
            },
          },
          ...(single ? {} : OTHER_FORMATS),
        },
      },
      304: { description: 'The answer that `If-None-Match` names is still the right one' },
      ...problems(400, 401, 404, ...(single ? [] : [406]), 410, 503),
    },
  }
}

const OTHER_FORMATS = Object.fromEntries(
  FORMATS.filter(({ tellsMeta }) => !tellsMeta).map(({ mediaType, binary }) => [
    mediaType,
    { schema: { type: 'string', ...(binary ? { format: 'binary' } : {}) } },
  ]),
)

/** What `explain=true` is answered with: the same of every report, so it stands once. */
const EXPLANATION = { $ref: '#/components/schemas/Explanation' }

const header = (description: string) => ({ description, schema: { type: 'string' } })

const REPORT_HEADERS = {
  ETag: header('Strong: names the load, the question, the format and the encoding'),
  'Cache-Control': header(
    '`immutable` where `as_of` names a load by number, else to be revalidated; an admin’s explanation is never kept',
  ),
  'Data-Version': header('The load that was read: `movies=7`'),
  Link: header('`rel="next"`: the page after, if there is one'),
  'Server-Timing': header('How long the database took, or that it was not asked'),
}

const problem = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('What is wrong and what to do'),
  instance: z.string().describe('The request’s id, for the server’s log'),
  errors: z.array(z.strictObject({ parameter: z.string(), detail: z.string() })).optional(),
})

const MEANING: Record<number, string> = {
  400: 'A parameter is unknown or impossible; `errors` names it',
  401: 'No valid bearer token; where none is needed, one was sent that is not valid',
  403: 'The token is valid, what was asked for is not allowed',
  404: 'There is no such thing, or no load was published as of then',
  406: 'None of the media types asked for is served',
  409: 'The state of things does not allow it',
  410: 'The load’s rows have been dropped',
  422: 'The `Idempotency-Key` was used for another request',
  503: 'Not now; `Retry-After` says when',
}

/** Responses that are problems. */
export const problems = (...statuses: number[]) =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: MEANING[status], content: { 'application/problem+json': { schema: problem } } },
    ]),
  )

/** A JSON answer of the given shape. */
export const answers = (description: string, schema: z.ZodType) => ({
  description,
  content: { 'application/json': { schema } },
})

export const swaggerOptions = (examples: ResponseExamples): SwaggerOptions => ({
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Reelhouse',
      version: programVersion(),
      license: { name: 'MIT', identifier: 'MIT' },
      description:
        'Film figures per company, genre and year, each with its coverage and its source. Every report reads one load, names it, and can be read as of an older one.',
    },
    components: {
      schemas: { Explanation: jsonSchema(explanationShape, 'output') },
      securitySchemes: { admin: { type: 'http', scheme: 'bearer' } },
    },
  },
  transform: ({ schema, url }) => {
    if (!schema) return { schema: { hide: true }, url }
    const { examples: asked, ...docs } = schema as Docs
    for (const part of ['params', 'querystring', 'headers', 'body'] as const)
      if (docs[part] instanceof z.ZodType) docs[part] = withExamples(jsonSchema(docs[part], 'input'), asked ?? {})
    const response = responseExample(examples, docs.operationId)
    if (docs.response) docs.response = mapSchemas(docs.response as Responses, response)
    return { schema: docs as FastifySchema, url }
  },
})

type Responses = Record<
  string,
  { description: string; headers?: unknown; content?: Record<string, { schema: unknown; example?: unknown }> }
>

function mapSchemas(responses: Responses, example: unknown): Responses {
  return Object.fromEntries(
    Object.entries(responses).map(([status, { content, ...rest }]) => [
      status,
      {
        ...rest,
        ...(content && {
          content: Object.fromEntries(
            Object.entries(content).map(([type, { schema }]) => [
              type,
              {
                schema: schema instanceof z.ZodType ? jsonSchema(schema, 'output') : schema,
                ...(status.startsWith('2') && type === 'application/json' && example !== undefined ? { example } : {}),
              },
            ]),
          ),
        }),
      },
    ]),
  )
}

interface JsonObject {
  properties?: Record<string, { default?: unknown; examples?: unknown[] }>
}

function withExamples(schema: JsonObject, examples: Record<string, unknown>): JsonObject {
  for (const [name, value] of Object.entries(examples)) {
    const property = schema.properties?.[name]
    if (property) property.examples = [value]
  }
  return schema
}

/** JSON Schema of a zod schema, without what is only ours or only zod's. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
  const { $schema, ...made } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema: one }) => {
      const { sql, unit, decimals, ...kept } = one as Record<string, unknown>
      for (const key of Object.keys(one)) delete (one as Record<string, unknown>)[key]
      Object.assign(one, kept, unit === undefined ? {} : { 'x-unit': unit })
      // Zod bounds every integer by what a double holds; that says nothing about the figure.
      if (one.maximum === Number.MAX_SAFE_INTEGER) delete one.maximum
      if (one.minimum === Number.MIN_SAFE_INTEGER) delete one.minimum
    },
  }) as JsonObject & { $schema?: string }
  return made
}
