import { spawn } from 'node:child_process'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { buryTheDead, cancelQueued, type LoadRequest, queueLoad } from '../ingest/ledger.ts'
import type { Warehouse } from './warehouse.ts'

/**
 * Runs loads in processes of their own, so that parsing a file never keeps an analyst waiting, and a load that dies takes
 * nobody with it.
 */
export class Runner {
  readonly #warehouse: Warehouse
  readonly #complain: (error: unknown, loadId: number) => void
  readonly #running = new Map<number, { stop: () => void; ended: Promise<void> }>()
  readonly #closing = new AbortController()

  constructor(warehouse: Warehouse, complain: (error: unknown, loadId: number) => void) {
    this.#warehouse = warehouse
    this.#complain = complain
  }

  /**
   * Queues a load and starts its process.
   * @param onEnd called when the process has ended, however it did
   * @returns the load's number
   * @throws LoadInProgressError
   */
  async start(request: LoadRequest, onEnd?: (loadId: number) => void | Promise<void>): Promise<number> {
    const loadId = await queueLoad(this.#warehouse.writer, request)
    this.run(loadId, onEnd)
    return loadId
  }

  /**
   * Starts the process of a load that is queued.
   * @param onEnd called when the process has ended, however it did
   */
  run(loadId: number, onEnd: (loadId: number) => void | Promise<void> = () => {}): void {
    if (this.#closing.signal.aborted) {
      // Whoever queued it did not know yet; nobody else would take it up.
      this.#running.set(loadId, { stop: () => {}, ended: this.#afterwards(loadId, onEnd) })
      return
    }
    const program = path.join(import.meta.dirname, 'bin', 'run-load.js')
    const child = spawn(process.execPath, [program, String(loadId)], { stdio: ['ignore', 'ignore', 'inherit'] })
    const ended = new Promise<void>((resolve) => {
      child.once('error', (error) => {
        this.#complain(error, loadId)
        resolve()
      })
      child.once('close', () => resolve())
    }).then(() => this.#afterwards(loadId, onEnd))
    this.#running.set(loadId, { stop: () => child.kill('SIGTERM'), ended })
  }

  /** Stops the loads that run here, and waits until each has said so in the ledger. */
  async close(): Promise<void> {
    this.#closing.abort()
    for (const { stop } of this.#running.values()) stop()
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map(({ ended }) => ended))
  }

  async #afterwards(loadId: number, onEnd: (loadId: number) => void | Promise<void>): Promise<void> {
    try {
      await this.#bury(loadId)
      await onEnd(loadId)
    } catch (error) {
      this.#complain(error, loadId)
    } finally {
      this.#running.delete(loadId)
    }
  }

  /**
   * Again and again while the database is away: only here is it known that the process of a load has ended, and a queued one
   * would keep others waiting.
   */
  async #bury(loadId: number): Promise<void> {
    const { signal } = this.#closing
    for (let wait = 100; ; wait = Math.min(wait * 2, 5000)) {
      const stopped = signal.aborted
      try {
        // One that was stopped while its program was still being read could not say so itself; nor one that was killed.
        if (stopped) await cancelQueued(this.#warehouse.writer, loadId, 'The server stopped before the load began.')
        return await buryTheDead(this.#warehouse.writer, [loadId])
      } catch (error) {
        if (stopped) throw error
        this.#complain(error, loadId)
        await sleep(wait, undefined, { signal }).catch(() => {})
      }
    }
  }
}
