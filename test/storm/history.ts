/**
 * Whether what readers saw can be told as one story: publications in the order in which they were made, and every answer from the
 * one that was current when it was given.
 */

/** An answer that was read from what was current. Instants are milliseconds of this machine's clock. */
export interface Seen {
  load: number
  asked: number
  answered: number
  what: string
}

export interface Publication {
  load: number
  at: number
}

/** How long a publication by another process may take to be heard: a notification, and a query, on a machine that is busy. */
const LATE_MS = 3000

/** Two clocks of one machine, read in different units. */
const TICK_MS = 5

/**
 * @param history in the order of publication
 * @returns what cannot be, in sentences; and by how much the oldest answer came late
 */
export function contradictions(seen: Seen[], history: Publication[]): { faults: string[]; latest: number } {
  const faults: string[] = []
  let latest = 0
  /** Places in the history that had been reached by when, both ascending. */
  const reached: { by: number; place: number }[] = []
  for (const { load, asked, answered, what } of [...seen].sort((a, b) => a.answered - b.answered)) {
    const floor = placeBefore(reached, asked)
    // The earliest place that does: it asks least of later answers, so if they fit with any, they fit with this.
    const place = history.findIndex(
      (one, index) =>
        index >= floor &&
        one.load === load &&
        one.at <= answered + TICK_MS &&
        (history[index + 1]?.at ?? Infinity) >= asked - LATE_MS,
    )
    if (place < 0) {
      const story = history
        .map((one, index) => ({ ...one, index }))
        .filter(({ index }) => index >= floor - 1)
        .map((one) => `${one.load} at ${one.at - asked}`)
      faults.push(
        `${what}: load ${load}, asked at 0, answered at ${answered - asked}, but readers saw ${story.slice(0, 6).join(', ')}`,
      )
      continue
    }
    latest = Math.max(latest, asked - (history[place + 1]?.at ?? Infinity))
    reached.push({ by: answered, place: Math.max(place, reached.at(-1)?.place ?? 0) })
  }
  return { faults, latest }
}

/** The furthest place that had been reached by an answer from before this moment. */
function placeBefore(reached: { by: number; place: number }[], moment: number): number {
  let [low, high] = [0, reached.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((reached[middle] as { by: number }).by < moment) low = middle + 1
    else high = middle
  }
  return reached[low - 1]?.place ?? 0
}
