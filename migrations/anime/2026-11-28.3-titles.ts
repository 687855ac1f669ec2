import { type Kysely, sql } from 'kysely'

/**
 * Titles of anime, what they are linked to, and what users have of them on their lists. Facts are partitioned by load; dimensions are
 * small, plain, and carry the load in their key. Every fact of titles has the title's id in its primary key.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create schema anime`.execute(db)

  for (const dimension of ['genre', 'company'])
    await sql`
      create table ${sql.table(`anime.${dimension}`)} (
        load_id integer not null references reelhouse.load,
        ${sql.ref(`${dimension}_id`)} bigint not null,
        name text not null,
        primary key (load_id, ${sql.ref(`${dimension}_id`)})
      )`.execute(db)
  await sql`comment on table anime.company is 'Studios, producers and licensors: one company may be all three'`.execute(
    db,
  )
  await sql`
    create table anime.status (
      load_id integer not null references reelhouse.load,
      code smallint not null,
      description text not null,
      primary key (load_id, code)
    )`.execute(db)
  await sql`comment on table anime.status is 'How far a user is with a title'`.execute(db)

  await sql`
    create table anime.title (
      load_id integer not null,
      anime_id integer not null check (anime_id > 0),
      title text not null check (title <> ''),
      title_english text,
      title_japanese text,
      type text,
      episodes bigint check (episodes > 0),
      aired_from date,
      aired_from_precision text check (aired_from_precision in ('day', 'month', 'year')),
      aired_to date,
      aired_to_precision text check (aired_to_precision in ('day', 'month', 'year')),
      year integer,
      season text check (season in ('winter', 'spring', 'summer', 'fall')),
      source_material text,
      duration text,
      age_rating text,
      site_score numeric check (site_score > 0 and site_score <= 10),
      site_rank bigint check (site_rank > 0),
      site_popularity_rank bigint check (site_popularity_rank > 0),
      site_members bigint check (site_members >= 0),
      site_favorites bigint check (site_favorites >= 0),
      site_watching bigint check (site_watching >= 0),
      site_completed bigint check (site_completed >= 0),
      site_on_hold bigint check (site_on_hold >= 0),
      site_dropped bigint check (site_dropped >= 0),
      site_planned bigint check (site_planned >= 0),
      site_scores bigint[] check (cardinality(site_scores) = 10),
      source_load_id integer not null,
      source_file_no smallint not null,
      source_line bigint not null check (source_line > 0),
      primary key (load_id, anime_id),
      check ((aired_from is null) = (aired_from_precision is null)),
      check ((aired_to is null) = (aired_to_precision is null))
    ) partition by list (load_id)`.execute(db)
  await sql`comment on column anime.title.aired_from is 'First day of the month or year where aired_from_precision says so'`.execute(
    db,
  )
  await sql`comment on column anime.title.year is 'Of the premiere: where the source does not tell it, of the start of airing'`.execute(
    db,
  )
  await sql`comment on column anime.title.site_scores is 'How many members of the site gave 1, 2 … 10'`.execute(db)
  await sql`create index title_by_year on anime.title (year, anime_id)`.execute(db)

  // Prose is kept apart: reports scan titles, and most of a title's bytes would be text that none of them reads.
  await sql`
    create table anime.title_text (
      load_id integer not null,
      anime_id integer not null,
      synopsis text not null,
      primary key (load_id, anime_id),
      foreign key (load_id, anime_id) references anime.title
    ) partition by list (load_id)`.execute(db)

  for (const [link, dimension] of [
    ['genre', 'genre'],
    ['studio', 'company'],
    ['producer', 'company'],
    ['licensor', 'company'],
  ] as const) {
    const id = sql.ref(`${link}_id`)
    await sql`
      create table ${sql.table(`anime.title_${link}`)} (
        load_id integer not null,
        anime_id integer not null,
        ${id} bigint not null,
        primary key (load_id, anime_id, ${id}),
        foreign key (load_id, anime_id) references anime.title,
        foreign key (load_id, ${id}) references ${sql.table(`anime.${dimension}`)}
      ) partition by list (load_id)`.execute(db)
    await sql`
      create index ${sql.ref(`title_${link}_by_${link}`)} on ${sql.table(`anime.title_${link}`)} (${id}, anime_id)`.execute(
      db,
    )
  }
}
