/** Draws that are the same again for the same seed; everybody who draws at his own pace has his own. */
export class Chance {
  #state: number
  constructor(seed: number, whose: string) {
    this.#state = seed
    for (const character of whose)
      this.#state = Math.imul(this.#state ^ (character.codePointAt(0) as number), 0x9e3779b1)
  }

  /** From 0 to just below 1; mulberry32. */
  share(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 to just below `end`. */
  below(end: number): number {
    return Math.floor(this.share() * end)
  }

  of<T>(things: readonly T[]): T {
    return things[this.below(things.length)] as T
  }

  /** One of the names, each as often as its weight says. */
  weighted<Name extends string>(weights: Record<Name, number>): Name {
    const all = Object.entries(weights) as [Name, number][]
    let left = this.share() * all.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [name, weight] of all) {
      left -= weight
      if (left < 0) return name
    }
    return (all.at(-1) as [Name, number])[0]
  }
}
