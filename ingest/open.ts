import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { chooseFiles, type Source, type SourceFile } from './choose.ts'
import { SourceError } from './source-error.ts'
import type { Subject } from './subject.ts'

/** A file that a source holds, opened only when its turn comes; which format it is of, if any, is decided by `choose.ts`. */
export interface Entry {
  /** What the ledger calls it: the file's name, never the folder it lies in. */
  name: string
  bytes: number
  modifiedAt: Date
  /** Its name without folder and without `.gz`. */
  base: string
  /** Up to its first 64 KiB, as they are once unpacked. */
  head(signal: AbortSignal): Promise<Buffer>
  read(signal: AbortSignal): AsyncIterable<Buffer>
}

/** What a source holds. */
export interface Place {
  /** For sentences: the last name of it. */
  name: string
  /** Whether its user named one file, which is then read whatever it is called. */
  single: boolean
  entries: Entry[]
}

const HEAD_BYTES = 64 << 10

/** Archive and package tools stamp files with these when they do not know better; such a time says nothing. */
const PLACEHOLDER_DATES = new Set(['1970-01-01', '1980-01-01', '1985-10-26'])

/** When the file was written, `YYYY-MM-DD`; today, when the file does not know. */
export function fileDate(files: SourceFile[]): string {
  const dates = files.map(({ modifiedAt }) => modifiedAt.toISOString().slice(0, 10))
  const today = new Date().toISOString().slice(0, 10)
  const known = dates.filter((date) => !PLACEHOLDER_DATES.has(date) && date <= today)
  return known.sort().at(-1) ?? today
}

/** What outsiders may know of a source: its last name, without folder, credentials or query. */
export function shownSource(uri: string): string {
  if (URL.canParse(uri) && !uri.startsWith('file:')) {
    const { protocol, host, pathname } = new URL(uri)
    return `${protocol}//${host}${pathname}`
  }
  // Not through the file system's rules: what cannot be opened must still be shown.
  return path.posix.basename(uri.replace(/^file:/, '').replaceAll('\\', '/'))
}

/**
 * Finds the files of a source.
 * @param uri a folder or a file, as a path or `file:` URL
 * @param formatName chosen by file name and kind when absent
 * @throws SourceError with what is missing and where
 */
export async function openSource(subject: Subject, uri: string, formatName?: string): Promise<Source> {
  return chooseFiles(subject, await openPlace(uri), formatName)
}

async function openPlace(uri: string): Promise<Place> {
  if (URL.canParse(uri) && !uri.startsWith('file:') && !/^[a-z]:/i.test(uri))
    throw new SourceError(
      `${shownSource(uri)}: sources are folders and files; ${new URL(uri).protocol} is not read yet`,
    )
  const place = uri.startsWith('file:') ? fileURLToPath(uri) : path.resolve(uri)
  const name = path.basename(place)
  const found = await stat(place).catch((cause: NodeJS.ErrnoException) => {
    throw new SourceError(
      `${name}: ${cause.code === 'ENOENT' ? 'no such file or folder' : `cannot be read (${cause.code})`}`,
    )
  })
  if (!found.isDirectory()) return { name, single: true, entries: [await fileEntry(place)] }
  const entries: Entry[] = []
  // Of a folder reading would fail, and of a named pipe it would never begin.
  for (const each of await readdir(place, { withFileTypes: true }))
    if ((await stat(path.join(place, each.name)).catch(() => undefined))?.isFile())
      entries.push(await fileEntry(path.join(place, each.name)))
  return { name, single: false, entries }
}

async function fileEntry(place: string): Promise<Entry> {
  const found = await stat(place)
  if (!found.isFile()) throw new SourceError(`${path.basename(place)} is not a file`)
  const { size, mtime, mtimeMs } = found
  return {
    name: path.basename(place),
    bytes: size,
    modifiedAt: mtime,
    base: path.basename(place),
    async head(signal) {
      const chunks: Buffer[] = []
      for await (const chunk of createReadStream(place, { signal, end: HEAD_BYTES - 1 })) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks)
    },
    async *read(signal) {
      yield* createReadStream(place, { signal, highWaterMark: 256 << 10 })
      const after = await stat(place)
      if (after.size !== size || after.mtimeMs !== mtimeMs)
        throw new SourceError(`${path.basename(place)} changed while it was read; load it again when it is complete`)
    },
  }
}

/** SHA-256 of a whole file, for telling that it is the same one again before reading it in earnest. */
export async function digestOf(file: SourceFile, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(file.read(signal), hash)
  return hash.digest('hex')
}
