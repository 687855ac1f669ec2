import { readFile } from 'node:fs/promises'
import type pg from 'pg'
import { readConfig } from '../../src/config.ts'
import { loadSubjects } from '../../src/subjects.ts'
import { openWarehouse } from '../../src/warehouse.ts'
import { residentMb } from './programs.ts'
import { median } from './rounds.ts'

/** Memory of a server and of its PostgreSQL, watched while they work. */

/** In MB. */
export interface OverTime {
  start: number
  middle: number
  end: number
  /** From the beginning on, one for each load's time. */
  each: number[]
}

const EVERY_MS = 2000

export class Memory {
  readonly #server: number
  readonly #opened: ReturnType<typeof open>
  readonly #seen: { at: number; server: number; database: number }[] = []
  #watching: NodeJS.Timeout | undefined

  constructor(server: number, env: Record<string, string>) {
    this.#server = server
    this.#opened = open(env)
  }

  watch(): void {
    this.#watching = setInterval(() => void this.#look().catch(() => {}), EVERY_MS)
  }

  async #look(): Promise<void> {
    const { client } = await this.#opened
    const [server, database] = await Promise.all([residentMb(this.#server), databaseMb(client)])
    this.#seen.push({ at: performance.now(), server, database })
  }

  /**
   * Medians, each over as long as one load follows another: what the load before has left and the next one throws away comes and goes.
   * @returns for the database nothing where its processes cannot be looked at
   */
  async told(seconds: number): Promise<{ server: OverTime; database: OverTime | undefined }> {
    clearInterval(this.#watching)
    await this.#look()
    const first = this.#seen[0]?.at as number
    const last = this.#seen.at(-1)?.at as number
    const around = (what: 'server' | 'database', from: number) =>
      median(this.#seen.filter(({ at }) => at >= from && at <= from + seconds * 1000).map((one) => one[what]))
    const times = Math.floor((last - first) / (seconds * 1000))
    const over = (what: 'server' | 'database') => ({
      each: Array.from({ length: times }, (_, nth) => around(what, first + nth * seconds * 1000)),
      start: around(what, first),
      middle: around(what, (first + last - seconds * 1000) / 2),
      end: around(what, last - seconds * 1000),
    })
    const database = over('database')
    return { server: over('server'), database: database.end > 0 ? database : undefined }
  }

  /** Loads whose tables are there, those of dropped ones included. */
  async loads(): Promise<number> {
    const { client } = await this.#opened
    const { rows } = await client.query<{ loads: string }>(
      `select count(*) as loads from pg_class where relnamespace = 'movies'::regnamespace and relkind = 'r' and relname ~ '^film_[0-9]+$'`,
    )
    return Number(rows[0]?.loads)
  }

  async close(): Promise<void> {
    clearInterval(this.#watching)
    const { client, warehouse } = await this.#opened
    await client.end()
    await warehouse.close()
  }
}

async function open(env: Record<string, string>) {
  const warehouse = await openWarehouse(readConfig((await loadSubjects()).keys(), env))
  return { warehouse, client: await warehouse.connect('reelhouse bench') }
}

/** Of all PostgreSQL's processes but the first; a page that several share is divided among them. */
async function databaseMb(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pid from pg_stat_activity')
  const sizes = rows.map(async ({ pid }) => {
    const status = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
    return Number(/^Pss:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024
  })
  return (await Promise.all(sizes)).reduce((sum, one) => sum + one, 0)
}
