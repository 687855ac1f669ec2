import { SourceError } from '../source-error.ts'

/** Waiting for the server alone counts: how long PostgreSQL takes over what came is not the server's doing. */
export class WaitingTime {
  readonly #name: string
  readonly #maxSeconds: number
  #milliseconds = 0

  constructor(name: string, maxSeconds: number) {
    this.#name = name
    this.#maxSeconds = maxSeconds
  }

  /** @throws SourceError, retriable, once it is too long */
  add(milliseconds: number): void {
    this.#milliseconds += milliseconds
    if (this.#milliseconds <= this.#maxSeconds * 1000) return
    const minutes = Math.ceil(this.#maxSeconds / 60)
    throw new SourceError(
      `${this.#name} took longer than the ${minutes} minutes that SOURCE_TIMEOUT_MINUTES allows`,
      true,
    )
  }
}
