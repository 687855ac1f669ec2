import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type pg from 'pg'
import type { Report } from '../../queries/report.ts'
import { readConfig } from '../../src/config.ts'
import { loadReports } from '../../src/reports.ts'
import { loadSubjects } from '../../src/subjects.ts'
import { openWarehouse, type Warehouse } from '../../src/warehouse.ts'
import { listening, PROGRAM, type Ran, ran, type Started } from './programs.ts'
import type { Compared } from './rounds.ts'

/** What all parts of the bench work with: a warehouse of its own with generated films, servers on it, and the table that they fill. */
export interface Setting extends Table {
  asked: Asked
  /** Of servers and commands, which share the warehouse. */
  env: Record<string, string>
  /** Gone with all that is in it when the bench is over. */
  folder: string
  /** Folder of the films' file. */
  source: string
  warehouse: Warehouse
  /** A connection that may write. */
  client: pg.Client
  reports: Map<string, Report>
  /** The load that readers see. */
  loaded: Loaded
  /** Loads the films once more. */
  load(): Promise<Loaded>
  reelhouse(...args: string[]): Promise<Ran>
  /** Starts a server for as long as the work takes. */
  served<T>(env: Record<string, string>, work: (server: Started) => Promise<T>): Promise<T>
}

export interface Asked {
  films: number
  ratings: number
  /** That a closed loop takes. */
  seconds: number
}

export interface Loaded {
  id: number
  /** From the command's start to its end. */
  seconds: number
  /** The most memory that it held, in MB. */
  peak: number
  /** Milliseconds by stage. */
  timings: Record<string, number>
}

export interface Table {
  say(text: string): void
  row(...cells: string[]): void
  /** What was measured in turn with a reference. */
  tell(what: string, compared: Compared, against: string, unit: string, reach: string): void
}

export const CONNECTIONS = 100
export const POOL = 10
export const ADMIN_TOKEN = 'token-of-the-bench-0123456789'

const say = (text: string) => process.stdout.write(`${text}\n`)
const row = (...cells: string[]) => say(`| ${cells.join(' | ')} |`)
export const show = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))

const table: Table = {
  say,
  row,
  tell: (what, { ours, reference, ratio, spread }, against, unit, reach) =>
    row(
      what,
      `${show(ours)} ${unit}`,
      `${against}: ${show(reference)} ${unit}`,
      `${ratio.toFixed(2)} (± ${spread.toFixed(2)})`,
      reach,
    ),
}

export interface Place extends Table {
  folder: string
  env: Record<string, string>
}

/** Makes a folder for the work and takes it away again; the first line says what machine this is. */
export async function inFolder<T>(films: number, work: (place: Place) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'reelhouse-bench-'))
  // Run by root, PostgreSQL is another user, who must get through.
  await chmod(folder, 0o755)
  const { bavail, bsize } = await statfs(folder)
  const [cpu] = os.cpus()
  say(
    `${new Date().toISOString().slice(0, 10)} · ${os.cpus().length} × ${cpu?.model} · ${Math.round(os.totalmem() / 2 ** 30)} GiB · Node ${process.versions.node} · ${films} films · disk ${Math.round((bavail * bsize) / 2 ** 30)} GiB free`,
  )
  const env = {
    DATA_DIR: path.join(folder, 'data'),
    SAMPLE: 'off',
    LOG_LEVEL: 'error',
    POOL_SIZE: String(POOL),
    ADMIN_TOKEN,
    PORT: '0',
  }
  try {
    return await work({ folder, env, ...table })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Generates films, loads them once, and hands over what there is then. */
export async function withFilms(place: Place, asked: Asked, work: (setting: Setting) => Promise<void>): Promise<void> {
  const { folder, env } = place
  const reelhouse = (...args: string[]) => ran(process.execPath, [PROGRAM, ...args], env)
  const source = path.join(folder, 'files')
  await reelhouse('generate', 'movies', '--out', source, '--films', String(asked.films))
  const warehouse = await openWarehouse(readConfig((await loadSubjects()).keys(), env))
  const client = await warehouse.connect('reelhouse bench')
  const load = async () => {
    const { seconds, peak, stdout } = await reelhouse('load', 'movies', '--source', source, '--force', '--json')
    const { id, timings } = JSON.parse(stdout) as Pick<Loaded, 'id' | 'timings'>
    setting.loaded = { id, timings, seconds, peak }
    return setting.loaded
  }
  const setting: Setting = {
    ...place,
    asked,
    source,
    warehouse,
    client,
    reports: new Map((await loadReports()).map(({ name, report }) => [name, report])),
    loaded: { id: 0, seconds: 0, peak: 0, timings: {} },
    load,
    reelhouse,
    async served(more, work) {
      const server = await listening(PROGRAM, ['serve'], { ...env, ...more })
      return await work(server).finally(() => server.stop())
    },
  }
  try {
    const { rows } = await client.query<{ version: string }>('select version()')
    say(`${rows[0]?.version}\n`)
    row('what', 'ours', 'reference', 'ratio', 'reach')
    row('---', '---', '---', '---', '---')
    await load()
    await work(setting)
  } finally {
    await client.end()
    await warehouse.close()
  }
}
