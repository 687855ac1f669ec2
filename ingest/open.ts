import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import type { FileFormat, Format, Subject } from './subject.ts'

/** A file of a source, opened only when its turn comes. */
export interface SourceFile {
  /** What the ledger calls it: the file's name, never the folder it lies in. */
  name: string
  bytes: number
  modifiedAt: Date
  of: FileFormat
  read(signal: AbortSignal): AsyncIterable<Buffer>
}

export interface Source {
  format: Format
  files: SourceFile[]
}

/** A source that cannot be loaded, in a sentence for whoever named it. */
export class SourceError extends Error {}

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
  if (URL.canParse(uri) && !uri.startsWith('file:') && !/^[a-z]:/i.test(uri))
    throw new SourceError(
      `${shownSource(uri)}: sources are folders and files; ${new URL(uri).protocol} is not read yet`,
    )
  const place = localPath(uri)
  const name = path.basename(place)
  const found = await stat(place).catch((cause: NodeJS.ErrnoException) => {
    throw new SourceError(
      `${name}: ${cause.code === 'ENOENT' ? 'no such file or folder' : `cannot be read (${cause.code})`}`,
    )
  })
  if (found.isDirectory()) return openFolder(subject, place, await readdir(place), formatName)
  const format = formatName ? formatNamed(subject, formatName) : formatOfFile(subject, name)
  const of = format.files.find((file) => file.fileName === name) ?? format.files.find((file) => file.required)
  if (!of) throw new SourceError(`format ${format.name} has no file to read ${name} as`)
  return { format, files: [await sourceFile(place, of)] }
}

async function openFolder(subject: Subject, folder: string, names: string[], formatName?: string): Promise<Source> {
  const complete = (format: Format) => format.files.every((file) => !file.required || names.includes(file.fileName))
  const format = formatName ? formatNamed(subject, formatName) : subject.formats.find(complete)
  if (!format || !complete(format)) {
    const wanted = (format ? [format] : subject.formats)
      .map(
        ({ name, files }) =>
          `${files
            .filter((f) => f.required)
            .map((f) => f.fileName)
            .join(' and ')} (${name})`,
      )
      .join(' or ')
    throw new SourceError(`the folder ${path.basename(folder)} has no ${wanted}`)
  }
  const present = format.files.filter((file) => names.includes(file.fileName))
  return { format, files: await Promise.all(present.map((file) => sourceFile(path.join(folder, file.fileName), file))) }
}

async function sourceFile(place: string, of: FileFormat): Promise<SourceFile> {
  const found = await stat(place)
  // Of a folder reading would fail, and of a named pipe it would never begin.
  if (!found.isFile()) throw new SourceError(`${path.basename(place)} is not a file`)
  const { size, mtime, mtimeMs } = found
  return {
    name: path.basename(place),
    bytes: size,
    modifiedAt: mtime,
    of,
    async *read(signal) {
      yield* createReadStream(place, { signal, highWaterMark: 256 << 10 })
      const after = await stat(place)
      if (after.size !== size || after.mtimeMs !== mtimeMs)
        throw new SourceError(`${path.basename(place)} changed while it was read; load it again when it is complete`)
    },
  }
}

function formatNamed(subject: Subject, name: string): Format {
  const format = subject.formats.find((candidate) => candidate.name === name)
  if (format) return format
  throw new SourceError(
    `${subject.name} has no format ${name}; it has ${subject.formats.map((f) => f.name).join(', ')}`,
  )
}

function formatOfFile(subject: Subject, name: string): Format {
  const kind = path.extname(name).toLowerCase() === '.json' ? 'json' : 'csv'
  const format =
    subject.formats.find(({ files }) => files.some((file) => file.fileName === name)) ??
    subject.formats.find(({ files }) => files.some((file) => file.required && file.read === kind))
  if (format) return format
  throw new SourceError(`${name} is no ${kind.toUpperCase()} file that ${subject.name} understands`)
}

const localPath = (uri: string) => (uri.startsWith('file:') ? fileURLToPath(uri) : path.resolve(uri))

/** SHA-256 of a whole file, for telling that it is the same one again before reading it in earnest. */
export async function digestOf(file: SourceFile, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(file.read(signal), hash)
  return hash.digest('hex')
}
