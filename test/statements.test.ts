import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import t from 'tap'
import { z } from 'zod'
import { ROLLUP_TABLES } from '../queries/movies/parts/cell-rows.ts'
import { wholeNumber } from '../queries/params.ts'
import { column, report } from '../queries/report.ts'
import { statementOf } from '../src/answer.ts'
import { json } from '../src/formats/json.ts'
import { paramsOf, type Question, understand } from '../src/question.ts'
import { loadReports, type ServedReport } from '../src/reports.ts'
import { type Statement, statementFor } from '../src/statements.ts'
import { build } from './build.ts'

/** A statement is written once for all questions of its kind, and is what it would be if it were written for each. */

const snapshot = {
  id: 7,
  published_at: '2026-11-01T07:00:00.000Z',
  data_through: '2026-10-28',
  rollups: ROLLUP_TABLES,
  read_by: {},
  shows: null,
}

const asked = (served: ServedReport, query: Record<string, string>): Promise<Question> =>
  understand(served, paramsOf(served).parse(query), json, async () => snapshot)

/** Counts how often statements are written. */
function writer(db: ReadonlyKysely<unknown>) {
  const writing = { times: 0 }
  const write = (question: Question) => {
    writing.times += 1
    return statementOf(db, question).compile() as Statement
  }
  return { writing, write }
}

/** What a parameter takes of these, as far as it is read as numbers. */
function numbersFor(served: ServedReport, name: string): string[] {
  const type = paramsOf(served).shape[name] as z.ZodType
  return ['0', '1', '3', '4', '1995', '2000', '99999', '1,2', '3,4', '5,1995'].filter((text) => {
    const { success, data } = type.safeParse(text)
    return success && [data].flat().every((value) => typeof value === 'number')
  })
}

t.test('every report has the statement that its own numbers ask for', async (t) => {
  const { warehouse } = await build(t)
  const { writing, write } = writer(warehouse.reader)
  let spared = 0
  for (const served of await loadReports()) {
    const numeric = Object.keys(paramsOf(served).shape).filter((name) => numbersFor(served, name).length > 0)
    for (const name of ['', ...numeric.filter((name) => name !== 'limit')])
      for (const value of ['', '', ...(name === '' ? [] : numbersFor(served, name))]) {
        const { limit: _, ...example } = served.report.example as Record<string, string>
        const query = { ...example, ...(value === '' ? {} : { [name]: value }), ...priced(name) }
        const question = await asked(served, query).catch(() => undefined)
        // Two of its numbers may contradict each other.
        if (!question) continue
        const before = writing.times
        const { sql: text, parameters } = statementFor(question, write)
        if (writing.times === before) spared += 1
        const anew = write(question)
        t.strictSame([text, parameters], [anew.sql, anew.parameters], `${served.name} ${JSON.stringify(query)}`)
      }
  }
  t.ok(spared > 200, `${spared} of them were not written`)
})

const priced = (name: string): Record<string, string> => (name === 'base_year' ? { prices: 'real' } : {})

t.test('a report that does more with a number than hand it on is written anew each time', async (t) => {
  const { warehouse } = await build(t)
  const reportThat = (does: (n: number) => unknown): ServedReport => {
    const name = `test/${Math.random()}`
    const one = report({
      summary: 'One row',
      description: 'One row.',
      version: 1,
      params: z.strictObject({ n: wholeNumber(0, 1_000_000, 'A number') }),
      row: z.strictObject({ n: column.count('A number') }),
      key: ['n'],
      defaultSort: 'n',
      example: {},
      query: (db: ReadonlyKysely<unknown>, _, { n = 0 }) =>
        db.selectFrom(sql<{ n: number }>`(select ${does(n)} as n)`.as('one')).selectAll() as never,
    })
    return { name, shownName: name, subject: 'test', url: `/v1/${name}`, single: false, report: one as never }
  }
  const timesWritten = async (served: ServedReport) => {
    const { writing, write } = writer(warehouse.reader)
    for (const n of [5, 6, 7, 8, 900]) {
      const question = await asked(served, { n: String(n) })
      const { sql: text, parameters } = statementFor(question, write)
      const anew = statementOf(warehouse.reader, question).compile()
      t.strictSame([text, parameters], [anew.sql, anew.parameters])
    }
    return writing.times
  }
  t.equal(await timesWritten(reportThat((n) => n)), 4, 'once, and three times to learn of it')
  for (const [does, what] of [
    [(n: number) => n + 1, 'adds to it'],
    [(n: number) => Math.max(n, 6), 'takes the larger one'],
    [(n: number) => n > 6, 'compares it'],
    [(n: number) => (n > 6 ? sql`1` : sql`2`), 'chooses by it'],
    [(n: number) => String(n), 'writes it as a text'],
    [(n: number) => sql.lit(n), 'puts it into the text'],
  ] as const)
    t.equal(await timesWritten(reportThat(does)), 7, `one that ${what}`)
})

t.test('what is remembered of a statement is little more than its text', async (t) => {
  const { warehouse } = await build(t)
  const [served] = (await loadReports()).filter(({ name }) => name === 'movies/company-years')
  let text = ''
  const remember = async (id: number) => {
    const query = { company_id: '3', aggregate: 'mean' }
    const question = await understand(
      served as ServedReport,
      paramsOf(served as ServedReport).parse(query),
      json,
      async () => ({
        ...snapshot,
        id,
      }),
    )
    for (let time = 0; time < 3; time++) {
      const statement = statementFor(question, (one) => statementOf(warehouse.reader, one).compile() as Statement)
      // As it is when it is sent: in one piece.
      text = Buffer.from(statement.sql).toString()
    }
  }
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heap = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  await remember(1_000)
  const before = heap()
  const kinds = 200
  for (let id = 1_001; id <= 1_000 + kinds; id++) await remember(id)
  const each = (heap() - before) / kinds
  t.ok(each < 2 * text.length + 3_000, `${Math.round(each)} bytes for ${text.length}`)
})
