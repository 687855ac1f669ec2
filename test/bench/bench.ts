import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { CompiledQuery } from 'kysely'
import { pageStatement, sortKeys } from '../../queries/page.ts'
import { type Report, type Rows, scopeOf } from '../../queries/report.ts'
import { readConfig } from '../../src/config.ts'
import { loadReports } from '../../src/reports.ts'
import { loadSubjects } from '../../src/subjects.ts'
import { openWarehouse } from '../../src/warehouse.ts'
import { waits } from './cold.ts'
import { copyRows, splitRows } from './copied.ts'
import { mix } from './mix.ts'
import { findPgbench } from './pgbench.ts'
import { listening, PROGRAM, ran, residentMb } from './programs.ts'
import { type Compared, inTurn } from './rounds.ts'
import { soak } from './soak.ts'
import { throughput } from './throughput.ts'

/**
 * How fast it is, as ratios to references that are measured in turn with it, in the same run on the same machine. It starts all
 * that it needs, makes its own data, and leaves nothing behind.
 */

const { values: options } = parseArgs({
  options: {
    films: { type: 'string', default: '45466' },
    ratings: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'load,cached,uncached,whole,plain,cold,mix' },
    // Of `--only soak`, which takes its time and so is not among the others.
    minutes: { type: 'string', default: '15' },
    'per-second': { type: 'string', default: '100' },
    'load-every': { type: 'string', default: '120' },
  },
})
const films = Number(options.films)
const seconds = Number(options.seconds)
const CONNECTIONS = 100
const POOL = 10

const folder = await mkdtemp(path.join(os.tmpdir(), 'reelhouse-bench-'))
// Run by root, PostgreSQL is another user, who must get through.
await chmod(folder, 0o755)
const env = {
  DATA_DIR: path.join(folder, 'data'),
  SAMPLE: 'off',
  LOG_LEVEL: 'error',
  POOL_SIZE: String(POOL),
  PORT: '0',
}
const reelhouse = (...args: string[]) => ran(process.execPath, [PROGRAM, ...args], env)
const say = (text: string) => process.stdout.write(`${text}\n`)
const show = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))
const row = (...cells: string[]) => say(`| ${cells.join(' | ')} |`)

const tell = (
  what: string,
  { ours, reference, ratio, spread }: Compared,
  against: string,
  unit: string,
  reach: string,
) =>
  row(
    what,
    `${show(ours)} ${unit}`,
    `${against}: ${show(reference)} ${unit}`,
    `${ratio.toFixed(2)} (± ${spread.toFixed(2)})`,
    reach,
  )

