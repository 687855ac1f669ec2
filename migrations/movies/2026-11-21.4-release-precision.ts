import { type Kysely, sql } from 'kysely'

/** Some sources tell the year of a release and no more. A date that is made of a year must not pass for one that is known. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table movies.film
    add column release_precision text not null default 'day' check (release_precision in ('day', 'year'))`.execute(db)
  await sql`comment on column movies.film.release_precision is 'What the source tells of release_date; of a year it is 1 January'`.execute(
    db,
  )
}
