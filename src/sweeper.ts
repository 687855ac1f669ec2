import { sweep } from '../ingest/drop.ts'
import type { Subject } from '../ingest/subject.ts'
import type { Warehouse } from './warehouse.ts'

/** Milliseconds between two looks for tables that could not be dropped at once, because somebody was reading. */
const EVERY_MS = 10 * 60_000

/** Takes away the tables of dropped loads in the background, one sweep at a time. */
export class Sweeper {
  readonly #warehouse: Warehouse
  readonly #subjects: Map<string, Subject>
  readonly #complain: (error: unknown) => void
  readonly #timer: NodeJS.Timeout
  #sweeping: Promise<void> = Promise.resolve()

  constructor(warehouse: Warehouse, subjects: Map<string, Subject>, complain: (error: unknown) => void) {
    this.#warehouse = warehouse
    this.#subjects = subjects
    this.#complain = complain
    this.#timer = setInterval(() => this.soon(), EVERY_MS).unref()
  }

  /** Sweeps once what runs is done. */
  soon(): void {
    this.#sweeping = this.#sweeping.then(async () => {
      for (const subject of this.#subjects.values()) await sweep(this.#warehouse.connect, subject).catch(this.#complain)
    })
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sweeping
  }
}
