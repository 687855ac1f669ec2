import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { chooseFiles, type Source, type SourceFile, type Wanted } from './choose.ts'
import type { SourceAccess } from './open/access.ts'
import { Allowance } from './open/allowance.ts'
import { openHttp, understood } from './open/http.ts'
import { openLocal } from './open/local.ts'
import { openS3, s3Location } from './open/s3.ts'
import { shownSource } from './shown-source.ts'
import { SourceError } from './source-error.ts'
import type { Subject } from './subject.ts'

/** A file that a source holds, opened only when its turn comes; which format it is of, if any, is decided by `choose.ts`. */
export interface Entry {
  /** What the ledger calls it: the file's name, never the folder it lies in; in an archive, `archive.zip!folder/file.csv`. */
  name: string
  /** The name that formats know it by: without any folder, and without the `.gz` that it is packed in. */
  base: string
  /** What reading it takes from its source, the unit of progress: of a `.gz` its packed bytes. */
  bytes: number
  /** Bytes of its content, where the source tells them: a `.gz` does not, reliably. */
  content?: number | undefined
  modifiedAt: Date
  /** Its first bytes, up to 64 KiB, without reading the rest: enough to recognise a header. */
  head(signal: AbortSignal): Promise<Buffer>
  /** @param onTaken called with what each chunk took of `bytes` */
  read(signal: AbortSignal, onTaken?: (bytes: number) => void): AsyncIterable<Buffer>
}

/** What a source holds. */
export interface Place {
  /** What sentences call it: `the folder films`, `films.zip`. */
  name: string
  /** Whether its user named one file, which is then read whatever it is called. */
  single: boolean
  entries: Entry[]
  /** What the ledger should remember of how it was fetched. */
  notes?: string[]
  close?(): Promise<void>
}

export interface OpenOptions extends Wanted {
  access: SourceAccess
  signal: AbortSignal
  /** Whether the source was named by somebody who may read this machine's disk anyway. */
  trusted: boolean
  onDownload?: ((name: string, bytes: number, total: number | undefined) => void) | undefined
}

/** A source whose files can be read until it is closed. */
export interface OpenSource extends Source {
  /** Gives back connections, and the disk that downloads took. */
  close(): Promise<void>
}

/**
 * Finds the files of a source; those of `https:` are fetched for that.
 * @param uri a folder, a file, an archive (path or `file:` URL), `https://…`, `s3://bucket/key` or `s3://bucket/prefix/`
 * @throws SourceError with what is missing and where
 */
export async function openSource(subject: Subject, uri: string, options: OpenOptions): Promise<OpenSource> {
  let place: Place | undefined
  const close = async () => {
    await place?.close?.()
  }
  try {
    place = await openPlace(uri, options, hasManyFiles(subject))
    const source = await chooseFiles(subject, place, options, options.signal)
    for (const file of source.files) assertStorable(file)
    return { ...source, notes: [...(place.notes ?? []), ...source.notes], close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * What can be told of a source at once and without asking other machines, so that a mistyped one is no failed load.
 * @throws SourceError
 */
export async function lookAtSource(subject: Subject, uri: string, options: OpenOptions): Promise<void> {
  const scheme = schemeOf(uri)
  if (scheme === 'http' || scheme === 'https') understood(uri, options)
  else if (scheme === 's3') s3Location(uri)
  else await (await openSource(subject, uri, options)).close()
}

function schemeOf(uri: string): string | undefined {
  const [, scheme] = /^([a-z][a-z\d+.-]+):\/\//i.exec(uri) ?? []
  return scheme?.toLowerCase()
}

/** Then they may lie in folders below the one that is named; elsewhere what lies there is none of the source. */
const hasManyFiles = ({ formats }: Subject) => formats.some(({ files }) => files.some(({ every }) => every))

async function openPlace(uri: string, options: OpenOptions, nested: boolean): Promise<Place> {
  const { access, signal, trusted } = options
  const allowance = new Allowance(access.maxBytes)
  const scheme = schemeOf(uri)
  if (scheme === 'http' || scheme === 'https') return await openHttp(uri, allowance, options)
  if (scheme === 's3') return await openS3(uri, allowance, options)
  if (scheme !== undefined && scheme !== 'file')
    throw new SourceError(`${shownSource(uri)}: sources are folders, files, https:// and s3://, not ${scheme}://`)
  const within = trusted || access.configured.includes(uri) ? undefined : access.roots
  return await openLocal(uri, { allowance, signal, within, nested })
}

const LONGEST_NAME = 1024

/** An archive's directory may call a file anything; the ledger keeps names, and finds lines by them. */
function assertStorable({ name }: SourceFile): void {
  if (Buffer.byteLength(name) <= LONGEST_NAME && !/\p{Cc}/u.test(name)) return
  const shown = name.replace(/\p{Cc}/gu, '?').slice(0, 100)
  throw new SourceError(`a file’s name has control characters or more than ${LONGEST_NAME} bytes: ${shown}`)
}

/** Archive and package tools stamp files with these when they do not know better; such a time says nothing. */
const PLACEHOLDER_DATES = new Set(['1970-01-01', '1980-01-01', '1985-10-26'])

/** When the file was written, `YYYY-MM-DD`; today, when the file does not know. */
export function fileDate(files: SourceFile[]): string {
  const dates = files.map(({ modifiedAt }) => modifiedAt.toISOString().slice(0, 10))
  const today = new Date().toISOString().slice(0, 10)
  const known = dates.filter((date) => !PLACEHOLDER_DATES.has(date) && date <= today)
  return known.sort().at(-1) ?? today
}

/** SHA-256 of a whole file, for telling that it is the same one again before reading it in earnest. */
export async function digestOf(file: SourceFile, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(file.read(signal), hash)
  return hash.digest('hex')
}
