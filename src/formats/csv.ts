import { type TextRow, textRows } from '../../queries/page.ts'
import { csvLine, csvRow } from '../csv.ts'
import { type Format, MOST_ROWS } from '../format.ts'
import type { Sum } from '../sum.ts'

export const csv: Format = {
  name: 'csv',
  title: 'CSV',
  mediaType: 'text/csv',
  contentType: 'text/csv; charset=utf-8; header=present',
  binary: false,
  mostRows: MOST_ROWS,
  tellsMeta: false,
  line: 'texts',
  separator: ',',
  page({ lines }, { page }) {
    const cells = JSON.parse(`[${lines ?? ''}]`) as (string | null)[][]
    return csvLine(page.fields) + cells.map(csvLine).join('')
  },
  whole: {
    trailers: true,
    rows: (db, report, rows, page) => textRows(db, report, rows, page),
    write: (batches, { page }, sum) => writeCsv(batches, page.fields, sum),
  },
}

/** All rows as CSV, as they come. */
export async function* writeCsv(
  batches: AsyncIterable<TextRow[]>,
  columns: string[],
  sum: Sum,
): AsyncGenerator<string> {
  let header = csvLine(columns)
  for await (const batch of batches) {
    yield sum.add(header + batch.map((row) => csvRow(row, columns)).join(''), batch.length)
    header = ''
  }
  if (header) yield sum.add(header, 0)
}
