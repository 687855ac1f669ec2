import { createHash } from 'node:crypto'

/** Rows and digest of a stream so far. */
export class Sum {
  rows = 0
  readonly #hash = createHash('sha256')
  #digest: string | undefined

  /** @returns the text, counted */
  add(text: string, rows: number): string {
    this.#hash.update(text)
    this.rows += rows
    return text
  }

  /** Final: nothing can be added once it has been asked for. */
  digest(): string {
    this.#digest ??= `sha-256=${this.#hash.digest('base64')}`
    return this.#digest
  }
}
