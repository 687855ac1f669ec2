import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, nextOf, type Reply } from '../ask.ts'
import { asCsv } from '../movies/asking.ts'
import { exactJson, wholeCell } from '../movies/exact.ts'
import { REPORTS } from '../movies/oracle.ts'
import type { Row } from '../movies/oracle-figures.ts'
import type { Chance } from './chance.ts'
import type { Seen } from './history.ts'
import type { Asked, Truth } from './truth.ts'

/** What one reader may ask for a load that is or was published, and what it was told. */
export interface AskedFor {
  load: number
  status: number
  asked: number
  answered: number
}

/** What all readers tell of. */
export interface Notes {
  answers: number
  seen: Seen[]
  asOf: AskedFor[]
  /** Loads of which readers were told that they were dropped. */
  gone: AskedFor[]
  /** Numbers of which readers were told that there is no such load: whoever is killed while it is entered leaves a gap. */
  gaps: number[]
  faults: string[]
}

const QUESTIONS: Asked[] = [
  { report: 'company-years', params: {} },
  { report: 'company-years', params: { company_id: [1, 4] }, sort: '-revenue,company' },
  { report: 'company-years', params: { from: 2000, min_releases: 3 }, sort: '-profit' },
  { report: 'genre-years', params: {} },
  { report: 'genre-years', params: { genre_id: [2], from: 1999 }, fields: ['genre', 'year', 'releases', 'roi'] },
  { report: 'company-genre-years', params: { company_id: [2] } },
  { report: 'years', params: {} },
  { report: 'years', params: { company_id: [3] }, sort: '-popularity' },
  { report: 'companies', params: {} },
  { report: 'films', params: { from: 2003 }, sort: '-budget,title' },
  { report: 'films', params: {} },
]

const LIMIT = 1000

/** Somebody who reads without end, and holds all that he is told against the truth. */
export class Reader {
  readonly #url: string
  readonly #truth: Truth
  readonly #chance: Chance
  readonly #notes: Notes
  /** Texts that were found to be true. */
  readonly #true: Map<string, string>
  readonly #etags = new Map<string, string>()
  #newest = 1

  constructor(url: string, truth: Truth, chance: Chance, notes: Notes, known: Map<string, string>) {
    this.#url = url
    this.#truth = truth
    this.#chance = chance
    this.#notes = notes
    this.#true = known
  }

