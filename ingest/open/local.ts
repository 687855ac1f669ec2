import { constants, type Stats } from 'node:fs'
import { open, readdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Entry, Place } from '../open.ts'
import { SourceError } from '../source-error.ts'
import type { Allowance } from './allowance.ts'
import { liesWithin } from './lies-within.ts'
import { entriesOf, type RawFile } from './raw-file.ts'

export interface LocalOptions {
  allowance: Allowance
  signal: AbortSignal
  /** Folders beyond which no link is followed; undefined: links lead anywhere. */
  within: string[] | undefined
  /** Whether files in folders of a folder are its files, too. */
  nested: boolean
}

/**
 * A folder or a file.
 * @param uri a path or a `file:` URL
 */
export async function openLocal(uri: string, options: LocalOptions): Promise<Place> {
  const place = /^file:/i.test(uri) ? fromUrl(uri) : path.resolve(uri)
  const name = path.basename(place)
  const found = await stat(place).catch((cause: NodeJS.ErrnoException) => {
    throw new SourceError(
      `${name}: ${cause.code === 'ENOENT' ? 'no such file or folder' : `cannot be read (${cause.code})`}`,
      // A folder that is mounted, or a file that arrives, late.
      true,
    )
  })
  const { allowance, signal } = options
  if (!found.isDirectory()) {
    const entries = await entriesOf(await localFile(place, options), allowance, signal)
    return { name, single: !/\.zip$/i.test(name), entries }
  }
  const entries: Entry[] = []
  for await (const file of filesBelow(place, options)) {
    const named = path.relative(place, file).split(path.sep).join('/')
    entries.push(...(await entriesOf(await localFile(file, { ...options, name: named }), allowance, signal)))
    if (entries.length > MOST_FILES)
      throw new SourceError(
        `the folder ${name} has more than ${MOST_FILES.toLocaleString('en')} files; name a narrower one`,
      )
  }
  return { name: `the folder ${name}`, single: false, entries }
}

/** Beyond that, somebody meant a narrower folder. */
const MOST_FILES = 100_000

/** In the order of their names. Hidden files are editors' and half-written copies; of a named pipe reading would never begin. */
async function* filesBelow(folder: string, options: LocalOptions): AsyncGenerator<string> {
  const found = await readdir(folder, { withFileTypes: true })
  for (const each of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (each.name.startsWith('.')) continue
    options.signal.throwIfAborted()
    const place = path.join(folder, each.name)
    // A link to a folder is not followed: it may lead back here.
    if (each.isDirectory()) {
      if (options.nested) yield* filesBelow(place, options)
    } else if ((await stat(place).catch(() => undefined))?.isFile()) yield place
  }
}

function fromUrl(uri: string): string {
  try {
    return fileURLToPath(uri)
  } catch {
    throw new SourceError('the file: URL names no file of this machine')
  }
}

const CHUNK_BYTES = 256 << 10

/** By which a file is known to be the same, unchanged. */
const SIGNS = ['dev', 'ino', 'size', 'mtimeMs'] as const

/** A file on this machine, which must stay the same file of the same size and time while it is read. */
export async function localFile(
  place: string,
  options: { within?: string[] | undefined; name?: string; modifiedAt?: Date } = {},
): Promise<RawFile> {
  const name = options.name ?? path.basename(place)
  const before = await stat(place)
  if (!before.isFile()) throw new SourceError(`${name} is not a file`)
  const real = await realpath(place)
  const allowed = !options.within || (await liesWithin(real, options.within))
  const assertSame = (now: Stats | undefined) => {
    if (now && SIGNS.every((sign) => now[sign] === before[sign])) return
    throw new SourceError(`${name} changed while it was read; load it again when it is complete`, true)
  }
  return {
    name,
    bytes: before.size,
    modifiedAt: options.modifiedAt ?? before.mtime,
    async *range(start, end, signal) {
      if (!allowed) throw new SourceError(`${name} is a link that leads out of the folders that SOURCE_ROOTS names`)
      // Not waiting for a writer, should it have become a named pipe.
      const file = await open(real, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(
        (cause: NodeJS.ErrnoException) => {
          throw new SourceError(`${name}: cannot be read (${cause.code})`, cause.code === 'ENOENT')
        },
      )
      try {
        // What was looked at is what is read, also when a link has been changed in between.
        assertSame(await file.stat())
        for (let at = start; at < end; ) {
          signal.throwIfAborted()
          const length = Math.min(CHUNK_BYTES, end - at)
          const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, at)
          if (bytesRead === 0) break
          at += bytesRead
          yield buffer.subarray(0, bytesRead)
        }
        // By its name, so that a file put in its place tells too.
        assertSame(await stat(real).catch(() => undefined))
      } finally {
        await file.close()
      }
    },
  }
}
