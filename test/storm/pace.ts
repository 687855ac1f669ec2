/** What things take of late: the middle of their last few measurements. */
export class Pace {
  readonly #taken = new Map<string, number[]>()

  took(what: string, milliseconds: number): void {
    this.#taken.set(what, [...(this.#taken.get(what) ?? []), milliseconds].slice(-9))
  }

  of(what: string): number {
    const taken = [...(this.#taken.get(what) ?? [])].sort((a, b) => a - b)
    return taken[taken.length >> 1] ?? 50
  }
}