const only = new Set(options.only.split(','))
const { bavail, bsize } = await statfs(folder)
const [cpu] = os.cpus()
say(
  `${new Date().toISOString().slice(0, 10)} · ${os.cpus().length} × ${cpu?.model} · ${Math.round(os.totalmem() / 2 ** 30)} GiB · Node ${process.versions.node} · ${films} films · disk ${Math.round((bavail * bsize) / 2 ** 30)} GiB free`,
)
try {
  if (only.has('soak')) {
    const well = await soak({
      minutes: Number(options.minutes),
      films,
      perSecond: Number(options['per-second']),
      loadEvery: Number(options['load-every']),
      env,
      folder,
      row,
    })
    if (!well) process.exitCode = 1
  } else await bench()
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function bench(): Promise<void> {
  const source = path.join(folder, 'files')
  const ratings = Number(options.ratings) > 0 ? ['--ratings', options.ratings] : []
  await reelhouse('generate', 'movies', '--out', source, '--films', String(films), ...ratings)
  const warehouse = await openWarehouse(readConfig((await loadSubjects()).keys(), env))
  const client = await warehouse.connect('reelhouse bench')
  try {
    const { rows } = await client.query('select version()')
    say(`${rows[0].version}\n`)
    row('what', 'ours', 'reference', 'ratio', 'reach')
    row('---', '---', '---', '---', '---')
    const load = async () => {
      const { seconds, peak, stdout } = await reelhouse('load', 'movies', '--source', source, '--force', '--json')
      return { seconds, peak, load: JSON.parse(stdout) as { id: number; timings: Record<string, number> } }
    }
    let { load: loaded, peak } = await load()
    if (only.has('load')) {
      const split = path.join(folder, 'split')
      const tables = await splitRows(client, warehouse.libpq, split, loaded.id)
      const again = async () => {
        const one = await load()
        loaded = one.load
        peak = Math.max(peak, one.peak)
        return one.seconds
      }
      const compared = await inTurn(
        again,
        () => copyRows(client, warehouse.libpq, split, tables),
        films > 100_000 ? 1 : 3,
      )
      tell('whole load, checks and rollups included', compared, '\\copy of the rows, split already', 's', '≤ 2')
      row(
        '· its stages',
        Object.entries(loaded.timings)
          .map(([stage, ms]) => `${stage} ${ms}`)
          .join(', ')
          .concat(' ms'),
        '',
        '',
        '',
      )
      row('· memory of the load', `${show(peak)} MB`, '', '', '≤ 300 MB')
    }
    const size = await client.query(
      "select pg_database_size(current_database()) / 2 ^ 20 as mb, (select count(*) from reelhouse.load where state <> 'dropped') as loads",
    )
    row('· disk', `${show(Number(size.rows[0].mb))} MB for ${size.rows[0].loads} loads`, '', '', '')

    const reports = new Map((await loadReports()).map(({ name, report }) => [name, report]))
    /** The statement of a page, over the rollup or the films. */
    const statement = (name: string, asked: Record<string, string>, sort: string, rolledUp: boolean): CompiledQuery => {
      const report = reports.get(`movies/${name}`) as Report
      const params = report.params.parse(asked)
      const scope = scopeOf(loaded.id, { rolledUp })
      return pageStatement(warehouse.reader, {
        report,
        loadId: loaded.id,
        rows: report.query(warehouse.reader, scope, params) as Rows<unknown>,
        pickedBy: report.pickedBy?.(scope, params),
        page: { sort: sortKeys(report, sort), fields: Object.keys(report.row.shape), limit: 100, after: null },
        line: 'json',
        separator: ',\n',
        count: false,
        meta: report.meta?.(warehouse.reader, scope, params) ?? [],
      }).compile()
    }
    const pgbench = await findPgbench(warehouse.libpq, folder)
    if (!pgbench) say('\npgbench is not on PATH: what is measured against it is left out\n')
    const server = await listening(PROGRAM, ['serve'], env)
    const uncached = await listening(PROGRAM, ['serve'], { ...env, CACHE_MB: '0' })
    try {
      const rate =
        (url: string, paths: string[], connections = CONNECTIONS) =>
        async () =>
          (await throughput(url, paths, { seconds, connections })).perSecond
      if (only.has('cached')) {
        const asked = '/v1/movies/company-years?company_id=1'
        const constant = await listening(path.join(import.meta.dirname, 'constant-server.js'), [server.url + asked], {})
        const compared = await inTurn(rate(server.url, [asked]), rate(constant.url, ['/']))
        await constant.stop()
        tell('cached report, 100 connections', compared, 'Fastify, a constant of the same bytes', '/s', '≥ 0.85')
      }
      const YEARS = Array.from({ length: 40 }, (_, index) => ({
        from: String(1900 + index),
        to: String(2016 + (index % 4)),
      }))
      const COMPANIES = Array.from({ length: 40 }, (_, index) => ({ company_id: String(1 + index * 7) }))
      const url = (name: string, asked: Record<string, string>, sort: string) =>
        `/v1/movies/${name}?${new URLSearchParams({ ...asked, sort })}`
      const QUESTIONS: [what: string, name: string, asked: Record<string, string>[], sort: string][] = [
        ['one company’s years', 'company-years', COMPANIES, 'company_id,period'],
        ['all genres by year', 'genre-years', YEARS, 'genre_id,period'],
        ['top 100 company-years', 'company-years', YEARS, '-revenue'],
      ]
      for (const [what, name, asked, sort] of QUESTIONS) {
        const paths = asked.map((one) => url(name, one, sort))
        const ours = rate(uncached.url, paths)
        if (only.has('uncached') && pgbench) {
          const same = asked.map((one) => statement(name, one, sort, true))
          const compared = await inTurn(ours, () => pgbench(same, { seconds, connections: POOL }))
          tell(`uncached: ${what}`, compared, 'pgbench, the same SQL', '/s', '≥ 0.7')
        }
        if (only.has('whole') && pgbench && asked === YEARS) {
          const live = asked.map((one) => statement(name, one, sort, false))
          const compared = await inTurn(ours, () => pgbench(live, { seconds, connections: POOL }))
          tell(`uncached: ${what}`, compared, 'pgbench, live SQL over films', '/s', '≥ 10')
        }
        if (only.has('plain') && asked === YEARS) {
          const plain = await listening(
            path.join(import.meta.dirname, 'plain-server.js'),
            [warehouseUrl(warehouse.libpq), String(loaded.id)],
            {},
          )
          const compared = await inTurn(ours, rate(plain.url, paths))
          await plain.stop()
          tell(`uncached: ${what}`, compared, 'Fastify + pg, SQL per request', '/s', '')
        }
      }
      if (only.has('cold'))
        for await (const { question, p50, p95, status } of waits(uncached.url, 20)) {
          const [name = '', query = ''] = question.split('?')
          const report = reports.get(`movies/${name}`) as Report
          const { sort, count, ...asked } = Object.fromEntries(new URLSearchParams(query))
          const from = report.addedUpFrom?.(scopeOf(loaded.id, { rolledUp: true }), report.params.parse(asked))
          const few = from === 'movies.rollup' || asked.company_id !== undefined
          const reach = few ? `≤ ${films > 100_000 ? 100 : 50} ms` : films > 100_000 ? 'shown' : '≤ 300 ms'
          const waited = status === 200 ? `p95 ${show(p95)} ms (p50 ${show(p50)})` : `answered with ${status}`
          row(`cold: ${question}`, waited, few ? 'from a rollup, or of few ids' : 'from films', '', reach)
        }
      if (only.has('mix')) {
        const companies = Math.max(100, films / 2)
        const rest = { seconds: 20, perSecond: 100, companies }
        await mix(server.url, { ...rest, seconds: 5, seed: 1 })
        const alone = await mix(server.url, { ...rest, seed: 2 })
        const before = await residentMb(server.process.pid as number)
        const loading = load()
        const under = await mix(server.url, { ...rest, seconds: 600, seed: 3, while: loading })
        await loading
        row(
          '100 analysts, 100 requests a second, p99 while a load runs',
          `${show(under.p99)} ms (p50 ${show(under.p50)})`,
          `without a load: ${show(alone.p99)} ms (p50 ${show(alone.p50)})`,
          (under.p99 / alone.p99).toFixed(2),
          '≤ 2',
        )
        const errors = [...alone.errors, ...under.errors]
        row(
          '· errors, mixed loads',
          `${errors.length}, ${alone.mixed + under.mixed} of ${alone.requests + under.requests}`,
          errors.map(String).join('; '),
          '',
          '0',
        )
        row(
          '· memory of the server',
          `${show(await residentMb(server.process.pid as number))} MB`,
          `before the load: ${show(before)} MB`,
          '',
          '',
        )
      }
    } finally {
      await server.stop()
      await uncached.stop()
    }
  } finally {
    await client.end()
    await warehouse.close()
  }
}

function warehouseUrl({
  PGHOST = '',
  PGPORT = '',
  PGUSER = '',
  PGPASSWORD = '',
  PGDATABASE = '',
}: Record<string, string>) {
  return `postgres://${encodeURIComponent(PGUSER)}:${encodeURIComponent(PGPASSWORD)}@${PGHOST}:${PGPORT}/${PGDATABASE}`
}
