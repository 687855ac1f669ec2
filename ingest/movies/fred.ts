import { z } from 'zod'
import { calendarDate, LONGEST_KEY, shown } from '../cells.ts'
import type { FileFormat, Format } from '../subject.ts'
import { type Prices, priceIndexes } from './price-indexes.ts'

/** FRED's files: a month a line, a series a column, the name of the series being that of the column. */

const DATE_COLUMNS = ['DATE', 'Date', 'date', 'observation_date']
const SERIES = /^[A-Z][A-Z\d_.]*$/

/** Looks like digits with a point, and more than 0. */
const AMOUNT = /^(?=.*[1-9])\d{1,15}(?:\.\d{1,20})?$/

const record = z.record(z.string(), z.unknown()).transform((cells, context): Prices => {
  const bad = (column: string, code: string, message: string): never => {
    context.addIssue({ code: 'custom', path: [column], message, params: { code } })
    return z.NEVER
  }
  const dateColumn = DATE_COLUMNS.find((column) => column in cells) ?? 'DATE'
  const date = textOf(cells[dateColumn])
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date) ?? []
  const first = day === '01' ? calendarDate(Number(year), Number(month), 1) : null
  if (date === '') return bad(dateColumn, 'missing', 'is missing')
  if (!first) return bad(dateColumn, 'bad_date', `${shown(date)} is not the first day of a month, YYYY-MM-01`)
  const values = Object.keys(cells)
    .filter((column) => column !== dateColumn)
    .map((series) => {
      const value = textOf(cells[series])
      if (value !== '' && value !== '.' && !AMOUNT.test(value))
        bad(series, 'bad_number', `${shown(value)} is not a number above 0`)
      return { series, value: value === '' || value === '.' ? null : value }
    })
  return { month: first, values }
})

const textOf = (cell: unknown) => (typeof cell === 'string' ? cell.trim() : '')

const file: FileFormat<Prices> = {
  family: priceIndexes,
  fileName: '<series>.csv',
  required: true,
  read: 'csv',
  columns: [],
  optional: [],
  telling: [],
  fits: ([date = '', ...series]) =>
    DATE_COLUMNS.includes(date) &&
    series.length > 0 &&
    series.every((name) => SERIES.test(name) && name.length <= LONGEST_KEY),
  identity: DATE_COLUMNS,
  record,
}

/** Beside the files of any other format. */
export const priceIndexFiles: FileFormat<Prices> = { ...file, required: false }

export const fred: Format = {
  name: 'fred',
  summary:
    'Price indexes of FRED: any series by name, one a column, a month a line; it has no films, so it is merged into what is published',
  idSpace: null,
  identifiedBy: 'id',
  files: [file],
}
