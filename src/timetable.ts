import { createTask, validateDetailed } from 'node-cron'

/**
 * When something is due: a cron line in a time zone, of five fields, or six with seconds first. An hour that the clocks
 * repeat counts once, and a time that they skip is not due that day, as node-cron has it, which keeps the time.
 */
export class Timetable {
  readonly cron: string
  readonly timezone: string
  readonly #task
  /** Due in hours that match; to look back a year by minutes would take seconds. */
  readonly #hours
  readonly #seconds: number[]
  readonly #wallClock: Intl.DateTimeFormat

  /** @throws Error when the line is none, see `whyNoCronLine` */
  constructor(cron: string, timezone: string) {
    this.cron = cron
    this.timezone = timezone
    const { fields } = validateDetailed(cron)
    if (!fields) throw new Error(`${cron} is no cron line.`)
    const { second, hour, dayOfMonth, month, dayOfWeek } = fields
    this.#seconds = second
    this.#task = unstarted(cron, timezone)
    this.#hours = unstarted(['*', hour, dayOfMonth, month, dayOfWeek].join(' '), timezone)
    this.#wallClock = new Intl.DateTimeFormat('en-US', { ...TO_THE_SECOND, timeZone: timezone })
  }

  /** The next so many instants, from now. */
  next(count: number): Date[] {
    return this.#task.getNextRuns(count)
  }

  /**
   * The last instant that was due after one moment and not after another, and how many there were.
   * @returns undefined when there was none; of very many, the count stops at MANY
   */
  lastDue(after: Date, until: Date): { at: Date; count: number } | undefined {
    const from = Math.max(after.getTime(), until.getTime() - LOOK_BACK_MS)
    let at: Date | undefined
    let count = 0
    // No zone is off UTC, and no clock is put forward or back, by anything but quarters of an hour.
    for (let quarter = floor(until.getTime(), QUARTER_MS); quarter + QUARTER_MS > from; quarter -= QUARTER_MS) {
      if (!this.#hours.match(new Date(quarter))) continue
      for (const due of this.#dueIn(quarter).reverse()) {
        if (due <= from || due > until.getTime()) continue
        at ??= new Date(due)
        count += 1
        if (count === MANY) return { at, count }
      }
    }
    return at && { at, count }
  }

  /** The instant itself; of one in an hour that the clocks repeat, the first with that time of day. */
  firstOf(instant: Date): Date {
    const time = instant.getTime()
    const wall = this.#wall(time)
    const back = this.#wall(time - DAY_MS) + DAY_MS - wall
    return back > 0 && this.#wall(time - back) === wall ? new Date(time - back) : instant
  }

  /**
   * Calls at each instant that is due, until it is told to stop.
   * @param due with the instant, as `firstOf` has it
   * @param late when one or more have gone by unnoticed: the machine slept, or its clock was put forward
   */
  start(due: (instant: Date) => void, late: () => void, log: (error: unknown) => void): () => void {
    const quiet = () => {}
    const task = createTask(this.cron, ({ date }) => due(this.firstOf(date)), {
      timezone: this.timezone,
      missedExecutionTolerance: ON_TIME_MS,
      logger: { debug: quiet, info: quiet, warn: quiet, error: log },
    })
    task.on('execution:missed', late)
    void task.start()
    return () => void task.destroy()
  }

  /** Milliseconds of each instant in a quarter of an hour that is due. */
  #dueIn(quarter: number): number[] {
    const [first = 0] = this.#seconds
    const minutes = Array.from({ length: 15 }, (_, minute) => quarter + minute * MINUTE_MS)
    return minutes
      .filter((minute) => this.#task.match(new Date(minute + first * 1000)))
      .filter((minute) => this.firstOf(new Date(minute)).getTime() === minute)
      .flatMap((minute) => this.#seconds.map((second) => minute + second * 1000))
  }

  /** What a clock on the wall shows, as milliseconds of that time in UTC. */
  #wall(time: number): number {
    const parts = this.#wallClock.formatToParts(time).map(({ type, value }) => [type, Number(value)])
    const { year, month, day, hour, minute, second } = Object.fromEntries(parts)
    return Date.UTC(year, month - 1, day, hour, minute, second)
  }
}

const MINUTE_MS = 60_000
const QUARTER_MS = 15 * MINUTE_MS
const DAY_MS = 24 * 60 * MINUTE_MS
/** What was due longer ago is not made up for. */
const LOOK_BACK_MS = 366 * DAY_MS
/** More are not counted. */
export const MANY = 1000
/** Later than this, an instant counts as gone by. */
const ON_TIME_MS = MINUTE_MS

const TO_THE_SECOND = {
  hourCycle: 'h23',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
} as const

const floor = (time: number, step: number) => Math.floor(time / step) * step

/** A line to ask of, and not to run. */
function unstarted(line: string, timezone: string) {
  const task = createTask(line, () => {}, { timezone })
  // It can be asked all the same, and is no more on node-cron's list, which would keep it for ever.
  void task.destroy()
  return task
}

const NAMES: Record<string, string> = {
  second: 'second',
  minute: 'minute',
  hour: 'hour',
  dayOfMonth: 'day of the month',
  month: 'month',
  dayOfWeek: 'day of the week',
}

/** What is wrong with a cron line; undefined when nothing is. */
export function whyNoCronLine(line: string): string | undefined {
  const [error] = validateDetailed(line).errors
  if (error) return NAMES[error.field] ? `${error.value} is no ${NAMES[error.field]}` : error.message
  try {
    unstarted(line, 'UTC').getNextRuns(1)
    return undefined
  } catch {
    return 'no day is like that'
  }
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}
