import path from 'node:path'
import type { CompiledQuery } from 'kysely'
import type pg from 'pg'
import { ROLLUP_TABLES } from '../../../queries/movies/parts/cell-rows.ts'
import { pageStatement, sortKeys } from '../../../queries/page.ts'
import { type Report, type Rows, scopeOf } from '../../../queries/report.ts'
import { findPgbench, type Pgbench } from '../pgbench.ts'
import { listening } from '../programs.ts'
import { inTurn } from '../rounds.ts'
import { CONNECTIONS, POOL, type Setting } from '../setting.ts'
import { throughput } from '../throughput.ts'

/** Answers a second to a hundred who ask again as soon as they are answered, against what could answer in our place. */

const program = (name: string) => path.join(import.meta.dirname, '..', name)

const perSecond =
  (url: string, paths: string[], seconds: number): (() => Promise<number>) =>
  async () =>
    (await throughput(url, paths, { seconds, connections: CONNECTIONS })).perSecond

export async function cached({ asked: { seconds }, served, tell }: Setting): Promise<void> {
  await served({}, async ({ url }) => {
    const asked = '/v1/movies/company-years?company_id=1'
    const constant = await listening(program('constant-server.js'), [url + asked], {})
    try {
      const ours = perSecond(url, [asked], seconds)
      const theirs = perSecond(constant.url, ['/'], seconds)
      // Until both are compiled.
      await ours()
      await theirs()
      const compared = await inTurn(ours, theirs, 5)
      tell('cached report, 100 connections', compared, 'Fastify, a constant of the same bytes', '/s', '≥ 0.85')
    } finally {
      await constant.stop()
    }
  })
}

/** A question as it is asked over HTTP with various values. */
interface Question {
  what: string
  report: string
  asked: Record<string, string>[]
  sort: string
}

/** As many as connections, each of which begins with another one: who asks what is being answered to somebody else costs nothing. */
const various = (ask: (index: number) => Record<string, string>) =>
  Array.from({ length: CONNECTIONS }, (_, at) => ask(at))
const years = various((at) => ({ from: String(1900 + (at % 50)), to: String(2016 + Math.floor(at / 50)) }))
const WHOLE: Question[] = [
  { what: 'all genres by year', report: 'genre-years', asked: years, sort: 'genre_id,period' },
  { what: 'top 100 company-years', report: 'company-years', asked: years, sort: '-revenue' },
]
const ONE: Question = {
  what: 'one company’s years',
  report: 'company-years',
  asked: various((at) => ({ company_id: String(1 + at * 3) })),
  sort: 'company_id,period',
}

const paths = ({ report, asked, sort }: Question) =>
  asked.map((one) => `/v1/movies/${report}?${new URLSearchParams({ ...one, sort })}`)

export async function uncached(setting: Setting): Promise<void> {
  for (const question of [ONE, ...WHOLE])
    await againstPgbench(setting, question, { rolledUp: true, against: 'pgbench, the same SQL', reach: '≥ 0.7' })
}

export async function whole(setting: Setting): Promise<void> {
  for (const question of WHOLE)
    await againstPgbench(setting, question, { rolledUp: false, against: 'pgbench, live SQL over films', reach: '≥ 10' })
}

async function againstPgbench(
  setting: Setting,
  question: Question,
  { rolledUp, against, reach }: { rolledUp: boolean; against: string; reach: string },
): Promise<void> {
  const { asked, served, tell, row } = setting
  const pgbench = await findPgbench(setting.warehouse.libpq, setting.folder)
  if (!pgbench) return row(`uncached: ${question.what}`, 'not measured', 'pgbench is not on PATH', '', reach)
  const same = question.asked.map((one) => statement(setting, question, one, rolledUp))
  const reference = await fittingTime(pgbench, same, asked.seconds)
  await served({ CACHE_MB: '0' }, async ({ url }) => {
    const compared = await inTurn(perSecond(url, paths(question), asked.seconds), reference)
    tell(`uncached: ${question.what}`, compared, against, '/s', reach)
  })
}

/** What takes a second for each statement needs more time to be told apart from nothing. */
async function fittingTime(
  pgbench: Pgbench,
  statements: CompiledQuery[],
  seconds: number,
): Promise<() => Promise<number>> {
  const first = await pgbench(statements, { seconds, connections: POOL })
  const needed = first < 20 ? seconds * 4 : seconds
  return () => pgbench(statements, { seconds: needed, connections: POOL })
}

export async function plain({ asked: { seconds }, client, warehouse, loaded, served, tell }: Setting): Promise<void> {
  await makePlainTables(client, loaded.id)
  // Until it has ended: it works on for those who are gone, and what is measured next would have to share the machine with it.
  const theirs = (asked: string[]) => async () => {
    const reference = await listening(program('plain-server.js'), [urlOf(warehouse.libpq)], {})
    return await perSecond(reference.url, asked, seconds * 4)().finally(() => reference.stop())
  }
  for (const question of WHOLE)
    await served({ CACHE_MB: '0' }, async ({ url }) => {
      const asked = paths(question)
      const compared = await inTurn(perSecond(url, asked, seconds), theirs(asked))
      tell(`uncached: ${question.what}`, compared, 'Fastify + pg, SQL per request', '/s', '')
    })
  await client.query('drop schema plain cascade')
}

/** A load's films as an application without loads has them: tables with keys, indexes and statistics. */
async function makePlainTables(client: pg.Client, load: number): Promise<void> {
  await client.query('create schema plain')
  for (const [table, key, index] of [
    ['film', 'film_id', 'release_year'],
    ['film_genre', 'film_id, genre_id', 'genre_id'],
    ['film_company', 'film_id, company_id', 'company_id'],
    ['genre', 'genre_id', 'name'],
    ['company', 'company_id', 'name'],
  ])
    await client.query(`
      create table plain.${table} as select * from movies.${table} where load_id = ${load};
      alter table plain.${table} add primary key (${key});
      create index on plain.${table} (${index});
      analyze plain.${table}`)
}

/** The statement of a page, over the rollup or the films. */
function statement(
  { warehouse: { reader }, reports, loaded }: Setting,
  { report: name, sort }: Question,
  asked: Record<string, string>,
  rolledUp: boolean,
): CompiledQuery {
  const report = reports.get(`movies/${name}`) as Report
  const params = report.params.parse(asked)
  const scope = scopeOf(loaded.id, { rollups: rolledUp ? ROLLUP_TABLES : [] })
  return pageStatement(reader, {
    report,
    loadId: loaded.id,
    rows: report.query(reader, scope, params) as Rows<unknown>,
    pickedBy: report.pickedBy?.(scope, params),
    page: { sort: sortKeys(report, sort), fields: Object.keys(report.row.shape), limit: 100, after: null },
    line: 'json',
    separator: ',\n',
    count: false,
    meta: report.meta?.(reader, scope, params) ?? [],
  }).compile()
}

function urlOf({ PGHOST = '', PGPORT = '', PGUSER = '', PGPASSWORD = '', PGDATABASE = '' }: Record<string, string>) {
  return `postgres://${encodeURIComponent(PGUSER)}:${encodeURIComponent(PGPASSWORD)}@${PGHOST}:${PGPORT}/${PGDATABASE}`
}
