import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { kyselyOn } from '../ingest/ledger.ts'
import { discover, modulesBelow } from './discover.ts'
import type { Warehouse } from './warehouse.ts'

/** Dated files of `migrations/` and its subjects' folders, in the order of their dates and not of their folders. */
const provider = {
  async getMigrations(): Promise<Record<string, Migration>> {
    const found = await discover<Migration>('migrations', () => true)
    return Object.fromEntries(found.map(({ name, module }) => [path.posix.basename(name), impatient(module)]))
  },
}

/** How long a migration waits for a table: whoever asks for it after that one waits, too, readers and a running load among them. */
const PATIENCE_MS = 1000
/** How often it is tried again, each time after a while in which others get on. */
const TRIES = 30

/** SQLSTATE of a statement that waited for a table in vain. */
const LOCK_NOT_AVAILABLE = '55P03'

const impatient = ({ up }: Migration): Migration => ({
  async up(db) {
    await sql`select set_config('lock_timeout', ${String(PATIENCE_MS)}, true)`.execute(db)
    await up(db)
  },
})

/** Ledger and migrations have a schema of their own, so that `public` of a database of yours stays yours. */
const SCHEMA = 'reelhouse'

const migrator = (db: Kysely<unknown>) => new Migrator({ db, provider, migrationTableSchema: SCHEMA })

/**
 * Brings the warehouse's tables up to date; several processes may try at once. It uses a connection of its own, without the
 * time limit of other statements: an index on a large table takes as long as it takes.
 * @param last the last one to apply; all by default
 * @returns names of the migrations that were applied now
 * @throws the error of the migration that failed, which is undone; or that tables are in use all the time, by a load most likely
 */
export async function migrate({ connect }: Pick<Warehouse, 'connect'>, last?: string): Promise<string[]> {
  const client = await connect('reelhouse migrate')
  try {
    const db = kyselyOn(client)
    const [known, applied] = [await knownMigrations(), await appliedMigrations(db)]
    if (known.join() === applied.join()) return []
    for (let tries = 1; ; tries++) {
      const { error, results = [] } = await (last ? migrator(db).migrateTo(last) : migrator(db).migrateToLatest())
      if (!error) return results.filter(({ status }) => status === 'Success').map(({ migrationName }) => migrationName)
      if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error
      if (tries === TRIES)
        throw new Error(
          'The tables are in use, by a load most likely, and cannot be brought up to date. Try again when it has ended.',
        )
      await sleep(PATIENCE_MS)
    }
  } finally {
    await client.end()
  }
}

/** Names of the migrations that this program has and the warehouse has not. */
export async function pendingMigrations(db: Kysely<unknown>): Promise<string[]> {
  const applied = await appliedMigrations(db)
  return (await knownMigrations()).filter((name) => !applied.includes(name))
}

/** By their names: most commands find that there is nothing to apply, and need not read what each would do. */
const knownMigrations = async () =>
  (await modulesBelow('migrations')).map(({ name }) => path.posix.basename(name)).sort()

/**
 * Read from the migrator's own table. The migrator would look for that table among all columns of all tables, and that fails when
 * one of them is dropped meanwhile, as those of old loads are.
 */
async function appliedMigrations(db: Kysely<unknown>): Promise<string[]> {
  const table = `${SCHEMA}.kysely_migration`
  const found = await sql<{ there: boolean }>`select to_regclass(${table}) is not null as there`.execute(db)
  if (!found.rows[0]?.there) return []
  const applied = await sql<{ name: string }>`
    select name from ${sql.table(table)} order by name collate "C"`.execute(db)
  return applied.rows.map(({ name }) => name)
}
