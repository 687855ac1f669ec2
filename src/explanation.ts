import { sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { z } from 'zod'
import { type CountedGroup, countedFilms } from '../queries/counted-films.ts'
import { checks, type LoadView, shownLoad } from '../queries/loads.ts'
import { type Counted, lackingShape } from '../queries/report.ts'
import { assertAnswerable, noSuchRow, ofKept, type PageAnswer, statementOf } from './answer.ts'
import { columnShape, describedColumns } from './columns.ts'
import { checkShape, loadShape } from './load-shapes.ts'
import { digest, type Question } from './question.ts'
import { scopeOfSnapshot } from './snapshots.ts'
import type { Warehouse } from './warehouse.ts'

/**
 * What the rows of a question mean and rest on, instead of the rows: for whoever must answer for a figure. All of it is read
 * where the rows would be, from the same load by the same queries.
 */

const films = z.int()

const explanation = z.strictObject({
  report: z.strictObject({ summary: z.string(), description: z.string() }),
  columns: z.array(columnShape).describe('Columns that show'),
  films: z
    .strictObject({
      in_load: films,
      counted: films.describe('Films behind the rows of all pages, each once'),
      left_out: z
        .array(z.strictObject({ reason: z.string(), films }))
        .describe(
          'All other films of the load, each by the first reason that applies: the parameter that leaves it out, or `undated`, `month_unknown`, `no_company` …; `in_load` is their sum and `counted`',
        ),
    })
    .optional(),
  coverage: z
    .record(z.string(), z.strictObject({ known: films, counted: films }))
    .optional()
    .describe('Of how many of the counted films each measure is known; `both` is budget and revenue'),
  ...lackingShape,
  sql: z
    .strictObject({
      text: z.string().describe('With `$1`, `$2` … for the parameters'),
      parameters: z.array(z.unknown()).describe('Their values, in order'),
    })
    .describe(
      'The one statement that the answer is read by: the rows that show are its `page`; with what `meta` tells',
    ),
  added_up_from: z
    .string()
    .optional()
    .describe(
      'The table that the figures are added up from: a rollup that was kept with the load, or the films themselves',
    ),
  plan: z.unknown().optional().describe('PostgreSQL’s plan of it, for admins only'),
  load: loadShape,
  checks: z.array(checkShape.omit({ sample: true })).describe('What was checked before the load was published'),
  sources: z
    .array(z.strictObject({ load: z.int(), file: z.string(), films: films.optional() }))
    .describe(
      'Files that the counted films were read from, and the loads that read them; of a report that counts none, all files that the load has something of',
    ),
})

/** Shape of the answer. */
export const explanationShape = z.strictObject({
  data: explanation,
  meta: z.strictObject({
    report: z.string(),
    load: z.strictObject({
      id: z.int(),
      published_at: z.iso.datetime(),
      data_through: z.iso.date().nullable(),
    }),
  }),
})

/** A request for an explanation: the question that is explained, its load as the ledger has it now, and who asks. */
export interface Explained {
  question: Question
  load: LoadView
  admin: boolean
}

// biome-ignore lint/suspicious/noExplicitAny: the rows of any report
type AnyDb = ReadonlyKysely<any>

/** What is known without reading films: the definitions and the queries. */
function definitions(db: AnyDb, question: Question) {
  const {
    served: { report },
    snapshot,
    params,
  } = question
  const from = report.addedUpFrom?.(scopeOfSnapshot(snapshot), params)
  const { sql: text, parameters } = statementOf(db, question).compile()
  return {
    report: { summary: report.summary, description: report.description },
    columns: describedColumns(report, question.page.fields),
    sql: { text, parameters: [...parameters] },
    ...(from === undefined ? {} : { added_up_from: from }),
  }
}

/** Names everything that the explanation depends on. A load's state moves on, and definitions are reworded. */
export const explanationFingerprint = (db: AnyDb, { question, load, admin }: Explained): string =>
  digest(['explain', question.fingerprint, admin, shownLoad(load), definitions(db, question)])

/** @throws Problem as the question's own answer would, 410 when the load was dropped meanwhile */
export const answerExplained = (warehouse: Warehouse, explained: Explained, signal: AbortSignal): Promise<PageAnswer> =>
  ofKept(warehouse.reader, [explained.question.snapshot.id], () => readExplained(warehouse, explained, signal))

async function readExplained(
  { reader, writer }: Warehouse,
  { question, load, admin }: Explained,
  signal: AbortSignal,
): Promise<PageAnswer> {
  const db: AnyDb = reader
  const { served, snapshot, params } = question
  const scope = scopeOfSnapshot(snapshot)
  const run = { signal, inflightQueryAbortStrategy: 'cancel query' } as const
  const { report, columns, ...statement } = definitions(db, question)
  const counted = served.report.counted?.(db, scope, params)
  await assertAnswerable(db, served.report, scope, params)
  const page = statementOf(db, question)
  if (served.single && (await page.execute(run))[0]?.lines == null) throw noSuchRow(question)
  const groups = counted ? await countedFilms(db, counted).execute(run) : []
  const lacking = await served.report.lacking?.(db, scope, params)?.execute(run)
  const checked = (await checks(snapshot.id).execute(writer)).rows
  const data = {
    report,
    columns,
    ...(counted && { films: told(counted, groups), coverage: coverage(counted, groups) }),
    ...lacking?.[0],
    ...statement,
    ...(admin && { plan: await planOf(page) }),
    load: shownLoad(load),
    checks: checked.map(({ sample, ...shown }) => shown),
    sources: counted
      ? groups.filter(({ reason }) => reason === null).map(({ load, file, films }) => ({ load, file, films }))
      : filesBehind(load),
  }
  const { id, published_at, data_through } = snapshot
  const meta = { report: served.shownName, load: { id, published_at, data_through } }
  return { body: `{"data":${JSON.stringify(data)},\n"meta":${JSON.stringify(meta)}}\n`, next: null }
}

/** Where a report does not tell which things are behind it: all files that the load has something of. */
const filesBehind = ({ families }: LoadView) =>
  families
    .flatMap((family) => [family, ...family.taken_over])
    .flatMap(({ load, files }) => files.map((file) => ({ load, file })))

const sum = (numbers: number[]) => numbers.reduce((total, one) => total + one, 0)

function told({ reasons }: Counted, groups: CountedGroup[]) {
  const by = (wanted: string | null) => sum(groups.filter(({ reason }) => reason === wanted).map(({ films }) => films))
  return {
    in_load: sum(groups.map(({ films }) => films)),
    counted: by(null),
    left_out: reasons.map((reason) => ({ reason, films: by(reason) })),
  }
}

function coverage({ coverage: measures }: Counted, groups: CountedGroup[]) {
  const counting = groups.filter(({ reason }) => reason === null)
  const counted = sum(counting.map(({ films }) => films))
  return Object.fromEntries(
    measures.map((measure, index) => [
      measure,
      { known: sum(counting.map(({ known }) => known[index] as number)), counted },
    ]),
  )
}

/** How PostgreSQL would go about it; nothing is run. */
async function planOf(page: ReturnType<typeof statementOf>): Promise<unknown> {
  const [answer] = await page.explain('json', sql`analyze false`)
  return answer?.['QUERY PLAN']
}
