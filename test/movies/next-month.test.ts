import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { parse } from 'csv-parse/sync'
import t from 'tap'
import { programFolder } from '../../src/discover.ts'
import { CHANGING } from './changes-questions.ts'
import { exactJson } from './exact.ts'
import { LawHouse, oracleOf } from './law-house.ts'
import { REPORTS } from './oracle.ts'
import { type Asked, ChangesOracle } from './oracle-changes.ts'
import { type FilmRecord, type Named, nothingMore } from './oracle-figures.ts'
import { queryOf } from './questions.ts'

/**
 * Real films, and the same a month later: ten changed, two gone, three new (test/fixtures/next-month.sed, which the README
 * shows). The data is not part of this repository: REELHOUSE_SHARED_DATA names the folder that has it.
 */
const shared = process.env.REELHOUSE_SHARED_DATA

t.setTimeout(0)
t.test(
  'a month of real films is told as an independent calculator finds it',
  shared === undefined ? { skip: 'REELHOUSE_SHARED_DATA names no folder with the data' } : { timeout: 0 },
  async (t) => {
    const laws = await LawHouse.open(t)
    const file = path.join(shared as string, 'movies', 'movies_metadata.csv')
    const script = path.join(programFolder, 'test/fixtures/next-month.sed')
    const { stdout: next } = await promisify(execFile)('sed', ['-f', script, file], { maxBuffer: 2 ** 27 })
    const oracles = []
    for (const text of [await readFile(file, 'utf8'), next]) {
      const load = await laws.load('movies_metadata.csv', text)
      assert.equal(load.state, 'published')
      oracles.push(oracleOf(load, records(text)))
    }
    const oracle = new ChangesOracle(...(oracles as [(typeof oracles)[0], (typeof oracles)[0]]))
    const check = async (t: Tap, asked: Asked) => {
      const { report, ...others } = asked
      const query = new URLSearchParams({ report: `movies/${report}`, ...queryOf(others), films: '20', limit: '1000' })
      const { body } = await laws.house.app.inject({ url: `/v1/loads/2/changes?${query}` })
      const { data, meta } = exactJson(body)
      const expected = oracle.answer(asked)
      t.strictSame(data, expected.data)
      t.strictSame(meta.totals, expected.totals)
      return JSON.parse(body)
    }

    // Of others, hand-made loads tell: the records here have no lines to be compared.
    for (const report of CHANGING.filter((name) => ['cells', 'life'].includes(REPORTS[name].kind)))
      await t.test(`movies/${report}`, async (t) => {
        const { meta } = await check(t, { report, params: {}, films: 20 })
        t.match(meta.totals.films, { removed: 2 })
        await check(t, { report, params: {}, films: 20, fields: ['releases', 'revenue', 'roi'], sort: '-revenue' })
        await check(t, { report, params: { company_id: [3, 33] }, films: 20, sort: '-budget' })
      })

    await t.test('movies/films', async (t) => {
      const fields = ['title', 'release_date', 'budget', 'revenue']
      const { data, meta } = await check(t, { report: 'films', params: {}, films: 20, fields })
      t.strictSame(meta.totals, { rows: { added: 3, removed: 2, changed: 10 } })
      t.equal(data.length, 15)
    })
  },
)

type Tap = Parameters<typeof LawHouse.open>[0]

/** The records of the real file, read without any of the program's readers. */
function records(text: string): FilmRecord[] {
  const rows: Record<string, string>[] = parse(text, { columns: true })
  const list = (cell = ''): Named[] =>
    [...cell.matchAll(/\{[^}]*\}/g)].map(([item]) => ({
      id: Number(/'id': (\d+)/.exec(item)?.[1]),
      name: unescaped(/'name': (?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/.exec(item)),
    }))
  return rows.map((row) => ({
    id: Number(row.id),
    ...nothingMore,
    line: 0,
    title: (row.title ?? '').trim(),
    releaseDate: row.release_date ?? '',
    status: row.status ?? '',
    originalLanguage: row.original_language ?? '',
    contentRating: '',
    runtime: row.runtime ?? '',
    budget: row.budget ?? '',
    revenue: row.revenue ?? '',
    popularity: row.popularity ?? '',
    voteAverage: row.vote_average ?? '',
    voteCount: row.vote_count ?? '',
    collection: list(row.belongs_to_collection)[0] ?? null,
    companies: list(row.production_companies),
    genres: list(row.genres),
  }))
}

const unescaped = (found: RegExpExecArray | null): string =>
  (found?.[1] ?? found?.[2] ?? '').replace(/\\x([0-9a-f]{2})|\\(.)/g, (_, code: string, character: string) =>
    code ? String.fromCharCode(Number.parseInt(code, 16)) : character,
  )
