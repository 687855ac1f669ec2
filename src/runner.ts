import { spawn } from 'node:child_process'
import path from 'node:path'
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
  #closing = false

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
    if (this.#closing) {
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
    this.#closing = true
    for (const { stop } of this.#running.values()) stop()
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map(({ ended }) => ended))
  }

  async #afterwards(loadId: number, onEnd: (loadId: number) => void | Promise<void>): Promise<void> {
    try {
      // One that was stopped while its program was still being read could not say so itself; nor one that was killed.
      if (this.#closing) await cancelQueued(this.#warehouse.writer, loadId, 'The server stopped before the load began.')
      await buryTheDead(this.#warehouse.writer, [loadId])
      await onEnd(loadId)
    } catch (error) {
      this.#complain(error, loadId)
    } finally {
      this.#running.delete(loadId)
    }
  }
}
