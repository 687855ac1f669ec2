import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Report } from '../../queries/report.ts'
import type { AdmissionOf } from '../admission.ts'
import type { AdminTokens } from '../auth.ts'
import type { ByteCache } from '../cache.ts'
import {
  answerChanges,
  assertComparable,
  type ChangesQuestion,
  changesParams,
  csvRows,
  understandChanges,
} from '../changes.ts'
import { type ComparedLoad, comparedLoads } from '../compared-loads.ts'
import { badParameter } from '../errors.ts'
import { csv, writeCsv } from '../formats/csv.ts'
import { json } from '../formats/json.ts'
import { formatFor } from '../formats.ts'
import { problems } from '../openapi.ts'
import type { ServedReport } from '../reports.ts'
import { respond } from '../respond.ts'
import { keptBatches } from '../stream.ts'
import type { Sum } from '../sum.ts'
import { validate } from '../validate.ts'
import type { Warehouse } from '../warehouse.ts'

/** Why a figure moved: a report's rows in two loads, and the films that make the difference. */

const DESCRIPTION =
  `Compares a report's rows in this load with those in another one (\`against\`), row by row by the report's key.

A row is \`added\`, \`removed\` or \`changed\`. \`before\` and \`after\` have each measure (null where the row is in one load only); a name
stands there too when it is another one. \`difference\` is after less before of the measures that are sums, an unknown sum counted as 0;
what did not move is left out of it.

\`films\` are behind the row: those that give another amount to one of its measures than before. Their \`change\` is \`added\` (new in the
load), \`removed\` (no longer in it), \`joined\` or \`left\` (in both loads, but only now, or no longer, in this row) or \`changed\`.
\`fields\` has what is told differently of a film that is in both loads; \`effect\` what that does to the row. Those with the largest effect
come first: on the measure that is sorted by, in dollars, on counts, on popularity; ties by id. Films beyond \`films\` are summed up in
\`rest\`, so that the effects of \`data\` and \`rest\` together are exactly the \`difference\`. Means (\`popularity\`, \`vote_average\`) and \`roi\`
are no sums: the films that move them are listed, without an effect.

In \`movies/rankings\` and \`movies/top-films\` a rank, a share or a change on earlier periods is moved by other rows, too. \`elsewhere\` names
those of them that differ: the films of the row alone do not explain these, and where none is listed they explain nothing of them. A row that
shows in one load only because of \`n\` or \`min_releases\` is told as it is in the other, a member of too few films with a rank of null.

With \`prices=real\`, \`meta.prices\` has the index and the base year of either load (\`before\` is \`against\`): another vintage of the index moves films
of which nothing else differs, so their \`fields\` are empty. Without \`base_year\` each load has its own, the last whole year of its index.

\`fields\` says what counts: with \`fields=budget,revenue\` a refresh of all popularities is no change, and other figures of films are not told.
A parameter that chooses rows (\`min_releases\`, \`q\`) shows a row if either load's passes.

In \`movies/films\` a film that is linked to other companies, genres, countries, languages, people or keywords is a changed row, too (unless
\`fields\` says what counts), and its \`fields\` tell it. Under a parameter that asks for links (\`genre_id=35\`), a film that has them in one load only
is \`added\` to the list or \`removed\` from it; one that is there in both loads, but passes \`from\` or \`q\` in one only, is a changed one.
\`meta.totals\` counts all rows, and all films behind them, also where their effects cancel out.

Held and blocked loads are compared for admins only: looking at the changes is what one does before publishing.`
    // A line ends where its paragraph does.
    .replace(/([^\n])\n(?=[^\n])/g, '$1 ')

const path = z.strictObject({
  id: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'takes the number of a load')
    .transform(Number)
    .describe('The load’s number'),
})

const counts = z.strictObject({ added: z.int(), removed: z.int(), changed: z.int() })
const amounts = z.record(z.string(), z.number()).describe('By measure; what did not move is not there')
const loadMeta = z.strictObject({
  id: z.int(),
  published_at: z.iso.datetime().nullable().describe('Null: readers have not seen it'),
  data_through: z.iso.date().nullable(),
})
const facts = z.array(z.strictObject({ field: z.string(), before: z.unknown(), after: z.unknown() }))
const film = z.strictObject({
  film_id: z.int(),
  title: z.string(),
  change: z.enum(['added', 'removed', 'joined', 'left', 'changed']),
  fields: facts,
  effect: amounts,
})
const films = z.strictObject({
  total: z.int(),
  data: z.array(film),
  rest: z.strictObject({ films: z.int(), effect: amounts }).optional().describe('What is not listed, summed up'),
})
const side = z.record(z.string(), z.unknown()).nullable()
const answer = z.strictObject({
  data: z.array(
    z.looseObject({
      change: z.enum(['added', 'removed', 'changed']),
      before: side,
      after: side,
      difference: amounts,
      elsewhere: z
        .array(z.string())
        .optional()
        .describe('Measures that differ and that other rows move, too; in reports that have such'),
      films: films.optional().describe('Not in movies/films, whose rows are films'),
      fields: facts.optional().describe('In movies/films: what is told differently of the film and shows in no column'),
    }),
  ),
  meta: z.looseObject({
    report: z.string(),
    load: loadMeta,
    against: loadMeta,
    totals: z.strictObject({ rows: counts, films: counts.optional() }),
    rows: z.int().describe('Rows of this page'),
    complete: z.boolean().describe('Whether this is the last page'),
    next: z.string().nullable().describe('Cursor of the page after'),
    total: z.int().optional().describe('Rows of all pages, with count=exact'),
  }),
})

