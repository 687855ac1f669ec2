import type { Runner } from './runner.ts'
import { advance, BACK_OFF, enterDue, enterMissed, enterSchedule, type Step } from './scheduled-runs.ts'
import type { Schedule } from './schedules.ts'
import type { Warehouse } from './warehouse.ts'

export interface SchedulerOptions {
  schedules: Schedule[]
  warehouse: Warehouse
  runner: Runner
  /** Tells people, in a line, what is due, begins and ends. */
  say: (line: string) => void
  log: (error: unknown) => void
  /** Seconds before each further attempt at a load that failed. */
  backOff?: number[]
}

/** Milliseconds between two looks at what other servers may have left, and at what is to be tried again. */
const LOOK_MS = 5000

/**
 * Loads subjects when they are due. What is due is entered in the warehouse by every server that runs, and taken up by
 * whichever comes first: this only keeps the time, and looks again and again.
 */
export class Scheduler {
  readonly #options: Required<SchedulerOptions>
  #stops: (() => void)[] = []
  /** Those whose due runs may not all have been entered. */
  readonly #behind = new Set<Schedule>()
  #looking: Promise<void> | undefined
  #lookAgain = false
  #closed = false

  constructor(options: SchedulerOptions) {
    this.#options = { backOff: BACK_OFF, ...options }
  }

  async start(): Promise<void> {
    const { schedules, warehouse, say, log } = this.#options
    if (schedules.length === 0) return
    for (const schedule of schedules) {
      const { subject, timetable } = schedule
      await enterSchedule(warehouse.writer, schedule, new Date())
      const due = (at: Date) => void this.#enter(schedule, at)
      const late = () => {
        this.#behind.add(schedule)
        this.#look()
      }
      // Before it is asked what was missed, so that nothing falls between.
      this.#stops.push(timetable.start(due, late, log))
      this.#behind.add(schedule)
      const [next] = timetable.next(1)
      say(`The next scheduled load of ${subject} is due at ${shown(next)} (${timetable.cron}, ${timetable.timezone})`)
    }
    let looked = Date.now()
    const timer = setInterval(() => {
      // The machine slept, or its clock was put forward: timers go on as if no time had passed.
      if (Date.now() - looked > 2 * LOOK_MS) for (const schedule of schedules) this.#behind.add(schedule)
      looked = Date.now()
      this.#look()
    }, LOOK_MS)
    this.#stops.push(() => clearInterval(timer))
    this.#look()
  }

  /** Keeps no time any more, and starts nothing; the loads that it started are the runner's to stop. */
  async close(): Promise<void> {
    this.#closed = true
    for (const stop of this.#stops) stop()
    await this.#looking
  }

  async #enter(schedule: Schedule, at: Date): Promise<void> {
    try {
      await enterDue(this.#options.warehouse.writer, schedule.subject, at)
    } catch (error) {
      this.#options.log(error)
      this.#behind.add(schedule)
    }
    this.#look()
  }

  /** At once, or once more after the look that is under way. */
  #look(): void {
    if (this.#closed) return
    this.#lookAgain = true
    this.#looking ??= this.#lookAround().finally(() => {
      this.#looking = undefined
    })
  }

  async #lookAround(): Promise<void> {
    while (this.#lookAgain && !this.#closed) {
      this.#lookAgain = false
      for (const schedule of this.#options.schedules) {
        try {
          await this.#takeUp(schedule)
        } catch (error) {
          // The next look may find the warehouse well again.
          this.#options.log(error)
        }
      }
    }
  }

  async #takeUp(schedule: Schedule): Promise<void> {
    const { warehouse, runner, say, backOff } = this.#options
    if (this.#behind.delete(schedule))
      await enterMissed(warehouse.writer, schedule, new Date()).catch((error) => {
        this.#behind.add(schedule)
        throw error
      })
    if (this.#closed) return
    const steps = await advance(warehouse.writer, schedule, backOff)
    for (const step of steps) {
      say(sentenceOf(step))
      if (step.now === 'started' && step.load_id !== null) runner.run(step.load_id, () => this.#look())
    }
    // Its time may have come while no server ran.
    if (steps.some(({ now }) => now === 'again')) this.#lookAgain = true
  }
}

function sentenceOf({ subject, due_at, now, load_id, next_attempt_at, note }: Step): string {
  const run = `Scheduled load of ${subject}, due at ${shown(due_at)}`
  const why = note === null ? '' : ` (${note})`
  if (now === 'started') return `${run}: load ${load_id} begins${why}`
  if (now === 'again')
    return `${run}: load ${load_id} did not come to its end; another try is due at ${shown(next_attempt_at)}${why}`
  return `${run}: ${load_id === null ? '' : `load ${load_id}: `}${now}${why}`
}

/** An instant to the second. */
const shown = (instant: Date | string | null | undefined) =>
  instant ? new Date(instant).toISOString().replace('.000Z', 'Z') : 'no time'
