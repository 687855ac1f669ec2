import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Subject } from '../../ingest/subject.ts'
import { columnShape, describedColumns } from '../columns.ts'
import { programVersion } from '../config.ts'
import { answers } from '../openapi.ts'
import { paramsOf } from '../question.ts'
import type { ServedReport } from '../reports.ts'
import type { Snapshot, Snapshots } from '../snapshots.ts'

const parameter = z.strictObject({ name: z.string(), description: z.string(), required: z.boolean() })
const catalog = z.strictObject({
  version: z.string(),
  documentation: z.string(),
  subjects: z.array(
    z.strictObject({
      subject: z.string(),
      load: z
        .strictObject({ id: z.int(), published_at: z.iso.datetime(), data_through: z.iso.date().nullable() })
        .nullable()
        .describe('The load that readers see; null as long as there is none'),
      reports: z.array(
        z.strictObject({
          report: z.string(),
          url: z.string(),
          summary: z.string(),
          description: z.string(),
          parameters: z.array(parameter),
          columns: z.array(columnShape),
          key: z.array(z.string()),
          sort: z.string().describe('Order when none is asked for'),
        }),
      ),
    }),
  ),
})

/** `GET /v1`: what there is to ask, from the reports' own definitions; and the page for whoever opens the root. */
export function catalogRoutes(
  app: FastifyInstance,
  { subjects, reports, snapshots }: { subjects: Map<string, Subject>; reports: ServedReport[]; snapshots: Snapshots },
): void {
  const described = reports.map((served) => ({ subject: served.subject, described: describe(served) }))
  app.get(
    '/v1',
    {
      schema: {
        summary: 'Subjects, their current load, and every report with its parameters and columns',
        tags: ['catalog'],
        operationId: 'catalog',
        response: { 200: answers('The catalog', catalog) },
      },
    },
    async (_, reply) =>
      await reply.header('cache-control', 'public, no-cache').send({
        version: programVersion(),
        documentation: '/docs',
        subjects: await Promise.all(
          [...subjects.keys()].map(async (subject) => ({
            subject,
            load: shownLoad(await snapshots.current(subject)),
            reports: described.filter((one) => one.subject === subject).map((one) => one.described),
          })),
        ),
      }),
  )

  app.get(
    '/',
    { schema: { hide: true } as object },
    async (_, reply) => await reply.type('text/html; charset=utf-8').send(homePage(reports)),
  )
}

const shownLoad = (load: Snapshot | undefined) =>
  load ? { id: load.id, published_at: load.published_at, data_through: load.data_through } : null

function describe(served: ServedReport) {
  const { shownName, url, report } = served
  return {
    report: shownName,
    url: url.replace(/:(\w+)/g, '{$1}'),
    summary: report.summary,
    description: report.description,
    parameters: Object.entries(paramsOf(served).shape).map(([parameter, type]) => ({
      name: parameter,
      description: (type as z.ZodType).description ?? '',
      required: !(type as z.ZodType).isOptional(),
    })),
    columns: describedColumns(report),
    key: report.key,
    sort: report.defaultSort,
  }
}

const escaped = (text: string) => text.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`)

function homePage(reports: ServedReport[]): string {
  const lines = reports
    .filter(({ single }) => !single)
    .map(({ url, report }) => `<li><a href="${url}">${url}</a> ${escaped(report.summary)}</li>`)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Reelhouse</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}</style>
<h1>Reelhouse</h1>
<p>Film figures per company, genre and year, each with its coverage and its source.</p>
<p><a href="/docs">Documentation</a> · <a href="/v1">catalog</a> · <a href="/v1/loads">loads</a> · <a href="/readyz">state</a></p>
<ul>
${lines.join('\n')}
</ul>
</html>
`
}
