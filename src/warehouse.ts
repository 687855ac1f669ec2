import { Kysely, PostgresDialect } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import pg from 'pg'

import type { Config } from './config.ts'
import { Cursor } from './cursor.ts'
import { openEmbedded } from './embedded.ts'
import { PreparingClient } from './prepared.ts'

/**
 * Connections to the warehouse, embedded or one's own. Here, and only here, it is decided what PostgreSQL's numbers, dates
 * and instants are in JavaScript.
 */
export interface Warehouse {
  /** For reports: cannot write, and gives up on a statement after its time. */
  reader: ReadonlyKysely<unknown>
  /** For whole results: as `reader`, but apart from it, so that slow downloads keep nobody from a page; and one may take as long as it does. */
  exporter: ReadonlyKysely<unknown>
  /** How long a statement of a page, and whoever waits for the next rows of a whole result, is given. */
  statementTimeoutMs: number
  /** For the ledger: small statements. */
  writer: Kysely<unknown>
  /** A connection that the caller closes: loads, and the ear for publications. */
  connect(applicationName: string): Promise<pg.Client>
  /** Folder whose disk the warehouse fills, when that is this machine's. */
  diskOf: string | undefined
  /** Environment by which PostgreSQL's own tools find it; holds the password. */
  libpq: Record<string, string>
  close(): Promise<void>
}

/** A warehouse that cannot be reached or used, in a sentence. */
export class WarehouseError extends Error {}

const { builtins } = pg.types
const asText = (value: string) => value
const types = new Map<number, (value: string) => unknown>([
  // Counts and ids, which ingest keeps below 2^53; sums of money are numeric and reach clients as PostgreSQL's own text.
  [builtins.INT8, Number],
  [builtins.NUMERIC, Number],
  [builtins.DATE, asText],
  [builtins.TIMESTAMPTZ, (value) => new Date(value).toISOString()],
])

const typeParsers = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    types.get(oid) ?? pg.types.getTypeParser(oid, format as 'text'),
} as pg.CustomTypesConfig

/**
 * Settings of sessions that read. As many ask at once as there are processors for: a question that took several would be answered sooner when
 * nobody else asks, and keep others waiting when they do.
 */
export const READING = ['default_transaction_read_only=on', 'jit=off', 'max_parallel_workers_per_gather=0']

/** Versions that are tested, as `server_version_num / 10000`. */
const MAJORS = { from: 15, to: 18 }

/**
 * Opens the warehouse: the one of `DATABASE_URL`, else the embedded PostgreSQL, which is made and started as needed.
 * @throws WarehouseError when it cannot be reached or is of a version that does not do
 */
