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
  readonly #seen: ({ at: number; server: number } & DatabaseMb)[] = []
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
    this.#seen.push({ at: performance.now(), server, ...database })
  }

  /**
   * Medians, each over as long as one load follows another: what the load before has left and the next one throws away comes and goes.
   * @returns for the database nothing where its processes cannot be looked at
   */
  async told(
    seconds: number,
  ): Promise<{ server: OverTime; sessions: OverTime | undefined; buffers: OverTime | undefined }> {
    clearInterval(this.#watching)
    await this.#look()
    const first = this.#seen[0]?.at as number
    const last = this.#seen.at(-1)?.at as number
    const around = (what: 'server' | keyof DatabaseMb, from: number) =>
      median(this.#seen.filter(({ at }) => at >= from && at <= from + seconds * 1000).map((one) => one[what]))
    const times = Math.floor((last - first) / (seconds * 1000))
    const over = (what: 'server' | keyof DatabaseMb) => ({
      each: Array.from({ length: times }, (_, nth) => around(what, first + nth * seconds * 1000)),
      start: around(what, first),
      middle: around(what, (first + last - seconds * 1000) / 2),
      end: around(what, last - seconds * 1000),
    })
    const [sessions, buffers] = [over('sessions'), over('buffers')]
    const readable = sessions.end > 0
    return {
      server: over('server'),
      sessions: readable ? sessions : undefined,
      buffers: readable ? buffers : undefined,
    }
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

/**
 * Memory of PostgreSQL's processes but the first. What is shared is divided among those that have looked at it; `shared_buffers` says how much it
 * may be.
 */
interface DatabaseMb {
  /** What each has for itself. */
  sessions: number
  /** What they share. */
  buffers: number
}

async function databaseMb(client: pg.Client): Promise<DatabaseMb> {
  const { rows } = await client.query<{ pid: number }>('select pid from pg_stat_activity')
  const processes = rows.map(({ pid }) => readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => ''))
  const told = await Promise.all(processes)
  const mbOf = (line: RegExp) => told.reduce((sum, one) => sum + Number(line.exec(one)?.[1] ?? 0) / 1024, 0)
  return { sessions: mbOf(/^Pss_Anon:\s+(\d+)/m), buffers: mbOf(/^Pss_Shmem:\s+(\d+)/m) }
}
