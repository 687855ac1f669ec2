import { type Kysely, sql } from 'kysely'

/** Which rollups a load has, by name: one that an older Reelhouse made goes on answering from those that there were then. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table reelhouse.load add column rollups text[] not null default '{}'`.execute(db)
  await sql`comment on column reelhouse.load.rollups is 'Tables of its subject''s rollups that hold its rows'`.execute(
    db,
  )
  await sql`
    update reelhouse.load set rollups = array['rollup', 'rollup_company', 'rollup_company_genre']
    where subject = 'movies' and rolled_up`.execute(db)
  await sql`alter table reelhouse.load drop column rolled_up`.execute(db)
}
