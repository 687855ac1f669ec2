import { setTimeout as sleep } from 'node:timers/promises'
import { SourceError } from '../source-error.ts'
import type { Patience } from './access.ts'
import type { PassingTrouble } from './passing-trouble.ts'

/** A server that asks for a longer pause is left alone: a schedule comes again, and a person would rather know. */
const LONGEST_RETRY_AFTER_MS = 300_000

/** The waits between tries: twice as long each time, and by chance, so that many who failed together do not return together. */
export class BackOff {
  readonly #name: string
  readonly #patience: Patience
  readonly #signal: AbortSignal
  #failures = 0

  /** @param name what sentences call the source */
  constructor(name: string, patience: Patience, signal: AbortSignal) {
    this.#name = name
    this.#patience = patience
    this.#signal = signal
  }

  /** Something came: the tries are counted anew. */
  progressed(): void {
    this.#failures = 0
  }

  /**
   * Waits until the next try is due.
   * @throws SourceError, retriable, when there have been enough
   */
  async wait(trouble: PassingTrouble): Promise<void> {
    const { tries, firstWaitMs, longestWaitMs } = this.#patience
    const { retryAfterMs } = trouble
    this.#failures += 1
    if (this.#failures >= tries) this.#giveUp(`${trouble.message}; given up after ${tries} tries`, trouble)
    if (retryAfterMs > LONGEST_RETRY_AFTER_MS)
      this.#giveUp(`${trouble.message} and asks to come back in ${Math.ceil(retryAfterMs / 60_000)} minutes`, trouble)
    const most = Math.min(longestWaitMs, firstWaitMs * 2 ** (this.#failures - 1))
    await sleep(Math.max(retryAfterMs, most * (0.5 + Math.random() / 2)), undefined, { signal: this.#signal })
  }

  #giveUp(why: string, cause: PassingTrouble): never {
    throw new SourceError(`${this.#name}: ${why}`, true, { cause })
  }
}
