import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'csv-parse/sync'
import t, { type Test } from 'tap'
import { ADMIN_TOKEN, copyOfTemplate, temporaryFolder } from '../build.ts'

/**
 * Real films, loaded by the command and by an admin's request, against figures that another program computed from the same
 * file. The data is not part of this repository: REELHOUSE_SHARED_DATA names the folder that has it.
 */
const shared = process.env.REELHOUSE_SHARED_DATA
const program = path.join(import.meta.dirname, '../../src/bin/reelhouse.js')

const REPORTS = [
  { report: 'company-years', file: 'company_year', ids: ['company_id'] },
  { report: 'genre-years', file: 'genre_year', ids: ['genre_id'] },
  { report: 'company-genre-years', file: 'company_genre_year', ids: ['company_id', 'genre_id'] },
]

type Cells = Record<string, string | number | null>

// By itself tap gives up after half a minute; the runner's own limit stands.
t.setTimeout(0)
t.test(
  'the figures of real films are those of an independent calculator',
  shared === undefined ? { skip: 'REELHOUSE_SHARED_DATA names no folder with the data' } : { timeout: 200_000 },
  async (t) => {
    const source = path.join(shared as string, 'movies', 'movies_metadata.csv')
    const env = {
      ...process.env,
      DATABASE_URL: await copyOfTemplate(t),
      DATA_DIR: await temporaryFolder(t),
      ADMIN_TOKEN,
      SAMPLE: 'off',
      PORT: '0',
      LOG_LEVEL: 'warn',
      SOURCE_ROOTS: path.dirname(source),
    }

    const command = spawn(process.execPath, [program, 'load', 'movies', '--source', source, '--json'], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [printed, [code]] = await Promise.all([text(command.stdout), once(command, 'close')])
    t.equal(code, 0, 'the command loads the file')
    const byCommand = JSON.parse(printed)
    const origin = await serve(t, env)
    for (const { report, file, ids } of REPORTS)
      await t.test(`${report} after the command`, async (t) => {
        const rows = await pages(`${origin}/v1/movies/${report}`, byCommand.id)
        t.strictSame(differences(rows, await expectedRows(file, ids)), [])
      })

    const byAdmin = await loadAsAdmin(t, origin, source)
    t.ok(byAdmin > byCommand.id, 'the request makes another load')
    for (const { report, file, ids } of REPORTS)
      await t.test(`${report} after the admin’s request`, async (t) => {
        const expected = await expectedRows(file, ids)
        const url = `${origin}/v1/movies/${report}`
        t.strictSame(differences(await pages(url, byAdmin), expected), [], 'as JSON, page by page')
        t.strictSame(differences(await download(url), expected), [], 'as CSV')
      })
  },
)

/** Starts the server as its users do, and stops it after the test. */
async function serve(t: Test, env: NodeJS.ProcessEnv): Promise<string> {
  const server: ChildProcess = spawn(process.execPath, [program, 'serve'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(async () => {
    if (server.exitCode !== null) return
    server.kill('SIGTERM')
    await once(server, 'close')
  })
  for await (const line of createInterface({ input: server.stdout as NodeJS.ReadableStream })) {
    const [, origin] = /listens on (http:\S+)/.exec(line) ?? []
    if (!origin) continue
    server.stdout?.resume()
    return origin
  }
  throw new Error('The server ended before it listened.')
}

/** @returns the load's number, once it is published */
async function loadAsAdmin(t: Test, origin: string, source: string): Promise<number> {
  const response = await fetch(`${origin}/v1/admin/loads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ subject: 'movies', source, force: true }),
  })
  t.equal(response.status, 202, 'the request is taken')
  const place = `${origin}${response.headers.get('location')}`
  for (;;) {
    const load = await json(place)
    if (['queued', 'running'].includes(load.state)) await sleep(100)
    else {
      t.match(load, { state: 'published', trigger: 'admin', error: null })
      return load.id
    }
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a test knows what it asks for
const json = async (url: string): Promise<any> => await (await fetch(url)).json()

/** All rows, page by page, each of the load that is meant. */
async function pages(url: string, loadId: number): Promise<Cells[]> {
  const rows: Cells[] = []
  let cursor = ''
  do {
    const { data, meta } = await json(`${url}?limit=1000${cursor}`)
    if (meta.load.id !== loadId) throw new Error(`Load ${meta.load.id} answers instead of ${loadId}.`)
    rows.push(...data)
    cursor = meta.next && `&cursor=${meta.next}`
  } while (cursor)
  return rows
}

async function download(url: string): Promise<Cells[]> {
  const body = await (await fetch(`${url}?format=csv`)).text()
  const rows: Record<string, string>[] = parse(body, { columns: true })
  const number = (cell: string) => (cell === '' ? null : Number(cell))
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, cell]) => [name, /^(company|genre|period)$/.test(name) ? cell : number(cell)]),
    ),
  )
}

/** The other program's rows in our columns, by key; it writes 0 where nothing is known. */
async function expectedRows(file: string, ids: string[]): Promise<Map<string, Cells>> {
  const { columns, rows } = JSON.parse(
    await readFile(path.join(shared as string, 'movies', 'expected', `${file}.json`), 'utf8'),
  )
  const expected = new Map<string, Cells>()
  for (const cells of rows) {
    const row = Object.fromEntries(columns.map((column: string, index: number) => [column, cells[index]]))
    const known = (count: number, value: number) => (count > 0 ? value : null)
    expected.set(keyOf(row, ids), {
      ...Object.fromEntries(ids.map((id) => [id, row[id]])),
      ...Object.fromEntries(ids.map((id) => [id.replace('_id', ''), row[id.replace('_id', '_name')]])),
      period: String(row.year),
      year: row.year,
      releases: row.releases,
      budget: known(row.budget_known, row.budget_sum),
      budget_known: row.budget_known,
      revenue: known(row.revenue_known, row.revenue_sum),
      revenue_known: row.revenue_known,
      profit: known(row.budget_known + row.revenue_known, row.profit),
      matched_releases: row.both_known,
      matched_profit: known(row.both_known, row.profit_both),
      popularity: known(row.popularity_n, Number(row.popularity_avg)),
      popularity_known: row.popularity_n,
      vote_count: known(row.vote_average_n, row.vote_count_sum),
    })
  }
  return expected
}

const keyOf = (row: Cells, ids: string[]) => [...ids, 'year'].map((column) => row[column]).join(' ')

/** Rows that are missing, that nobody expects, or that differ in a column, popularity by more than 1e-9. */
function differences(rows: Cells[], expected: Map<string, Cells>): string[] {
  const ids = Object.keys(expected.values().next().value as Cells).filter((column) => column.endsWith('_id'))
  const found: string[] = []
  const seen = new Set<string>()
  for (const row of rows) {
    const key = keyOf(row, ids)
    const wanted = expected.get(key)
    if (!wanted || seen.has(key)) found.push(`${key}: nobody expects it`)
    seen.add(key)
    for (const [column, value] of Object.entries(wanted ?? {})) {
      const cell = row[column] as Cells[string]
      const same =
        column === 'popularity' && cell !== null && value !== null
          ? Math.abs(Number(cell) - Number(value)) <= 1e-9
          : cell === value
      if (!same) found.push(`${key}: ${column} is ${cell} and not ${value}`)
    }
  }
  for (const key of expected.keys()) if (!seen.has(key)) found.push(`${key}: missing`)
  return found
}