export interface ChangesRoute {
  reports: ServedReport[]
  warehouse: Warehouse
  tokens: AdminTokens
  cache: ByteCache
  admission: AdmissionOf
}

export function changesRoute(
  app: FastifyInstance,
  { reports, warehouse, tokens, cache, admission }: ChangesRoute,
): void {
  const lists = reports.filter(({ single }) => !single)
  const own = changesParams(lists)
  const byName = new Map(lists.map((served) => [served.name, served]))
  app.get(
    '/v1/loads/:id/changes',
    {
      schema: {
        summary: 'Why figures moved: a report’s rows in two loads, and the films behind each difference',
        description: DESCRIPTION,
        tags: ['loads'],
        operationId: 'loadChanges',
        params: path,
        querystring: z.strictObject({ ...own.shape, ...paramsOfAll(lists) }),
        examples: {
          id: 5,
          report: 'movies/company-years',
          against: '1',
          company_id: '162',
          fields: 'releases,budget,revenue,profit',
          films: '2',
        },
        response: {
          200: {
            description: 'A page of rows; all rows in CSV when there is no limit',
            content: { 'application/json': { schema: answer }, 'text/csv': { schema: { type: 'string' } } },
          },
          304: { description: 'The answer that `If-None-Match` names is still the right one' },
          ...problems(400, 401, 404, 406, 409, 410, 503),
        },
      },
      // Which parameters there are depends on one of them.
      validatorCompiler: ({ schema, httpPart }) => {
        if (httpPart !== 'querystring') return (data) => validate(schema as unknown as z.ZodType, data)
        return (data) => {
          const served = byName.get((data as { report?: string }).report ?? '')
          return validate(served ? z.strictObject({ ...served.report.params.shape, ...own.shape }) : own.loose(), data)
        }
      },
      compress: false,
    },
    async (request, reply) => {
      const { id } = request.params as z.output<typeof path>
      const query = request.query as z.output<typeof own> & Record<string, unknown>
      const loads = await comparedLoads(warehouse.writer, { id, against: query.against }, () => {
        tokens.authenticate(request)
      })
      const served = byName.get(query.report) as ServedReport
      if (served.subject !== loads.load.subject)
        throw badParameter('report', `is of ${served.subject}; load ${id} is of ${loads.load.subject}`)
      const question = understandChanges(served, loads, query, formatFor(request, query.format, [json, csv], 'Changes'))
      return await respond(
        request,
        reply,
        {
          fingerprint: question.fingerprint,
          format: question.format,
          headers: {
            'cache-control': isPublic(loads) ? 'public, no-cache' : 'private, no-store',
            'data-version': `${served.subject}=${loads.load.id}, ${served.subject}=${loads.against.id}`,
          },
          vary: isPublic(loads) ? [] : ['authorization'],
          mayBeMissing: false,
          rows: rowsOf(question, { warehouse, cache, admission }),
        },
        cache,
      )
    },
  )
}

const isPublic = (loads: { load: ComparedLoad; against: ComparedLoad }) =>
  Object.values(loads).every(({ state }) => state === 'published' || state === 'superseded')

function rowsOf(
  question: ChangesQuestion,
  { warehouse, cache, admission }: Pick<ChangesRoute, 'warehouse' | 'cache' | 'admission'>,
) {
  const { page, served, load, against } = question
  if (page.limit !== null)
    return {
      page: (signal: AbortSignal) =>
        admission.pages.run('changes', signal, () => answerChanges(warehouse.reader, cache, question, signal)),
    }
  return {
    all: (sum: Sum, signal: AbortSignal) =>
      admission.exports.stream(signal, async function* () {
        await assertComparable(warehouse.reader, question)
        const query = (db: Parameters<typeof csvRows>[0]) => csvRows(db, question, page)
        yield* writeCsv(keptBatches(warehouse, [load.id, against.id], query, signal), page.fields, sum)
      }),
    fileName: `${served.name.replaceAll('/', '-')}-changes-${against.id}-to-${load.id}.csv`,
  }
}

/** The parameters of all reports, for the documentation; the ones of the report that is asked for are taken. */
const paramsOfAll = (reports: ServedReport[]): z.ZodRawShape =>
  Object.assign({}, ...reports.toReversed().map(({ report }) => (report as Report).params.shape))
