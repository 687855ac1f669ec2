import { LRUCache } from 'lru-cache'

/**
 * Answers as bytes. A key names the load, so what it holds can never be stale; it is only dropped to make room. When many ask
 * for the same thing at once, it is made once.
 */
export class ByteCache {
  readonly #kept: LRUCache<string, Answer> | undefined
  readonly #making = new Map<string, Making>()

  /** @param megabytes room for all answers together; 0 keeps none */
  constructor(megabytes: number) {
    if (megabytes > 0)
      this.#kept = new LRUCache({
        maxSize: megabytes * 2 ** 20,
        sizeCalculation: (answer, key) => answer.body.length + key.length + 500,
      })
  }

  get(key: string): Answer | undefined {
    return this.#kept?.get(key)
  }

  /**
   * The answer under the key, made by `make` unless it is there or being made already.
   * @param signal whoever asks; what is being made is given up only when all who asked have left
   */
  async obtain(key: string, signal: AbortSignal, make: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
    const kept = this.get(key)
    if (kept) return kept
    let making = this.#making.get(key)
    if (!making) {
      const stop = new AbortController()
      const forget = () => {
        if (this.#making.get(key)?.stop === stop) this.#making.delete(key)
      }
      // Given up, it is forgotten at once: who asks next must not be told that somebody else left.
      stop.signal.addEventListener('abort', forget, { once: true })
      making = { answer: make(stop.signal).finally(forget), stop, waiting: 0 }
      this.#making.set(key, making)
      making.answer.then(
        (made) => this.#kept?.set(key, made),
        () => {},
      )
    }
    return await wait(making, signal)
  }

  /** Frees the room of answers that nobody is likely to ask for again. */
  clear(): void {
    this.#kept?.clear()
  }
}

export interface Answer {
  body: Buffer
  /** Whether the body is compressed; short ones are not. */
  encoded: boolean
  /** Cursor of the page after, if any. */
  next: string | null
}

interface Making {
  answer: Promise<Answer>
  stop: AbortController
  waiting: number
}

async function wait(making: Making, signal: AbortSignal): Promise<Answer> {
  making.waiting += 1
  const leave = () => {
    making.waiting -= 1
    if (making.waiting === 0) making.stop.abort()
  }
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await making.answer
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
