import { crc32, createInflateRaw } from 'node:zlib'
import yauzl from 'yauzl'
import type { Entry } from '../open.ts'
import { SourceError } from '../source-error.ts'
import type { Allowance } from './allowance.ts'
import { gunzipped } from './gunzip.ts'
import { collected, HEAD_BYTES } from './head.ts'
import type { RawFile } from './raw-file.ts'
import { unpacked } from './unpack.ts'
import { ZipReader } from './zip-reader.ts'

/**
 * The files of an archive, at any depth. yauzl reads its directory, once; an entry's bytes are read where they lie and go
 * through zlib, never to disk. yauzl's own streams were left out: they do not close zlib when a reader leaves early, and
 * they do not compare checksums.
 */

/** Longer directories are no data set, and each of their entries takes memory. */
const MOST_ENTRIES = 100_000

const STORED = 0
const DEFLATED = 8
const ARCHIVE = /\.(zip|7z|rar|tar|tgz|tar\.\w+)$/i

/** @throws SourceError for what is no sound archive, and for one whose names lead outside of it */
export async function zipEntries(archive: RawFile, allowance: Allowance, signal: AbortSignal): Promise<Entry[]> {
  const { zip, found } = await directory(archive, signal).catch((error: Error) => {
    throw error instanceof SourceError || signal.aborted ? error : unsound(archive, error)
  })
  if (found.length > 0 && found.every(({ fileName }) => ARCHIVE.test(fileName)))
    throw new SourceError(
      `${archive.name} holds other archives only (${found[0]?.fileName}), and those are not opened: unpack it first`,
    )
  return found.map((entry) => {
    const opened = zipEntry(archive, zip, entry, allowance)
    return /\.gz$/i.test(entry.fileName) ? gunzipped(opened, allowance) : opened
  })
}

async function directory(archive: RawFile, signal: AbortSignal): Promise<{ zip: yauzl.ZipFile; found: yauzl.Entry[] }> {
  const zip = await yauzl.fromRandomAccessReaderPromise(new ZipReader(archive, signal), archive.bytes, {
    autoClose: false,
  })
  if (zip.entryCount > MOST_ENTRIES)
    throw new SourceError(
      `${archive.name} has ${zip.entryCount.toLocaleString('en')} entries; ${MOST_ENTRIES.toLocaleString('en')} are the most that are read`,
    )
  const found = new Map<string, yauzl.Entry>()
  for await (const entry of zip.eachEntry()) {
    if (found.has(entry.fileName)) throw new SourceError(`${archive.name} holds ${entry.fileName} twice`)
    if (isFile(entry)) found.set(entry.fileName, entry)
  }
  return { zip, found: [...found.values()] }
}

const UNIX = 3
const TYPE_OF_FILE = 0o170000
const LINK = 0o120000

/** Neither a folder, nor a link, nor what macOS and editors put beside files. */
function isFile({ fileName, versionMadeBy, externalFileAttributes }: yauzl.Entry): boolean {
  const link = versionMadeBy >> 8 === UNIX && ((externalFileAttributes >>> 16) & TYPE_OF_FILE) === LINK
  return !link && !fileName.endsWith('/') && !baseOf(fileName).startsWith('.')
}

const baseOf = (fileName: string) => fileName.slice(fileName.lastIndexOf('/') + 1)

function zipEntry(archive: RawFile, zip: yauzl.ZipFile, entry: yauzl.Entry, allowance: Allowance): Entry {
  const { fileName, uncompressedSize, compressedSize, compressionMethod } = entry
  const name = `${archive.name}!${fileName}`

  async function* read(signal: AbortSignal, onTaken?: (bytes: number) => void): AsyncGenerator<Buffer> {
    assertReadable(entry, name)
    // By what the directory says, and below by what comes.
    allowance.assertRatio(name, compressedSize, uncompressedSize)
    allowance.assertFits(name, uncompressedSize)
    const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true }).catch((error: Error) => {
      throw error instanceof SourceError || signal.aborted ? error : unsound(archive, error)
    })
    const packed = archive.range(fileDataStart, fileDataStart + compressedSize, signal)
    let made = 0
    let checksum = 0
    for await (const chunk of compressionMethod === STORED ? packed : inflated(packed, name)) {
      made += chunk.length
      if (made > uncompressedSize) throw new SourceError(`${name} is longer than its archive says: it is damaged`)
      allowance.take(name, made)
      checksum = crc32(chunk, checksum)
      onTaken?.(chunk.length)
      yield chunk
    }
    if (made < uncompressedSize) throw new SourceError(`${name} is shorter than its archive says: it is damaged`)
    if (checksum !== entry.crc32) throw new SourceError(`${name} is damaged: its checksum is not that of its archive`)
  }
  return {
    name,
    base: baseOf(fileName),
    bytes: uncompressedSize,
    content: uncompressedSize,
    modifiedAt: modifiedAt(entry),
    head: (signal) => collected(read(signal), HEAD_BYTES),
    read,
  }
}

const inflated = (packed: AsyncIterable<Buffer>, name: string) =>
  unpacked(packed, createInflateRaw({ chunkSize: 128 << 10 }), name)

function assertReadable(entry: yauzl.Entry, name: string): void {
  if (entry.isEncrypted()) throw new SourceError(`${name} is encrypted: unpack it first`)
  if (ARCHIVE.test(entry.fileName)) throw new SourceError(`${name} is an archive within an archive: unpack it first`)
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED)
    throw new SourceError(
      `${name} is packed by zip's method ${entry.compressionMethod}; only stored and deflated files are read`,
    )
}

/** 1980-01-01 is where the format's time begins, so anything up to it means that the archiver did not know. */
const FIRST_KNOWN = Date.UTC(1980, 0, 2)

function modifiedAt(entry: yauzl.Entry): Date {
  const date = entry.getLastModDate({ timezone: 'UTC' })
  return date.getTime() >= FIRST_KNOWN && date.getUTCFullYear() < 10_000 ? date : new Date(0)
}

/** yauzl's messages are sentences without a subject. */
const unsound = ({ name }: RawFile, error: Error) =>
  new SourceError(
    /path: |in fileName: /.test(error.message)
      ? `${name} is refused: a name in it leads outside of it (${error.message.slice(0, 200)})`
      : `${name} is no sound zip file: ${error.message}`,
    false,
    { cause: error },
  )
