/**
 * Preloaded into the program (`node --import`): a clock that is wrong. OTHER_CLOCK says by how many milliseconds; of several, which
 * one holds changes twenty times a second, so that the clock jumps to and fro. What measures durations is not touched.
 */
const Real = Date
const shifts = (process.env.OTHER_CLOCK ?? '0').split(',').map(Number)
const now = () => {
  const moment = Real.now()
  return moment + (shifts[Math.floor(moment / 50) % shifts.length] as number)
}

globalThis.Date = class extends Real {
  constructor(...given: unknown[]) {
    super(...((given.length === 0 ? [now()] : given) as [number]))
  }

  static override now(): number {
    return now()
  }
} as DateConstructor
