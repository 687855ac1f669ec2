/** Numbers that occurred: how many different ones, at a bit each. */
export class Seen {
  readonly #bits: Uint8Array
  count = 0

  constructor(most: number) {
    this.#bits = new Uint8Array((most >>> 3) + 1)
  }

  add(number: number): void {
    const mask = 1 << (number & 7)
    const byte = this.#bits[number >>> 3] ?? 0
    if (byte & mask) return
    this.#bits[number >>> 3] = byte | mask
    this.count++
  }
}
