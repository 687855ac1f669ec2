import { EventEmitter } from 'node:events'
import { sql } from 'kysely'
import { PUBLICATIONS } from '../ingest/publish.ts'
import { readBy, type Scope, scopeOf } from '../queries/report.ts'
import type { Ear } from './ear.ts'
import { Problem, RETRY_AFTER } from './errors.ts'
import type { Warehouse } from './warehouse.ts'

/** The load that an answer is read from. All of it is fixed once the load has been published. */
export interface Snapshot {
  id: number
  /** When readers first saw it. */
  published_at: string
  data_through: string | null
  /** Tables of its subject's rollups that hold its rows. */
  rollups: string[]
  /** By family, the load that read what this one has of it. */
  read_by: Record<string, number>
  /** Of an append-only subject: the loads whose rows readers of it see. */
  shows: string | null
}

/** What reports read of it. */
export const scopeOfSnapshot = ({
  id,
  rollups,
  read_by,
  shows,
}: Omit<Snapshot, 'published_at' | 'data_through'>): Scope => scopeOf(id, { rollups, readBy: read_by, shows })

/**
 * Knows which load readers see. It hears of publications by any process and keeps the pointers in memory, so that an
 * answer from the cache, or a 304, needs no database; while the ear is deaf, it reads the pointer each time.
 * Emits `moved` when a pointer moved.
 */
export class Snapshots extends EventEmitter<{ moved: [subject: string, loadId: number] }> {
  readonly #warehouse: Warehouse
  readonly #ear: Ear
  #current = new Map<string, Snapshot>()
  /** Numbers the readings of the pointers, so that a slow one never undoes a later one. */
  #asked = 0
  #answered = 0

  constructor(warehouse: Warehouse, ear: Ear) {
    super()
    this.#warehouse = warehouse
    this.#ear = ear
    const read = () => this.#readPointers()
    ear.add({ channel: PUBLICATIONS, heard: read, catchUp: read })
  }

  /** The published load of a subject; undefined when there is none. */
  async current(subject: string): Promise<Snapshot | undefined> {
    if (!this.#ear.hears) await this.#readPointers()
    return this.#current.get(subject)
  }

  /** The same without waiting: undefined also when what is known may be out of date. */
  heard(subject: string): Snapshot | undefined {
    return this.#ear.hears ? this.#current.get(subject) : undefined
  }

  /** Reads the pointers now: whoever just moved one here must be answered from the new load. */
  async refresh(): Promise<void> {
    await this.#readPointers()
  }

  /** Whoever is told here that a load is published is answered from it, although its publication may not have been heard yet. */
  async keepUpWith(loads: { id: number; subject: string; state: string }[]): Promise<void> {
    const unheard = ({ id, subject, state }: (typeof loads)[number]) =>
      state === 'published' && this.#current.get(subject)?.id !== id
    if (loads.some(unheard)) await this.#readPointers()
  }

  /**
   * The load that readers saw at a moment.
   * @param asOf a load's number, a date or an instant
   * @throws Problem 404 when there was none, 410 when its rows are gone, 400 for the future
   */
  async asOf(subject: string, asOf: string): Promise<Snapshot> {
    const current = await this.current(subject)
    if (current && String(current.id) === asOf) return current
    const byNumber = /^\d{1,9}$/.test(asOf)
    if (!byNumber) await this.#assertPast(subject, asOf)
    const publication = byNumber ? sql`load_id = ${Number(asOf)}` : sql`at < ${momentOf(asOf).before}::timestamptz`
    const found = await sql<Snapshot & { state: string }>`
      select load_id as id, state, data_through, rollups, ${readBy} as read_by, shows::text, published_at
      from reelhouse.load
      where load_id = (select load_id from reelhouse.publication
                       where subject = ${subject} and ${publication} order by at desc, publication_id desc limit 1)`.execute(
      this.#warehouse.writer,
    )
    const load = found.rows[0]
    if (!load) throw new Problem(404, `No load of ${subject} was published as of ${asOf}.`)
    return this.#stillThere(subject, load)
  }

  /** By the clock that dates publications, which may not be this machine's; and no publication is in the future, whatever that clock has done since. */
  async #assertPast(subject: string, asOf: string): Promise<void> {
    const found = await sql<{ future: boolean }>`
      select ${momentOf(asOf).from}::timestamptz > greatest(clock_timestamp(), max(at)) as future
      from reelhouse.publication where subject = ${subject}`.execute(this.#warehouse.writer)
    if (found.rows[0]?.future) throw badMoment('is in the future')
  }

  /** The load of a cursor. @throws Problem 410 when its rows are gone */
  async ofCursor(subject: string, loadId: number): Promise<Snapshot> {
    return await this.asOf(subject, String(loadId))
  }

  async #stillThere(subject: string, { state, ...load }: Snapshot & { state: string }): Promise<Snapshot> {
    if (state !== 'dropped') return load
    const current = await this.current(subject)
    throw new Problem(410, `Load ${load.id} has been dropped; the current one is ${current?.id ?? 'none'}.`)
  }

  async #readPointers(): Promise<void> {
    this.#asked += 1
    const asked = this.#asked
    const found = await sql<Snapshot & { subject: string }>`
      select pointer.subject, load.load_id as id, data_through, rollups, ${readBy} as read_by, shows::text, load.published_at
      from reelhouse.pointer join reelhouse.load using (load_id)`.execute(this.#warehouse.writer)
    if (asked < this.#answered) return
    this.#answered = asked
    const before = this.#current
    this.#current = new Map(found.rows.map(({ subject, ...snapshot }) => [subject, snapshot]))
    for (const [subject, { id }] of this.#current) if (before.get(subject)?.id !== id) this.emit('moved', subject, id)
  }
}

const badMoment = (detail: string) => new Problem(400, `as_of ${detail}.`, { errors: [{ parameter: 'as_of', detail }] })

/** When what is asked for begins, and the moment before which a publication counts, as PostgreSQL reads them. */
function momentOf(asOf: string): { from: string; before: string } {
  const date = /^\d{4}-\d{2}-\d{2}$/.test(asOf)
  if (!date && !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})$/.test(asOf))
    throw badMoment('takes the number of a load, a date (2026-11-01) or an instant (2026-11-01T07:00:00Z)')
  const moment = new Date(date ? `${asOf}T00:00:00Z` : asOf)
  // JavaScript takes the 30th of February for the 2nd of March.
  const day = new Date(`${asOf.slice(0, 10)}T00:00:00Z`)
  const inCalendar = !Number.isNaN(day.getTime()) && day.toISOString().slice(0, 10) === asOf.slice(0, 10)
  if (Number.isNaN(moment.getTime()) || !inCalendar) throw badMoment('is not in the calendar')
  // A date stands for its end; an instant includes what was published in that very moment.
  const before = new Date(moment.getTime() + (date ? 86_400_000 : 1))
  return { from: moment.toISOString(), before: before.toISOString() }
}

/** What a report says as long as its subject has no load to read from. */
export function nothingPublished(subject: string): Problem {
  return new Problem(503, `Nothing of ${subject} is published yet; GET /readyz tells what is under way.`, {
    headers: { 'retry-after': RETRY_AFTER },
  })
}
