import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { discover } from './discover.ts'

/** Dated files of `migrations/` and its subjects' folders, in the order of their dates and not of their folders. */
const provider = {
  async getMigrations(): Promise<Record<string, Migration>> {
    const found = await discover<Migration>('migrations', () => true)
    return Object.fromEntries(found.map(({ name, module }) => [path.posix.basename(name), module]))
  },
}

/** Ledger and migrations have a schema of their own, so that `public` of a database of yours stays yours. */
const SCHEMA = 'reelhouse'

const migrator = (db: Kysely<unknown>) => new Migrator({ db, provider, migrationTableSchema: SCHEMA })

/**
 * Brings the warehouse's tables up to date; several processes may try at once.
 * @returns names of the migrations that were applied now
 * @throws the error of the migration that failed, which is undone
 */
export async function migrate(db: Kysely<unknown>): Promise<string[]> {
  await sql`create schema if not exists ${sql.id(SCHEMA)}`.execute(db)
  const { error, results = [] } = await migrator(db).migrateToLatest()
  if (error) throw error
  return results.filter(({ status }) => status === 'Success').map(({ migrationName }) => migrationName)
}

/** Names of the migrations that this program has and the warehouse has not. */
export async function pendingMigrations(db: Kysely<unknown>): Promise<string[]> {
  const all = await migrator(db).getMigrations()
  return all.filter(({ executedAt }) => !executedAt).map(({ name }) => name)
}
