import { pipeline } from 'node:stream/promises'
import type { Gunzip, InflateRaw } from 'node:zlib'
import { SourceError } from '../source-error.ts'

/**
 * Bytes through zlib, in bounded memory; the source is closed once the reader has come to the end or has left.
 * @throws SourceError for packed data that is cut off or damaged; the source's own errors pass through
 */
export async function* unpacked(
  packed: AsyncIterable<Buffer>,
  through: Gunzip | InflateRaw,
  name: string,
): AsyncGenerator<Buffer> {
  // Errors reach the reader through the last stream, which they destroy; the pipeline ends once the source is closed.
  const closed = pipeline(packed, through).catch(() => {})
  try {
    yield* through as AsyncIterable<Buffer>
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'Z_BUF_ERROR') throw new SourceError(`${name} is cut off: its packed data ends too early`)
    if (code?.startsWith('Z_')) throw new SourceError(`${name} is damaged: ${message}`, false, { cause: error })
    throw error
  } finally {
    await closed
  }
}
