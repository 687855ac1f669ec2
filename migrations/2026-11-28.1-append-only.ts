import { type Kysely, sql } from 'kysely'

/** Loads of subjects whose rows are added to one another. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table reelhouse.load add column shows int4multirange`.execute(db)
  await sql`comment on column reelhouse.load.shows is 'Of an append-only subject: the loads whose rows readers of this one see, itself among them; as of its first publication for ever'`.execute(
    db,
  )
}
