import { writtenRows } from '../../queries/page.ts'
import { csvLine, csvLines } from '../csv.ts'
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
  line: 'csv',
  separator: '\r\n',
  page: ({ lines }, { page }) => csvLine(page.fields) + (lines === null ? '' : `${lines}\r\n`),
  whole: {
    trailers: true,
    rows: (db, report, rows, page) => writtenRows(db, report, rows, page, 'csv'),
    write: (batches, { page }, sum) => writeCsv(batches, page.fields, sum),
  },
}

/** All rows as CSV, as they come. */
export async function* writeCsv(
  batches: AsyncIterable<{ line: string }[]>,
  columns: string[],
  sum: Sum,
): AsyncGenerator<Buffer> {
  let header = csvLine(columns)
  for await (const batch of batches) {
    yield sum.add(header + csvLines(batch), batch.length)
    header = ''
  }
  if (header) yield sum.add(header, 0)
}