export async function openWarehouse(config: Config, log?: (line: string) => void): Promise<Warehouse> {
  const embedded = config.databaseUrl === undefined ? await openEmbedded(config.dataDir, log) : undefined
  const connectionString = config.databaseUrl ?? (embedded as { url: string }).url
  const { bare, asked } = withoutOptions(connectionString)
  const options: pg.PoolConfig = {
    connectionString: bare,
    types: typeParsers,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
  }
  /** Settings of a session: the URL's own, then ours, which win. Dates and instants as text depend on the first two. */
  const settings = (...ours: string[]) =>
    [asked, ...['datestyle=ISO', 'timezone=UTC', ...ours].map((setting) => `-c ${setting}`)].join(' ')

  const connect = async (applicationName: string) => {
    // A temporary table or a COPY must not be undone by a limit that is meant for readers.
    const client = new pg.Client({
      ...options,
      application_name: applicationName,
      options: settings('statement_timeout=0'),
    })
    // Without a listener, a connection that breaks while idle would end the process; the next statement tells of it.
    client.on('error', () => {})
    await client.connect()
    return client
  }
  const pool = (application_name: string, max: number, more: pg.PoolConfig, ...ours: string[]) => {
    const made = new pg.Pool({ ...options, ...more, application_name, max, options: settings(...ours) })
    made.on('error', () => {})
    // The pool hears of idle connections only: one that breaks in the middle of a query would end the process. The query
    // itself fails too, and that is enough.
    made.on('connect', (client) => client.on('error', () => {}))
    return made
  }
  const dialect = (made: pg.Pool) => new PostgresDialect({ pool: made, cursor: Cursor, controlClient: pg.Client })
  const forReading = (name: string, max: number, more: pg.PoolConfig, timeoutMs: number) => {
    const limit = `statement_timeout=${timeoutMs}`
    const db = new Kysely<unknown>({ dialect: dialect(pool(name, max, more, ...READING, limit)) })
    // The type forbids writes at compile time, the setting at run time.
    return db as unknown as ReadonlyKysely<unknown>
  }
  const reader = forReading('reelhouse reader', config.poolSize, { Client: PreparingClient }, config.statementTimeoutMs)
  // To PostgreSQL a stream is one statement, however long its client takes to read it: `stream.ts` looks after the time.
  const exporter = forReading('reelhouse exporter', exportersOf(config), {}, 0)
  const writer = new Kysely<unknown>({ dialect: dialect(pool('reelhouse writer', 4, {}, 'statement_timeout=60000')) })

  const close = async () => {
    await reader.destroy()
    await exporter.destroy()
    await writer.destroy()
    await embedded?.release()
  }
  try {
    await assertUsable(connect)
  } catch (error) {
    await close()
    throw error
  }
  return {
    reader,
    exporter,
    statementTimeoutMs: config.statementTimeoutMs,
    writer,
    connect,
    close,
    diskOf: embedded ? config.dataDir : undefined,
    libpq: libpqEnvironment(connectionString),
  }
}

/** Connections for whole results, beside those for pages. */
export const exportersOf = ({ poolSize }: Pick<Config, 'poolSize'>) => Math.ceil(poolSize / 2)

async function assertUsable(connect: Warehouse['connect']): Promise<void> {
  const client = await connect('reelhouse start').catch((cause: Error) => {
    throw new WarehouseError(
      `The warehouse cannot be reached: ${cause.message}. Is DATABASE_URL right and the server up?`,
    )
  })
  try {
    const settings = await client.query<{ version: number; encoding: string }>(
      `select current_setting('server_version_num')::integer / 10000 as version, current_setting('server_encoding') as encoding`,
    )
    const { version, encoding } = settings.rows[0] as { version: number; encoding: string }
    if (version < MAJORS.from || version > MAJORS.to)
      throw new WarehouseError(
        `The warehouse is PostgreSQL ${version}; versions ${MAJORS.from} to ${MAJORS.to} are supported.`,
      )
    if (encoding !== 'UTF8')
      throw new WarehouseError(`The warehouse's database is encoded in ${encoding}; create one with encoding UTF8.`)
  } finally {
    await client.end()
  }
}

/** Takes out of the URL what would silently replace our own settings of a session. */
function withoutOptions(connectionString: string): { bare: string; asked: string } {
  const url = new URL(connectionString)
  const asked = url.searchParams.get('options') ?? ''
  for (const name of ['options', 'application_name']) url.searchParams.delete(name)
  return { bare: url.href, asked }
}

function libpqEnvironment(connectionString: string): Record<string, string> {
  const url = new URL(connectionString)
  const settings: [string, string | null][] = [
    ['PGHOST', url.hostname.replace(/^\[|\]$/g, '')],
    ['PGPORT', url.port],
    ['PGUSER', decodeURIComponent(url.username)],
    ['PGPASSWORD', decodeURIComponent(url.password)],
    ['PGDATABASE', decodeURIComponent(url.pathname.slice(1))],
    ['PGSSLMODE', url.searchParams.get('sslmode')],
  ]
  return Object.fromEntries(settings.filter((one): one is [string, string] => Boolean(one[1])))
}
