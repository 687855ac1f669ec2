import { createHash } from 'node:crypto'

/** Rows and digest of a stream so far. */
export class Sum {
  rows = 0
  readonly #hash = createHash('sha256')
  #digest: string | undefined

  /** @returns the text's bytes, counted; made here, as whoever is to send it would have to make them once more */
  add(text: string, rows: number): Buffer {
    const bytes = Buffer.from(text)
    this.#hash.update(bytes)
    this.rows += rows
    return bytes
  }

  /** Final: nothing can be added once it has been asked for. */
  digest(): string {
    this.#digest ??= `sha-256=${this.#hash.digest('base64')}`
    return this.#digest
  }
}
