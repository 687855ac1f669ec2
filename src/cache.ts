import { LRUCache } from 'lru-cache'

/**
 * Answers as bytes. A key names the load, so what it holds can never be stale; it is only dropped to make room. When many ask
 * for the same thing at once, it is made once.
 */
export class ByteCache {
  readonly #kept: LRUCache<string, Answer> | undefined
  readonly #making = new Map<string, Promise<Answer>>()

  /** @param megabytes room for all answers together; 0 keeps none */
  constructor(megabytes: number) {
    if (megabytes > 0)
      this.#kept = new LRUCache({ maxSize: megabytes << 20, sizeCalculation: (answer, key) => answer.body.length + key.length + 500 })
  }

  get(key: string): Answer | undefined {
    return this.#kept?.get(key)
  }

  /** The answer under the key, made by `make` unless it is there or being made already. */
  async obtain(key: string, make: () => Promise<Answer>): Promise<Answer> {
    const kept = this.get(key) ?? this.#making.get(key)
    if (kept) return kept
    const making = make()
    this.#making.set(key, making)
    try {
      const answer = await making
      this.#kept?.set(key, answer)
      return answer
    } finally {
      this.#making.delete(key)
    }
  }

  /** Frees the room of answers that nobody is likely to ask for again. */
  clear(): void {
    this.#kept?.clear()
  }
}

export interface Answer {
  body: Buffer
  /** `Link` header of a page that is not the last. */
  link: string | undefined
}
