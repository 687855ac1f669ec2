import { excerpt, type RawRecord, UnreadableFileError } from './parse.ts'
import { parseCsv } from './parse-csv.ts'
import { parseJsonArray } from './parse-json.ts'
import { parseJsonLines } from './parse-json-lines.ts'
import type { FileFormat } from './subject.ts'

/** One record of the ledger on its own, as if it stood in its file, under the header that the file had. */
export async function readOne(
  text: string,
  line: number,
  notation: FileFormat['read'],
  { name, columns }: { name: string; columns: string[] | null },
): Promise<RawRecord<Record<string, unknown>>> {
  const options = { file: name }
  const found: RawRecord<Record<string, unknown>>[] = []
  try {
    if (notation === 'json-lines') for await (const batch of parseJsonLines(once(text), options)) found.push(...batch)
    else if (notation === 'json')
      for await (const batch of parseJsonArray(once(`[${text}]`), options)) found.push(...batch)
    else {
      const header = (columns as string[]).map((column) => `"${column.replaceAll('"', '""')}"`).join(',')
      const table = await parseCsv(once(`${header}\n${text}\n`), { ...options, required: [] })
      for await (const batch of table.records)
        for (const record of batch)
          found.push(
            record.ok
              ? {
                  ok: true,
                  line,
                  cells: Object.fromEntries(table.columns.map((column, at) => [column, record.cells[at]])),
                  raw: text,
                }
              : record,
          )
    }
  } catch (error) {
    if (!(error instanceof UnreadableFileError)) throw error
    return { ok: false, line, code: 'stray_quote', reason: error.message, raw: excerpt(text) }
  }
  const [record] = found
  if (record && found.length === 1)
    return record.ok ? { ok: true, line, cells: record.cells, raw: text } : { ...record, line }
  return {
    ok: false,
    line,
    code: 'not_one_record',
    reason: `is ${found.length} records, and not one`,
    raw: excerpt(text),
  }
}

async function* once(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text)
}
