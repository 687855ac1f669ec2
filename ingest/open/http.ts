import { mkdir, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import path from 'node:path'
import type { OpenOptions, Place } from '../open.ts'
import { shownSource } from '../shown-source.ts'
import { SourceError } from '../source-error.ts'
import type { Allowance } from './allowance.ts'
import { download } from './download.ts'
import { gunzipped } from './gunzip.ts'
import { assertAllowed } from './http-request.ts'
import { localFile } from './local.ts'
import { entriesOf } from './raw-file.ts'

/**
 * A file behind a URL. It is brought here whole before it is read: an archive's directory stands at its end, a download that
 * breaks off goes on where it was, and nobody's server waits for PostgreSQL.
 * @param uri `https:` or `http:`; may hold a user and a password, and as `#sha256=…` what the file must be
 */
export async function openHttp(uri: string, allowance: Allowance, options: OpenOptions): Promise<Place> {
  const { downloads } = options.access
  const close = () => rm(downloads, { recursive: true, force: true })
  try {
    await mkdir(downloads, { recursive: true })
    return { ...(await fetched(uri, allowance, options)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function fetched(uri: string, allowance: Allowance, options: OpenOptions): Promise<Place> {
  const { access, signal, onDownload } = options
  const { url, name, sha256 } = understood(uri, options)
  const file = path.join(access.downloads, 'download')
  const onProgress = (bytes: number, total: number | undefined) => onDownload?.(name, bytes, total)
  const done = await download(url, file, { name, access, signal, onProgress })
  if (sha256 !== undefined && sha256 !== done.sha256)
    throw new SourceError(`${name} is not the file that was asked for: its sha256 is ${done.sha256}, not ${sha256}`)
  const encoded = isGzipped(done.headers, name)
  const raw = await localFile(file, { name: fileName(done.headers, url), modifiedAt: modifiedAt(done.headers) })
  const entries = await entriesOf(raw, allowance, signal)
  const tries = done.tries === 1 ? '' : `, in ${done.tries} tries`
  return {
    name: raw.name,
    single: !/\.zip$/i.test(raw.name),
    // Packed on the server's disk, under a name that does not say so.
    entries: encoded && !/\.(gz|zip)$/i.test(raw.name) ? entries.map((entry) => gunzipped(entry, allowance)) : entries,
    notes: [`fetched ${name}: ${done.bytes} bytes, sha256 ${done.sha256}${tries}`],
  }
}

/** When the server does not tell, it is at least no newer than now. */
function modifiedAt({ 'last-modified': modified = '' }: IncomingMessage['headers']): Date {
  const date = new Date(modified)
  return date.getFullYear() < 10_000 ? date : new Date()
}

/**
 * What can be told of a URL before anybody is asked.
 * @throws SourceError
 */
export function understood(uri: string, { access }: Pick<OpenOptions, 'access'>) {
  const name = shownSource(uri)
  if (!URL.canParse(uri)) throw new SourceError(`${name} is no URL that can be read`)
  const url = new URL(uri)
  const [, sha256] = /^#sha256=([\da-f]{64})$/i.exec(url.hash) ?? []
  if (url.hash.startsWith('#sha256') && !sha256) throw new SourceError(`${name}: #sha256= takes 64 hexadecimal digits`)
  url.hash = ''
  assertAllowed(url, { name, access })
  return { url, name, sha256: sha256?.toLowerCase() }
}

function isGzipped({ 'content-encoding': encoding = 'identity' }: IncomingMessage['headers'], name: string): boolean {
  if (encoding === 'identity') return false
  if (encoding === 'gzip' || encoding === 'x-gzip') return true
  throw new SourceError(`${name}: the server sends it encoded (${encoding}) although it was asked not to`)
}

/** Of Content-Disposition, else of the URL: the last name, which nothing is ever written to. */
function fileName({ 'content-disposition': disposition = '' }: IncomingMessage['headers'], url: URL): string {
  const [, extended] = /filename\*\s*=\s*utf-8''([^;\s]+)/i.exec(disposition) ?? []
  const [, quoted, bare] = /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(disposition) ?? []
  const given = extended === undefined ? (quoted?.replace(/\\(.)/g, '$1') ?? bare) : decoded(extended)
  const last = (given ?? decoded(url.pathname)).split(/[/\\]/).filter(Boolean).at(-1)
  return last?.replace(/\p{Cc}/gu, '') || url.hostname
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
