import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Warehouse } from './warehouse.ts'

/** Somebody who wants to know what happens in the warehouse, whoever does it. */
export interface Listener {
  channel: string
  /** A notification. Anybody may notify: that something happened is believed, what happened is read. */
  heard(payload: string): Promise<void> | void
  /** Reads what may not have been heard: when listening begins, when it begins anew, and now and then. */
  catchUp(): Promise<void> | void
}

/** Milliseconds between two looks whether the connection that listens still lives. */
const BEAT_MS = 10_000

/**
 * The one connection by which a server listens, however many want to know. When it breaks, it listens anew; so does it
 * when a listener could not read what it heard of, since that would stay unknown.
 */
export class Ear {
  readonly #warehouse: Warehouse
  readonly #log: (error: unknown) => void
  readonly #listeners: Listener[] = []
  #client: pg.Client | undefined
  readonly #closing = new AbortController()
  #listening: Promise<void> = Promise.resolve()

  constructor(warehouse: Warehouse, log: (error: unknown) => void) {
    this.#warehouse = warehouse
    this.#log = log
  }

  /** To be called before the start. */
  add(listener: Listener): void {
    this.#listeners.push(listener)
  }

  /** Whether every listener knows what there is to know, and will be told of what comes. */
  get hears(): boolean {
    return this.#client !== undefined
  }

  async start(): Promise<void> {
    await this.#listen()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#client?.end()
    await this.#listening
  }

  async #listen(): Promise<void> {
    const client = await this.#warehouse.connect('reelhouse ear')
    let ended = false
    client.once('end', () => {
      ended = true
      if (this.#client !== client) return
      this.#client = undefined
      if (!this.#closing.signal.aborted) this.#listening = this.#listenAgain()
    })
    const orListenAnew = (read: () => Promise<void>) => {
      read().catch((error) => {
        this.#log(error)
        void client.end()
      })
    }
    client.on('notification', ({ channel, payload = '' }) => {
      for (const listener of this.#listeners)
        if (listener.channel === channel) orListenAnew(async () => await listener.heard(payload))
    })
    try {
      for (const channel of new Set(this.#listeners.map((listener) => listener.channel)))
        await client.query(`listen ${client.escapeIdentifier(channel)}`)
      // Only now: what happens between reading and listening would be missed.
      await this.#catchUp()
      if (ended) throw new Error('The connection that listens to the warehouse ended at once.')
    } catch (error) {
      await client.end()
      throw error
    }
    if (this.#closing.signal.aborted) return await client.end()
    this.#client = client
    this.#watch(client, () => orListenAnew(() => this.#catchUp()))
  }

  async #catchUp(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.catchUp()))
  }

  /** A connection that a network has dropped in silence never ends by itself; and a pooler between may swallow notifications. */
  #watch(client: pg.Client, catchUp: () => void): void {
    const beat = setInterval(() => {
      const deadline = setTimeout(() => client.connection.stream.destroy(), BEAT_MS / 2)
      client
        .query('select 1')
        .then(catchUp, (error) => this.#log(error))
        .finally(() => clearTimeout(deadline))
    }, BEAT_MS)
    client.once('end', () => clearInterval(beat))
  }

  async #listenAgain(): Promise<void> {
    const { signal } = this.#closing
    for (let wait = 100; ; wait = Math.min(wait * 2, 5000)) {
      await sleep(wait, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      try {
        return await this.#listen()
      } catch (error) {
        this.#log(error)
      }
    }
  }
}
