import type { Entry } from '../open.ts'
import type { Allowance } from './allowance.ts'
import { gunzipped } from './gunzip.ts'
import { collected, HEAD_BYTES } from './head.ts'
import { zipEntries } from './zip.ts'

/** A file as it lies in a source, packed or not. */
export interface RawFile {
  name: string
  bytes: number
  modifiedAt: Date
  /**
   * Its bytes from `start` up to, not including, `end`.
   * @throws SourceError when they can no longer be had as they were when the file was found
   */
  range(start: number, end: number, signal: AbortSignal): AsyncIterable<Buffer>
}

/** What a file holds for a load: itself, the file packed in it, or each file of an archive. */
export async function entriesOf(file: RawFile, allowance: Allowance, signal: AbortSignal): Promise<Entry[]> {
  if (/\.zip$/i.test(file.name)) return await zipEntries(file, allowance, signal)
  const entry = entryOf(file)
  return [/\.gz$/i.test(file.name) ? gunzipped(entry, allowance) : entry]
}

function entryOf({ name, bytes, modifiedAt, range }: RawFile): Entry {
  return {
    name,
    base: name.slice(name.lastIndexOf('/') + 1),
    bytes,
    content: bytes,
    modifiedAt,
    head: (signal) => collected(range(0, Math.min(bytes, HEAD_BYTES), signal), HEAD_BYTES),
    async *read(signal, onTaken) {
      for await (const chunk of range(0, bytes, signal)) {
        onTaken?.(chunk.length)
        yield chunk
      }
    },
  }
}
