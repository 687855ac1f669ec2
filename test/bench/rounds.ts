/** Two things measured in turn, so that whatever else the machine does meets both alike. */

/** A measurement of one thing in one round: how many a second, or how many milliseconds. */
export type Measure = () => Promise<number>

export interface Compared {
  /** Medians of the rounds. */
  ours: number
  reference: number
  /** Median of the rounds' quotients, and how far the outermost are from it. */
  ratio: number
  spread: number
}

export async function inTurn(ours: Measure, reference: Measure, rounds = 3): Promise<Compared> {
  const found: [number, number][] = []
  for (let round = 0; round < rounds; round++) found.push([await ours(), await reference()])
  const ratios = found.map(([one, other]) => one / other)
  const ratio = median(ratios)
  return {
    ours: median(found.map(([one]) => one)),
    reference: median(found.map(([, other]) => other)),
    ratio,
    spread: Math.max(...ratios.map((one) => Math.abs(one - ratio))),
  }
}

export const median = (values: number[]): number => quantile(values, 0.5)

/** The value that a share of all does not exceed. */
export function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** The same numbers each run: Mulberry32. */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
