import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { ask } from '../ask.ts'
import { ADMIN_TOKEN } from '../build.ts'
import type { Chance } from './chance.ts'
import type { Notes } from './reader.ts'

/** Fewer snapshots than these are left to retention, so that there is something to go back to. */
const ENOUGH = 4

/** Somebody who publishes, rolls back and drops while loads come and go. */
export class Meddler {
  readonly #url: string
  readonly #db: pg.Client
  readonly #chance: Chance
  readonly #notes: Notes
  readonly done = { publish: 0, rollback: 0, drop: 0, refused: 0 }

  constructor(url: string, db: pg.Client, chance: Chance, notes: Notes) {
    this.#url = url
    this.#db = db
    this.#chance = chance
    this.#notes = notes
  }

  /** @param pause milliseconds between two deeds, about */
  async meddle(over: AbortSignal, pause: number): Promise<void> {
    while (!over.aborted) {
      await sleep(this.#chance.share() * 2 * pause)
      try {
        await this.#deed()
      } catch (error) {
        this.#notes.faults.push(`meddling: ${(error as Error).stack}`)
      }
    }
  }

  async #deed(): Promise<void> {
    const { rows } = await this.#db.query<{ load_id: number; state: string }>(`
      select load_id, state from reelhouse.load
      where state in ('published', 'superseded', 'held') order by load_id desc`)
    const others = rows.filter(({ state }) => state !== 'published').map(({ load_id }) => load_id)
    if (others.length === 0) return
    const load = this.#chance.of(others)
    const what = this.#chance.weighted({ publish: 4, rollback: 4, drop: rows.length > ENOUGH ? 2 : 0 })
    const asked = Date.now()
    const { status, text, json } = await ask(
      this.#url +
        {
          publish: `/v1/admin/loads/${load}/publish`,
          rollback: '/v1/admin/subjects/movies/rollback',
          drop: `/v1/admin/loads/${load}`,
        }[what],
      { method: what === 'drop' ? 'DELETE' : 'POST', headers: { authorization: `Bearer ${ADMIN_TOKEN}` } },
    )
    if (status !== 200 && status !== 409) throw new Error(`${what} answered ${status}: ${text}`)
    this.done[status === 200 ? what : 'refused']++
    // Whoever moved readers is answered from there on, as is everybody else.
    if (status === 200 && what !== 'drop') this.#notes.seen.push({ load: json.load, asked, answered: Date.now(), what })
  }
}
