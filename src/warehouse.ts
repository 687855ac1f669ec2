import { Kysely, PostgresDialect } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import pg from 'pg'

import type { Config } from './config.ts'
import { Cursor } from './cursor.ts'
import { openEmbedded } from './embedded.ts'

/**
 * Connections to the warehouse, embedded or one's own. Here, and only here, it is decided what PostgreSQL's numbers, dates
 * and instants are in JavaScript.
 */
export interface Warehouse {
  /** For reports: cannot write, and gives up on a statement after its time. */
  reader: ReadonlyKysely<unknown>
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

/** Versions that are tested, as `server_version_num / 10000`. */
const MAJORS = { from: 15, to: 18 }

/**
 * Opens the warehouse: the one of `DATABASE_URL`, else the embedded PostgreSQL, which is made and started as needed.
 * @throws WarehouseError when it cannot be reached or is of a version that does not do
 */
export async function openWarehouse(config: Config, log?: (line: string) => void): Promise<Warehouse> {
  const embedded = config.databaseUrl === undefined ? await openEmbedded(config.dataDir, log) : undefined
  const connectionString = config.databaseUrl ?? (embedded as { url: string }).url
  const options: pg.PoolConfig = {
    connectionString,
    types: typeParsers,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
  }

  const connect = async (applicationName: string) => {
    const client = new pg.Client({ ...options, application_name: applicationName })
    // Without a listener, a connection that breaks while idle would end the process; the next statement tells of it.
    client.on('error', () => {})
    await client.connect()
    // A temporary table or a COPY must not be undone by a limit that is meant for readers.
    await client.query('set statement_timeout = 0')
    return client
  }
  const pool = (application_name: string, max: number, settings: string) => {
    const made = new pg.Pool({ ...options, application_name, max, options: settings })
    made.on('error', () => {})
    // The pool hears of idle connections only: one that breaks in the middle of a query would end the process. The query
    // itself fails too, and that is enough.
    made.on('connect', (client) => client.on('error', () => {}))
    return made
  }
  const dialect = (made: pg.Pool) => new PostgresDialect({ pool: made, cursor: Cursor, controlClient: pg.Client })
  const reader = new Kysely<unknown>({
    dialect: dialect(
      pool(
        'reelhouse reader',
        config.poolSize,
        `-c default_transaction_read_only=on -c statement_timeout=${config.statementTimeoutMs} -c jit=off`,
      ),
    ),
  })
  const writer = new Kysely<unknown>({ dialect: dialect(pool('reelhouse writer', 4, '-c statement_timeout=60000')) })

  const close = async () => {
    await reader.destroy()
    await writer.destroy()
    await embedded?.release()
  }
  try {
    await assertUsable(connect)
  } catch (error) {
    await close()
    throw error
  }
  // The type forbids writes at compile time, `default_transaction_read_only` at run time.
  return {
    reader: reader as unknown as ReadonlyKysely<unknown>,
    writer,
    connect,
    close,
    diskOf: embedded ? config.dataDir : undefined,
    libpq: libpqEnvironment(connectionString),
  }
}

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

function libpqEnvironment(connectionString: string): Record<string, string> {
  const url = new URL(connectionString)
  const settings: [string, string | null][] = [
    ['PGHOST', url.hostname],
    ['PGPORT', url.port],
    ['PGUSER', decodeURIComponent(url.username)],
    ['PGPASSWORD', decodeURIComponent(url.password)],
    ['PGDATABASE', decodeURIComponent(url.pathname.slice(1))],
    ['PGSSLMODE', url.searchParams.get('sslmode')],
  ]
  return Object.fromEntries(settings.filter((one): one is [string, string] => Boolean(one[1])))
}
