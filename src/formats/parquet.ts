import { ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer'
import type { z } from 'zod'
import { type TextRow, textRows } from '../../queries/page.ts'
import { factsOf, type Report } from '../../queries/report.ts'
import { badParameter } from '../errors.ts'
import { type Format, MOST_ROWS } from '../format.ts'
import type { Question } from '../question.ts'

/**
 * Parquet: columns of exact types, in row groups, each packed with Snappy, which every reader knows. A column's type follows from
 * the report and its parameters, never from the data, so that files of one question fit together.
 */
export const parquet: Format = {
  name: 'parquet',
  title: 'Parquet',
  mediaType: 'application/vnd.apache.parquet',
  contentType: 'application/vnd.apache.parquet',
  binary: true,
  mostRows: MOST_ROWS,
  tellsMeta: false,
  line: 'cells',
  separator: ',',
  page({ lines }, question) {
    const file = new ParquetFile(question)
    for (const row of JSON.parse(`[${lines ?? ''}]`) as Cell[][]) file.add((index) => row[index] as Cell)
    return file.end()
  },
  whole: {
    // The footer, which comes last, proves it: without it no reader takes the file.
    trailers: false,
    rows: textRows,
    async *write(batches: AsyncIterable<TextRow[]>, question) {
      const { fields } = question.page
      const file = new ParquetFile(question)
      for await (const batch of batches) {
        for (const row of batch) file.add((index) => row[fields[index] as string] as Cell)
        if (file.waiting >= GROUP_ROWS) yield file.group()
      }
      yield file.end()
    },
  },
}

/** Rows of a row group. It is held in memory, and packing it keeps everybody else waiting: some tenth of a second. */
const GROUP_ROWS = 10_000

/** Of this notation, not of the program: with each release of it the bytes would change, and their ETag would not. */
const CREATED_BY = 'reelhouse version 1.0.0'

type Cell = string | null

/** A file in the making, handed over as it grows. */
class ParquetFile {
  readonly #columns: Column[]
  readonly #bytes = new ByteWriter()
  readonly #facts: { key: string; value: string }[]
  readonly #writer: ParquetWriter
  #rows = 0
  /** Rows that are in no group yet. */
  waiting = 0

  constructor(question: Question) {
    const { served, params, page } = question
    this.#columns = page.fields.map((name) => columnOf(served.report, name, params))
    this.#facts = factsAbout(question)
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: [
        { name: 'row', num_children: this.#columns.length },
        ...this.#columns.flatMap(({ elements }) => elements),
      ],
      codec: 'SNAPPY',
      createdBy: CREATED_BY,
      kvMetadata: this.#facts,
    })
  }

  /** @throws Problem 400 when a number is too large for its column */
  add(cellAt: (index: number) => Cell): void {
    for (const [index, { values, read }] of this.#columns.entries()) {
      const cell = cellAt(index)
      values.push(cell === null ? null : read(cell))
    }
    this.waiting += 1
  }

  /** What waits, as a row group. */
  group(): Buffer {
    const columnData = this.#columns.map(({ name, values }) => ({ name, data: values }))
    if (this.waiting > 0) this.#writer.write({ columnData, rowGroupSize: this.waiting })
    this.#rows += this.waiting
    this.waiting = 0
    for (const column of this.#columns) column.values = []
    const bytes = Buffer.from(this.#bytes.getBuffer())
    // As the package's own writer of files does it; its count of bytes goes on.
    this.#bytes.index = 0
    return bytes
  }

  /** The rest, and the footer. */
  end(): Buffer {
    const rest = this.group()
    this.#facts.push({ key: 'row_count', value: String(this.#rows) })
    this.#writer.finish()
    return Buffer.concat([rest, this.#bytes.getBytes()])
  }
}

/** What the file tells of itself. */
function factsAbout({ served, snapshot, params, page }: Question): { key: string; value: string }[] {
  const { sort, fields, limit, after } = page
  const order = sort.map(({ column, descending }) => `${descending ? '-' : ''}${column}`).join()
  const asked = { ...params, sort: order, fields: fields.join(), ...(limit === null ? {} : { limit, after }) }
  return [
    { key: 'report', value: served.name },
    { key: 'load_id', value: String(snapshot.id) },
    { key: 'published_at', value: snapshot.published_at },
    { key: 'parameters', value: JSON.stringify(asked) },
  ]
}

interface Column {
  name: string
  elements: SchemaElement[]
  /** The value of PostgreSQL's text. */
  read: (text: string) => unknown
  values: unknown[]
}

function columnOf(report: Report, name: string, params: Record<string, unknown>): Column {
  const type = (report.row.shape as z.ZodRawShape)[name] as z.ZodType
  const { sql, decimals } = factsOf(type)
  const given = report.decimals?.(params) ?? {}
  const places = Object.hasOwn(given, name) ? given[name] : decimals
  const nullable = type.isNullable()
  const repetition_type = nullable ? 'OPTIONAL' : 'REQUIRED'
  const of = (element: Omit<SchemaElement, 'name'>, read: (text: string) => unknown): Column => ({
    name,
    elements: [{ name, repetition_type, ...element }],
    read,
    values: [],
  })
  switch (sql) {
    case 'bigint':
      return of({ type: 'INT64' }, (text) => whole(name, text))
    case 'integer':
      return of({ type: 'INT32' }, Number)
    case 'boolean':
      return of({ type: 'BOOLEAN' }, (text) => text === 'true')
    case 'date':
      return of({ type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } }, daysSince1970)
    case 'timestamptz':
      return of(INSTANT, (text) => BigInt(Date.parse(text)))
    case 'text':
      return of(TEXT, (text) => text)
    case 'text[]': {
      const list = of({ converted_type: 'LIST', logical_type: { type: 'LIST' }, num_children: 1 }, JSON.parse)
      const inner: SchemaElement[] = [
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        { name: 'element', repetition_type: 'REQUIRED', ...TEXT },
      ]
      return { ...list, elements: [...list.elements, ...inner] }
    }
    case 'numeric':
      if (places === undefined) return of({ type: 'DOUBLE' }, Number)
      if (places === 0) return of({ type: 'INT64' }, (text) => whole(name, text))
      return of(decimal(places), (text) => scaled(name, text, places))
  }
}

const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const

/** Milliseconds since 1970. */
const INSTANT = {
  type: 'INT64',
  converted_type: 'TIMESTAMP_MILLIS',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
} as const

/** The most digits that readers agree on. */
const PRECISION = 38

const decimal = (scale: number) =>
  ({
    type: 'FIXED_LEN_BYTE_ARRAY',
    type_length: 16,
    converted_type: 'DECIMAL',
    scale,
    precision: PRECISION,
    logical_type: { type: 'DECIMAL', scale, precision: PRECISION },
  }) as const

const daysSince1970 = (date: string) => Date.parse(date) / 86_400_000

function whole(column: string, text: string): bigint {
  const value = BigInt(text)
  if (BigInt.asIntN(64, value) !== value) throw tooLarge(column, text, 'a whole number of 64 bits')
  return value
}

/** The number without its point: what a decimal is made of. */
function scaled(column: string, text: string, scale: number): bigint {
  const [before, after = ''] = text.split('.') as [string, string?]
  if (after.length > scale) throw new Error(`${column} is ${text}, which has more than ${scale} decimals`)
  const digits = before + after.padEnd(scale, '0')
  if (digits.replace('-', '').length > PRECISION) throw tooLarge(column, text, `a decimal of ${PRECISION} digits`)
  return BigInt(digits)
}

const tooLarge = (column: string, text: string, kind: string) =>
  badParameter('format', `parquet holds ${column} as ${kind}, which ${text} is too large for; ask for csv or ndjson`)
