import { SourceError } from '../source-error.ts'

/** Text is packed to a third or a twentieth, and a log that repeats itself to a hundredth; DEFLATE can reach a thousandth. */
const MAX_RATIO = 200

/** Up to here whatever is unpacked does no harm, however well it was packed. */
const HARMLESS_BYTES = 64 << 20

/**
 * How much one load may unpack or fetch in all. A file that is read twice (to see that it is the same, and then in earnest)
 * counts once.
 */
export class Allowance {
  readonly #maxBytes: number
  readonly #taken = new Map<string, number>()
  #total = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * @param taken bytes of this file so far
   * @throws SourceError when they are too many, with those of other files
   */
  take(name: string, taken: number): void {
    const before = this.#taken.get(name) ?? 0
    if (taken <= before) return
    this.#taken.set(name, taken)
    this.#total += taken - before
    this.assertFits(name, this.#total)
  }

  /** @throws SourceError for what is too large already by what is said of it */
  assertFits(name: string, bytes: number): void {
    if (bytes <= this.#maxBytes) return
    const megabytes = Math.floor(this.#maxBytes / 1e6).toLocaleString('en')
    throw new SourceError(
      `${name} makes more than ${megabytes} MB, which is the most that SOURCE_MAX_MB lets a load fetch or unpack`,
    )
  }

  /** @throws SourceError when so much comes out of so little that it can only be meant to do harm */
  assertRatio(name: string, packed: number, unpacked: number): void {
    if (unpacked > HARMLESS_BYTES && unpacked > packed * MAX_RATIO)
      throw new SourceError(
        `${name} unpacks to more than ${MAX_RATIO} times its size: it is refused as a decompression bomb`,
      )
  }
}
