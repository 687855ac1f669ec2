import yauzl from 'yauzl'
import { collected } from './head.ts'
import type { RawFile } from './raw-file.ts'

/** One request to where the archive lies for so many bytes of its directory, which yauzl asks for in pieces of some tens. */
const BLOCK_BYTES = 256 << 10

/** An archive's bytes for yauzl, wherever they lie; the blocks read last are kept, since its requests are small and near one another. */
export class ZipReader extends yauzl.RandomAccessReader {
  readonly #archive: RawFile
  readonly #signal: AbortSignal
  #start = 0
  #block: Buffer = Buffer.alloc(0)

  constructor(archive: RawFile, signal: AbortSignal) {
    super()
    this.#archive = archive
    this.#signal = signal
  }

  override read(
    target: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    this.#read(position, length).then((bytes) => callback(null, bytes.copy(target, offset)), callback)
  }

  async #read(position: number, length: number): Promise<Buffer> {
    const { bytes } = this.#archive
    if (position + length > bytes) throw new Error('unexpected EOF')
    if (position < this.#start || position + length > this.#start + this.#block.length) {
      const end = Math.min(bytes, position + Math.max(length, BLOCK_BYTES))
      this.#block = await collected(this.#archive.range(position, end, this.#signal), end - position)
      this.#start = position
    }
    return this.#block.subarray(position - this.#start, position - this.#start + length)
  }
}
