import { type Kysely, sql } from 'kysely'

/**
 * What users have on their lists. Only loads that read lists have partitions of the first two tables; others use those of the load
 * that load_family names, and count anew, by their own titles, what the other tables hold.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Each partition has its own primary key, (user_id, anime_id): by it the whole is handed out, and the load in it, which the key of the
  // parent would need, would only make it longer.
  await sql`
    create table anime.rating (
      load_id integer not null,
      user_id integer not null,
      anime_id integer not null,
      episodes integer not null,
      score smallint not null,
      status smallint not null
    ) partition by list (load_id)`.execute(db)
  await sql`comment on table anime.rating is 'Every sound entry of a list, whether or not the load has its title'`.execute(
    db,
  )
  await sql`comment on column anime.rating.score is '1 to 10; 0 where the user gave none'`.execute(db)
  await sql`comment on column anime.rating.episodes is 'Episodes seen, as the source has them: some are more than there are'`.execute(
    db,
  )

  await sql`
    create table anime.rating_total (
      load_id integer not null,
      anime_id integer not null,
      status smallint not null,
      score smallint not null,
      episodes integer not null,
      users bigint not null check (users > 0),
      primary key (load_id, anime_id, status, score, episodes)
    ) partition by list (load_id)`.execute(db)
  await sql`comment on table anime.rating_total is 'Entries of each title, counted by all that they say'`.execute(db)

  const counts = ['watching', 'completed', 'on_hold', 'dropped', 'planned', 'users', 'watchers', 'scores', 'score_sum']
  const scores = Array.from({ length: 10 }, (_, index) => `score_${index + 1}`)
  const columns = [...counts, ...scores].map((name) => `${name} bigint not null check (${name} >= 0)`)
  await sql`
    create table anime.title_rating (
      load_id integer not null,
      anime_id integer not null,
      ${sql.raw(columns.join(',\n      '))},
      score_average numeric,
      score_bayesian numeric,
      episodes_seen bigint,
      watchers_above bigint,
      primary key (load_id, anime_id),
      foreign key (load_id, anime_id) references anime.title
    ) partition by list (load_id)`.execute(db)
  await sql`comment on table anime.title_rating is 'What users have of each title of the snapshot that is on any list'`.execute(
    db,
  )
  await sql`comment on column anime.title_rating.watchers is 'Users with any status but planned'`.execute(db)
  await sql`comment on column anime.title_rating.score_bayesian is 'With the prior that reports have by default'`.execute(
    db,
  )
  await sql`comment on column anime.title_rating.episodes_seen is 'By watchers, each at most as many as the title has; null where that is unknown'`.execute(
    db,
  )
  await sql`comment on column anime.title_rating.watchers_above is 'Watchers with more episodes than the title has'`.execute(
    db,
  )
  for (const measure of ['score_bayesian', 'score_average', 'watchers', 'completed'])
    await sql`
      create index ${sql.ref(`title_rating_by_${measure}`)}
      on anime.title_rating (${sql.ref(measure)} desc nulls last, anime_id)`.execute(db)

  // One row: the mean of all is told with every page of the best.
  await sql`
    create table anime.score_total (
      load_id integer not null,
      scores bigint not null,
      score_sum bigint not null,
      primary key (load_id)
    ) partition by list (load_id)`.execute(db)

  await sql`
    create table anime.title_absent (
      load_id integer not null,
      anime_id integer not null,
      ratings bigint not null check (ratings > 0),
      primary key (load_id, anime_id)
    ) partition by list (load_id)`.execute(db)
  await sql`comment on table anime.title_absent is 'Titles that are on lists and not in the snapshot: in no report'`.execute(
    db,
  )
}
