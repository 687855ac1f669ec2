/** A failure that may well be over at the next try; its message is the end of a sentence that begins with the source. */
export class PassingTrouble extends Error {
  /** What the server asked to wait for. */
  readonly retryAfterMs: number

  constructor(message: string, { retryAfterMs = 0, cause }: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause })
    this.retryAfterMs = retryAfterMs
  }
}
