import { JSONParser } from '@streamparser/json'
import type { Entry } from './open.ts'
import { UnreadableFileError } from './parse.ts'
import { parseCsv } from './parse-csv.ts'
import { recordOf } from './parse-json-lines.ts'
import type { FileFormat } from './subject.ts'
import { utf8Chunks } from './utf8.ts'

/** What the first bytes of a file show of its columns. */
export interface Header {
  notation: FileFormat['read']
  /** For JSON the keys of its first records; none, when no record of an array ends within those bytes. */
  columns: string[]
}

/**
 * Reads the columns of a file from no more than its head, whatever the file is called.
 * @throws UnreadableFileError when it is no text of records
 */
export async function headerOf(entry: Entry, signal: AbortSignal): Promise<Header> {
  const file = entry.name
  const head = await entry.head(signal)
  const chunks: Buffer[] = []
  for await (const chunk of utf8Chunks(only(head), { file })) chunks.push(chunk)
  const text = Buffer.concat(chunks)
  const [first] = /[^\s]/.exec(text.toString('latin1', 0, 1000)) ?? []
  if (first === '{') return { notation: 'json-lines', columns: keysOfLines(text, file) }
  if (first === '[') return { notation: 'json', columns: keysOf(text, file) }
  const { columns, records } = await parseCsv(only(head), { file, required: [] })
  await records.return(undefined)
  return { notation: 'csv', columns: [...columns] }
}

async function* only(head: Buffer): AsyncGenerator<Buffer> {
  yield head
}

/** Of the first lines; the last one may have been cut. */
function keysOfLines(text: Buffer, file: string): string[] {
  const lines = text.toString().trimEnd().split('\n')
  const records = lines.map((line, index) => recordOf(Buffer.from(line), index + 1))
  if (records[0] && !records[0].ok && lines.length > 1) throw new UnreadableFileError(`${file} ${notAnArray}`, file)
  return [...new Set(records.flatMap((record) => (record?.ok ? Object.keys(record.cells) : [])))]
}

/** What a file is that has no object on each line, or should have none; the rest of a sentence. */
export const notAnArray = 'is not a JSON array of objects: it begins with an object'

/** Of the array's first objects; the text may end anywhere. */
function keysOf(text: Buffer, file: string): string[] {
  const keys = new Set<string>()
  const parser = new JSONParser({ paths: ['$.*'], keepStack: false })
  parser.onValue = ({ value }) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      for (const key of Object.keys(value)) keys.add(key)
  }
  try {
    parser.write(text)
  } catch (cause) {
    if (keys.size === 0) throw new UnreadableFileError(`${file} is not valid JSON`, file, undefined, cause)
  }
  return [...keys]
}
