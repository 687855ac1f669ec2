import { type Kysely, sql } from 'kysely'

/** Loads from before there were rollups have none, and are answered from their facts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table reelhouse.load add column rolled_up boolean not null default false`.execute(db)
  await sql`comment on column reelhouse.load.rolled_up is 'Whether the rollups of its subject hold its rows'`.execute(
    db,
  )
}
