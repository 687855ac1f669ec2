import { parse } from 'csv-parse/sync'
import { sql } from 'kysely'
import t from 'tap'
import { z } from 'zod'
import { writtenRows } from '../queries/page.ts'
import { column, type Report, report } from '../queries/report.ts'
import { csvLine } from '../src/csv.ts'
import { build } from './build.ts'

/** Lines that PostgreSQL writes are those that we write ourselves, and csv-parse reads in them what they were made of. */

const TEXTS = [
  null,
  '',
  'plain',
  ' blanks around ',
  'a, b',
  'the "best"',
  '"',
  'two\nlines',
  'two\r\nlines',
  'a\rreturn',
  "Mom's",
  'a\\b',
  'tab\there',
  '(1)',
  'null',
  'é — 日本',
  ';',
]

t.test('a line of CSV quotes what needs it and nothing else', async (t) => {
  const { warehouse } = await build(t)
  const rows = TEXTS.map((text, n) => [n, text, n % 2 === 0, [text ?? '', 'x']] as const)
  const texts = report({
    summary: 'Texts',
    description: 'Texts.',
    version: 1,
    params: z.strictObject({}),
    row: z.strictObject({
      n: column.count('A number'),
      none: column.optionalId('No number'),
      less: column.count('A number below zero'),
      text: column.optionalText('A text'),
      flag: column.yes('A flag'),
      list: column.texts('Texts'),
    }),
    key: ['n'],
    defaultSort: 'n',
    example: {},
    query: (db) =>
      db
        .selectFrom(
          sql<{ n: number }>`(values ${sql.join(
            rows.map(
              ([n, text, flag, list]) =>
                sql`(${n}::bigint, null::bigint, ${-n}::bigint, ${text}::text, ${flag}::boolean, ${list}::text[])`,
            ),
          )})`.as(sql`r (n, none, less, text, flag, list)`),
        )
        .selectAll() as never,
  }) as unknown as Report
  const page = {
    sort: [{ column: 'n', descending: false }],
    fields: ['none', 'text', 'n', 'none', 'less', 'flag', 'list'],
    limit: null,
    after: null,
  }
  const query = texts.query(warehouse.reader, {} as never, {})
  const written = await writtenRows(warehouse.reader, texts, query, page, 'csv').execute()
  const cells = rows.map(([n, text, flag, list]) => [
    null,
    text,
    String(n),
    null,
    String(0 - n),
    String(flag),
    list.join('|'),
  ])
  t.strictSame(
    written.map(({ line }) => `${line}\r\n`),
    cells.map(csvLine),
  )
  t.strictSame(
    parse(written.map(({ line }) => `${line}\r\n`).join(''), { record_delimiter: '\r\n' }),
    cells.map((row) => row.map((cell) => cell ?? '')),
  )
})
