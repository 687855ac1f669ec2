import { type Kysely, sql } from 'kysely'

/** A link whose film cannot be read is told from one that leaves it blank. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table movies.link add column film_unreadable boolean not null default false`.execute(db)
  await sql`comment on column movies.link.film_unreadable is 'The file names a film, but by no id; film_id is null'`.execute(
    db,
  )
}
