import { readFile, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import t from 'tap'
import { programFolder } from '../src/discover.ts'
import { openapiYaml } from '../src/document.ts'
import { loadSubjects } from '../src/subjects.ts'
import { ask } from './ask.ts'
import { ADMIN_TOKEN, few } from './build.ts'
import { type Served, serve, until } from './serve.ts'

/**
 * The document and its example answers are files that this test makes again and compares; `npm run docs` (UPDATE=1) writes
 * them. The answers are real: the program's own, to the document's own example requests, over the sample that it brings, or over what
 * it generates for a subject that brings none.
 */

// biome-ignore-start lint/suspicious/noExplicitAny: documents of JSON
const update = process.env.UPDATE === '1'
const place = (name: string) => path.join(programFolder, name)
const stored = JSON.parse(await readFile(place('src/examples.json'), 'utf8')) as Record<string, unknown>

t.test('each example answer is what the program answers to the example request', async (t) => {
  const subjects = await loadSubjects()
  const sample = subjects.get('movies')?.sample
  const house = await serve(t, { SAMPLE: 'on', MOVIES_SOURCE: sample?.path() })
  await ended(house, 1, 'published')
  const document = (await ask(`${house.url}/openapi.json`)).json
  const answered: Record<string, unknown> = {}
  const operations = operationsOf(document)
  const withoutSample = [...subjects.values()].filter((subject) => !subject.sample)
  const isGenerated = ({ url }: Operation) => withoutSample.some(({ name }) => url.startsWith(`/v1/${name}/`))
  const askAll = async (which: (operation: Operation) => boolean) => {
    for (const operation of operations.filter((one) => one.method === 'GET' && which(one)))
      answered[operation.id] = shortened(await request(house, operation, 200))
  }
  await askAll((operation) => operation.id !== 'loadChanges' && !isGenerated(operation))
  const act = async (id: string, status: number, more = {}) =>
    await request(house, operations.find((one) => one.id === id) as Operation, status, more)
  answered.startLoad = await act('startLoad', 202, { force: true })
  await ended(house, 2, 'published')
  for (const id of ['rollBack', 'publishLoad']) answered[id] = await act(id, 200)
  answered.replayLoad = await act('replayLoad', 202)
  await ended(house, 3, 'unchanged')
  await act('startLoad', 202, { force: true })
  answered.cancelLoad = await act('cancelLoad', 202)
  await house.run('load', 'movies', '--source', await monthLater(house, sample?.path() as string))
  await ended(house, 5, 'published')
  answered.loadChanges = await act('loadChanges', 200)
  answered.dropLoad = await act('dropLoad', 200)
  for (const { name, generate } of withoutSample) {
    const out = path.join(house.folder, name)
    if (generate) await generate.write({ out, seed: 1, sizes: few(generate) })
    t.match(await house.run('load', name, '--source', out), { code: 0 })
  }
  await askAll(isGenerated)
  t.strictSame(
    Object.keys(answered).sort(),
    operations.map(({ id }) => id).sort(),
    'no operation is without an example',
  )
  if (update) await writeFile(place('src/examples.json'), `${JSON.stringify(answered, null, 2)}\n`)
  else t.strictSame(stored, answered, 'npm run docs writes them anew')
})

t.test('openapi.yaml is the document that the program makes', async (t) => {
  const made = await openapiYaml()
  if (update) await writeFile(place('openapi.yaml'), made)
  t.equal(await readFile(place('openapi.yaml'), 'utf8'), made, 'npm run docs writes it anew')
})

t.test('the document is valid OpenAPI 3.1', async (t) => {
  const validator = new Validator()
  const result = await validator.validate(await openapiYaml())
  t.strictSame(result.errors ?? [], [])
  t.ok(result.valid)
  t.equal(validator.version, '3.1')
})

t.test('the documentation needs nothing from elsewhere', async (t) => {
  const house = await serve(t)
  const page = await ask(`${house.url}/docs`)
  t.equal(page.status, 200)
  const loaded = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url as string)
  t.ok(loaded.length > 3)
  for (const url of loaded) {
    t.notMatch(url, /^(https?:)?\/\//)
    const part = await ask(new URL(url, `${house.url}/docs/`).href)
    t.equal(part.status, 200, url)
    if (url.endsWith('.css')) t.notMatch(part.text, /(@import|url\()\s*["']?(https?:)?\/\//)
  }
  t.strictSame((await ask(`${house.url}/docs/json`)).json, (await ask(`${house.url}/openapi.json`)).json)
  t.equal((await ask(`${house.url}/openapi.yaml`)).text, await openapiYaml())
})

/** The sample's file with one figure revised, one film gone and one new. */
async function monthLater(house: Served, sample: string): Promise<string> {
  const films = JSON.parse(await readFile(sample, 'utf8')) as Record<string, unknown>[]
  const film = (title: string) => films.find(({ Title }) => Title === title) as Record<string, unknown>
  const revised: Record<string, unknown> = { ...film('Batman & Robin'), 'Worldwide Gross': 238_207_122 }
  const added = { ...film('Contact'), Title: 'Contact: The Long Cut', 'Production Budget': 1_000_000 }
  const next = films
    .map((one) => (one.Title === revised.Title ? revised : one))
    .filter(({ Title }) => Title !== 'Contact')
  const place = path.join(house.folder, 'movies.json')
  await writeFile(place, JSON.stringify([...next, added]))
  // What a load covers depends on the date of its file.
  await utimes(place, new Date('2012-01-31'), new Date('2012-01-31'))
  return place
}

interface Operation {
  id: string
  method: string
  url: string
  body: Record<string, unknown> | undefined
}

/** The operations that answer in JSON, each with its example request; streams of events have no end that could be shown. */
function operationsOf(document: any): Operation[] {
  return Object.entries<any>(document.paths).flatMap(([template, methods]) =>
    Object.entries<any>(methods).flatMap(([method, { operationId, parameters = [], requestBody, responses }]) => {
      if (responses[200]?.content?.['text/event-stream']) return []
      const example = (place: string) =>
        parameters
          .filter((one: any) => one.in === place && one.example !== undefined)
          .map((one: any): [string, string] => [one.name, String(one.example)])
      const inPath = new Map<string, string>(example('path'))
      const query = new URLSearchParams(example('query'))
      const properties = Object.entries<any>(requestBody?.content['application/json'].schema.properties ?? {})
      return {
        id: operationId,
        method: method.toUpperCase(),
        url: `${template.replace(/\{(\w+)\}/g, (_, name) => inPath.get(name) ?? '?')}${query.size > 0 ? `?${query}` : ''}`,
        body: Object.fromEntries(
          properties.filter(([, one]) => one.examples).map(([name, one]) => [name, one.examples[0]]),
        ),
      }
    }),
  )
}

async function request(house: Served, { method, url, body }: Operation, status: number, more = {}): Promise<unknown> {
  const reply = await ask(house.url + url, {
    method,
    headers: {
      ...(method !== 'GET' || url.startsWith('/v1/admin') ? { authorization: `Bearer ${ADMIN_TOKEN}` } : {}),
      ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
    },
    ...(method === 'POST' ? { body: JSON.stringify({ ...body, ...more }) } : {}),
  })
  if (reply.status !== status) throw new Error(`${method} ${url}: ${reply.text}`)
  return withoutClocks(reply.json)
}

/** When and how fast something happened is another each time; all else must not be. */
function withoutClocks(value: any, key = ''): any {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return '2026-11-01T07:00:12.000Z'
  if (Array.isArray(value)) return value.map((one) => withoutClocks(one))
  if (value === null || typeof value !== 'object') return value
  // Written twice a second: a quick load may have ended before.
  if (key === 'progress') return {}
  const entries = Object.entries(value)
    .sort(([a], [b]) => (key === 'timings' || key === 'row_counts' ? (a < b ? -1 : 1) : 0))
    .map(([name, one]) => [name, key === 'timings' ? 100 : withoutClocks(one, name)])
  return Object.fromEntries(entries)
}

/** Two of each: enough to see what is there. */
function shortened(answer: any): any {
  if (Array.isArray(answer.data)) return { ...answer, data: answer.data.slice(0, 2) }
  if (!answer.subjects) return answer
  const two = (report: any) => ({
    ...report,
    parameters: report.parameters.slice(0, 2),
    columns: report.columns.slice(0, 2),
  })
  return {
    ...answer,
    subjects: answer.subjects.map((one: any) => ({ ...one, reports: one.reports.slice(0, 2).map(two) })),
  }
}

const ended = (house: Served, id: number, as: string) =>
  until(
    async () => (await ask(`${house.url}/v1/loads/${id}`)).json,
    ({ state }) => state === as,
  )
// biome-ignore-end lint/suspicious/noExplicitAny: see above
