import { writtenRows } from '../../queries/page.ts'
import { type Format, MOST_ROWS } from '../format.ts'
import { Sum } from '../sum.ts'

export const ndjson: Format = {
  name: 'ndjson',
  title: 'NDJSON',
  mediaType: 'application/x-ndjson',
  contentType: 'application/x-ndjson; charset=utf-8',
  binary: false,
  mostRows: MOST_ROWS,
  tellsMeta: false,
  line: 'json',
  separator: '\n',
  page({ rows, lines }) {
    const sum = new Sum()
    const text = lines === null ? '' : `${lines}\n`
    sum.add(text, rows)
    return text + endRecord(sum)
  },
  whole: {
    trailers: false,
    rows: (db, report, rows, page) => writtenRows(db, report, rows, page, 'json'),
    async *write(batches: AsyncIterable<{ line: string }[]>, _, sum) {
      for await (const batch of batches) yield sum.add(batch.map(({ line }) => `${line}\n`).join(''), batch.length)
      yield endRecord(sum)
    },
  },
}

/** The last record: without it, a part could pass for the whole. */
const endRecord = (sum: Sum) => `${JSON.stringify({ end: true, rows: sum.rows, digest: sum.digest() })}\n`
