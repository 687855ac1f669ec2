/** Chance that can be repeated: the same numbers give the same draws, on every machine. */

/** Mixes two numbers into 32 bits that look random. */
export function hash(seed: number, number: number): number {
  let h = Math.imul(seed ^ 0x6a09e667, 0x85ebca6b) ^ Math.imul(number + 1, 0x9e3779b1)
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d)
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b)
  return (h ^ (h >>> 16)) >>> 0
}

/** The small fast generator sfc32, whose whole state is four numbers: a new one for every film costs nothing. */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number, number: number) {
    this.#a = seed | 0
    this.#b = number | 0
    this.#c = hash(seed, number) | 0
    for (let round = 0; round < 8; round++) this.next()
  }

  /** 0 up to but not including 1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return (sum >>> 0) / 0x1_0000_0000
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)]
    if (item === undefined) throw new RangeError('there is nothing to pick from')
    return item
  }

  /** Around 0 with standard deviation 1, never beyond 6. */
  normal(): number {
    let sum = -6
    for (let i = 0; i < 12; i++) sum += this.next()
    return sum
  }
}
