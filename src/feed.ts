import type { Happening } from '../queries/events.ts'

/** What is new of a topic. */
export interface News {
  happenings: Happening[]
  /** Nothing more will come. */
  ended: boolean
}

/**
 * Topics that any number of watchers follow. Whoever learns that something happened rings; the watchers then read, those
 * at the same place together, so that a thousand of them ask the warehouse once.
 */
export class Feed<Topic> {
  readonly #read: (topic: Topic, after: number) => Promise<News>
  readonly #watchers = new Map<Topic, Set<() => void>>()
  readonly #reading = new Map<Topic, Map<number, Promise<News>>>()

  constructor(read: (topic: Topic, after: number) => Promise<News>) {
    this.#read = read
  }

  /** Whether anybody watches. */
  get watched(): boolean {
    return this.#watchers.size > 0
  }

  /** @param topic all of them, when it is left out */
  ring(topic?: Topic): void {
    // What began to be read before may not have it.
    if (topic === undefined) this.#reading.clear()
    else this.#reading.delete(topic)
    const rung = topic === undefined ? [...this.#watchers.values()] : [this.#watchers.get(topic) ?? new Set()]
    for (const watchers of rung) for (const wake of watchers) wake()
  }

  /** @returns to be called when one watches no more */
  watch(topic: Topic, wake: () => void): () => void {
    const watchers = this.#watchers.get(topic) ?? new Set()
    this.#watchers.set(topic, watchers.add(wake))
    return () => {
      watchers.delete(wake)
      if (watchers.size === 0 && this.#watchers.get(topic) === watchers) this.#watchers.delete(topic)
    }
  }

  /** What happened after a happening of the topic. */
  async read(topic: Topic, after: number): Promise<News> {
    const readings = this.#reading.get(topic) ?? new Map<number, Promise<News>>()
    this.#reading.set(topic, readings)
    const begun = readings.get(after)
    if (begun) return await begun
    const reading = this.#read(topic, after).finally(() => {
      readings.delete(after)
      if (readings.size === 0 && this.#reading.get(topic) === readings) this.#reading.delete(topic)
    })
    readings.set(after, reading)
    return await reading
  }
}