  /** @param pause milliseconds between two questions, about */
  async read(over: AbortSignal, pause: number): Promise<void> {
    const ways = {
      page: 40,
      stream: 12,
      pages: 12,
      asOf: 14,
      ledger: 22,
    }
    while (!over.aborted) {
      const way = this.#chance.weighted(ways)
      try {
        await this[way]()
      } catch (error) {
        this.#notes.faults.push(`${way}: ${(error as Error).stack}`)
      }
      await sleep(this.#chance.share() * 2 * pause)
    }
  }

  /** A page, perhaps one that is known already. */
  async page(): Promise<void> {
    const question = this.#chance.of(QUESTIONS)
    const path = pathOf(question, { limit: String(LIMIT) })
    const etag = this.#chance.share() < 0.3 ? this.#etags.get(path) : undefined
    const reply = await this.#ask(path, etag === undefined ? {} : { 'if-none-match': etag })
    if (reply === 'gone') return
    this.#etags.set(path, reply.headers.etag as string)
    if (reply.status === 304) assert.equal(reply.headers.etag, etag)
    else await this.#assertPage(question, path, reply)
  }

  /** A whole result. */
  async stream(): Promise<void> {
    const question = this.#chance.of(QUESTIONS)
    const format = this.#chance.of(['csv', 'ndjson'])
    const path = pathOf(question, { format })
    const reply = await this.#ask(path)
    if (reply === 'gone') return
    const load = loadOf(reply)
    await this.#assertTrue(load, path, reply.text, async () => {
      const rows = await this.#truth.rows(load, question)
      const columns = question.fields ?? REPORTS[question.report].columns
      if (format === 'csv') {
        assert.equal(reply.text, csv([columns, ...rows.map(asCsv)]))
        const digest = `sha-256=${createHash('sha256').update(reply.text).digest('base64')}`
        assert.deepEqual({ ...reply.trailers }, { 'row-count': String(rows.length), 'body-digest': digest })
      } else {
        const lines = reply.text.trimEnd().split('\n')
        assert.deepEqual(lines.slice(0, -1).map(exactJson), rows)
        const { end, rows: count } = JSON.parse(lines.at(-1) as string)
        assert.deepEqual([end, count], [true, rows.length])
      }
    })
  }

  /** Page after page: all of one load, and together the whole. */
  async pages(): Promise<void> {
    const limit = 20 + this.#chance.below(60)
    const question: Asked = {
      report: 'films',
      params: {},
      sort: this.#chance.of(['title', '-revenue', 'film_id', 'release_date,-vote_count']),
    }
    let path: string | undefined = pathOf(question, { limit: String(limit) })
    const found: Row[] = []
    let first: number | undefined
    while (path !== undefined) {
      const reply: Reply | 'gone' = await this.#ask(path, {}, first)
      if (reply === 'gone') return
      const { data, meta } = exactJson(reply.text)
      first ??= loadOf(reply)
      assert.equal(meta.load.id, wholeCell(first), 'a cursor stays on its load')
      found.push(...data)
      path = nextOf(reply)
      await sleep(this.#chance.share() * 20)
    }
    assert.deepEqual(found, await this.#truth.rows(first as number, question))
  }

  /** What an earlier load said, if it was ever published. */
  async asOf(): Promise<void> {
    const load = Math.max(1, this.#newest - this.#chance.below(12))
    const question = this.#chance.of(QUESTIONS)
    const path = pathOf(question, { limit: String(LIMIT), as_of: String(load) })
    const asked = Date.now()
    const reply = await ask(this.#url + path)
    this.#notes.answers++
    this.#notes.asOf.push({ load, status: reply.status, asked, answered: Date.now() })
    if (reply.status === 410 || reply.status === 404) return
    assert.equal(reply.status, 200, `${path}: ${reply.text}`)
    assert.equal(loadOf(reply), load)
    await this.#assertPage(question, path, reply)
  }

  /** What the ledger tells everyone. */
  async ledger(): Promise<void> {
    const asked = Date.now()
    const see = (load: number, what: string) => this.#notes.seen.push({ load, asked, answered: Date.now(), what })
    const get = async (path: string) => {
      const reply = await ask(this.#url + path)
      this.#notes.answers++
      assert.equal(reply.status, 200, `${path}: ${reply.text}`)
      return reply.json
    }
    const what = this.#chance.of(['published', 'latest', 'one', 'catalog', 'ready'] as const)
    if (what === 'published') {
      const { data } = await get('/v1/loads?subject=movies&state=published')
      assert.equal(data.length, 1, `${data.length} loads are published`)
      see(data[0].id, what)
    } else if (what === 'latest') {
      const { data } = await get('/v1/loads?subject=movies')
      this.#newest = Math.max(this.#newest, data[0].id)
      for (const load of data) assertSound(load)
      const busy = data.filter(({ state }: { state: string }) => /queued|running/.test(state))
      assert.ok(busy.length <= 1, `${busy.length} loads at once`)
    } else if (what === 'one') {
      const id = Math.max(1, this.#newest - this.#chance.below(4))
      const { status, text, json: load } = await ask(`${this.#url}/v1/loads/${id}`)
      this.#notes.answers++
      if (status === 404) return void this.#notes.gaps.push(id)
      assert.equal(status, 200, `load ${id}: ${text}`)
      assertSound(load)
      if (load.state === 'published') see(load.id, what)
    } else if (what === 'catalog') {
      const { subjects } = await get('/v1')
      const movies = subjects.find(({ subject }: { subject: string }) => subject === 'movies')
      see(movies.load.id, what)
    } else {
      const { published } = await get('/readyz')
      see(Number(/movies: load (\d+)/.exec(published.detail)?.[1]), what)
    }
  }

  /**
   * A report of what is current.
   * @param load of the cursor, if there is one: that one need not be current
   * @returns `gone` when its load was dropped before it could be read
   */
  async #ask(path: string, headers: Record<string, string> = {}, load?: number): Promise<Reply | 'gone'> {
    const asked = Date.now()
    const reply = await ask(this.#url + path, { headers })
    const answered = Date.now()
    this.#notes.answers++
    if (reply.status === 410) {
      const dropped = Number(/Load (\d+) has been dropped/.exec(reply.text)?.[1])
      this.#notes.gone.push({ load: dropped, status: 410, asked, answered })
      return 'gone'
    }
    assert.ok(
      reply.status === 200 || (reply.status === 304 && headers['if-none-match']),
      `${path}: ${reply.status} ${reply.text}`,
    )
    if (load === undefined) this.#notes.seen.push({ load: loadOf(reply), asked, answered, what: path })
    this.#newest = Math.max(this.#newest, loadOf(reply))
    return reply
  }

  async #assertPage(question: Asked, path: string, reply: Reply): Promise<void> {
    const load = loadOf(reply)
    await this.#assertTrue(load, path, reply.text, async () => {
      const { data, meta } = exactJson(reply.text)
      const rows = await this.#truth.rows(load, question)
      assert.deepEqual(data, rows)
      assert.deepEqual(
        [meta.load.id, meta.rows, meta.complete, meta.next],
        [wholeCell(load), wholeCell(rows.length), true, null],
      )
    })
  }

  /** A text that was found true once is so again for the same load, and any other is not. */
  async #assertTrue(load: number, path: string, text: string, prove: () => Promise<void>): Promise<void> {
    const key = `${load} ${path.replace(/&as_of=\d+/, '')}`
    const known = this.#true.get(key)
    if (known !== undefined) return assert.equal(text, known, `load ${load} says two things at ${path}`)
    await prove()
    this.#true.set(key, text)
  }
}

interface Counts {
  read: number
  loaded: number
  rejected: number
  duplicate: number
  unmatched: number
}

/** Of what the ledger says of a load, what must be so at any moment. */
function assertSound(load: { id: number; state: string; error: string | null; files: Counts[] }): void {
  for (const { read, loaded, rejected, duplicate, unmatched } of load.files)
    assert.equal(read, loaded + rejected + duplicate + unmatched, `load ${load.id} lost a record`)
  const ended = /failed|cancelled/.test(load.state)
  assert.equal(load.error !== null, ended, `load ${load.id} is ${load.state}: ${load.error}`)
}

function pathOf({ report, params, sort, fields }: Asked, more: Record<string, string>): string {
  const query = new URLSearchParams(
    Object.entries(params).map(([name, value]): [string, string] => [name, String(value)]),
  )
  if (sort) query.set('sort', sort)
  if (fields) query.set('fields', fields.join(','))
  for (const [name, value] of Object.entries(more)) query.set(name, value)
  return `/v1/movies/${report}?${query}`
}

const loadOf = ({ headers }: Reply) => Number(/^movies=(\d+)$/.exec(String(headers['data-version']))?.[1])

const csv = (lines: (string | null)[][]) => lines.map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('')

const csvCell = (cell: string | null) =>
  cell === null ? '' : cell === '' || /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
