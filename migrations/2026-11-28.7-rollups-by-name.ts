import { type Kysely, sql } from 'kysely'

/**
 * Which rollups a load has, by name: one that an older Reelhouse made goes on answering from those that there were then. `rolled_up` stays for
 * programs that know no other, while they run beside newer ones.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table reelhouse.load add column rollups text[] not null default '{}'`.execute(db)
  await sql`comment on column reelhouse.load.rollups is 'Tables of its subject''s rollups that hold its rows'`.execute(
    db,
  )
  await sql`comment on column reelhouse.load.rolled_up is 'What programs read and write that do not know of the column rollups'`.execute(
    db,
  )
}
