import { LRUCache } from 'lru-cache'
import { Problem, RETRY_AFTER } from './errors.ts'

/**
 * Who may use the readers' connections, and who waits. A burst waits its turn for a moment; what is more than that is told to come back,
 * at once, before it makes everybody wait. Questions of a kind that took long lately share a half of the connections, so that a
 * few of them never keep quick ones waiting.
 */
export class Admission {
  readonly #connections: number
  readonly #longest: number
  /** Mean duration of each kind of question, of late; a kind that is not known yet counts as slow. */
  readonly #took = new LRUCache<string, number>({ max: KINDS })
  #waiting: Waiting[] = []
  #running = 0
  #slow = 0

  /** @param connections how many questions run at a time */
  constructor(connections: number, longest = WAITING_PER_CONNECTION * connections) {
    this.#connections = connections
    this.#longest = longest
  }

  /**
   * Runs the work when it is its turn.
   * @param kind what takes about as long as another of the kind
   * @param signal whoever asks; when it leaves while it waits, its place is free
   * @throws Problem 503 when too many wait already; the signal's reason
   */
  async run<T>(kind: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const slow = (this.#took.get(kind) ?? Number.POSITIVE_INFINITY) > SLOW_MS
    await this.#turn(slow, signal)
    const startedAt = performance.now()
    try {
      return await work()
    } finally {
      this.#learn(kind, performance.now() - startedAt)
      this.#leave(slow)
    }
  }

  /** The same for what is made as it is read. */
  async *stream<T>(signal: AbortSignal, work: () => AsyncGenerator<T>): AsyncGenerator<T> {
    await this.#turn(false, signal)
    try {
      yield* work()
    } finally {
      this.#leave(false)
    }
  }

  #leave(slow: boolean): void {
    this.#running -= 1
    if (slow) this.#slow -= 1
    this.#next()
  }

  #learn(kind: string, ms: number): void {
    const before = this.#took.get(kind)
    this.#took.set(kind, before === undefined ? ms : before + (ms - before) / 4)
  }

  async #turn(slow: boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#waiting.length >= this.#longest)
      throw new Problem(503, 'Too many questions are waiting; ask again in a moment.', {
        headers: { 'retry-after': RETRY_AFTER },
      })
    await new Promise<void>((resolve, reject) => {
      const one: Waiting = { slow, start: () => signal.removeEventListener('abort', leave) ?? resolve() }
      const leave = () => {
        this.#waiting = this.#waiting.filter((other) => other !== one)
        reject(signal.reason)
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(one)
      this.#next()
    })
  }

  /** Starts whoever has waited longest of those that may start. */
  #next(): void {
    while (this.#running < this.#connections) {
      const index = this.#waiting.findIndex(({ slow }) => !slow || this.#slow < this.#connections / 2)
      const [one] = index === -1 ? [] : this.#waiting.splice(index, 1)
      if (!one) return
      this.#running += 1
      if (one.slow) this.#slow += 1
      one.start()
    }
  }
}

/** For pages, and for whole results, which have connections of their own. */
export interface AdmissionOf {
  pages: Admission
  exports: Admission
}

interface Waiting {
  slow: boolean
  start(): void
}

/** A hundred analysts may ask at the same moment, of whom ten are answered at a time. */
const WAITING_PER_CONNECTION = 20

/** From here on a kind of question is slow. */
const SLOW_MS = 50

/** How many kinds are remembered: reports, by what is asked of them. */
const KINDS = 1000
