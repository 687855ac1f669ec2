import { type Kysely, sql } from 'kysely'

/**
 * Cells among whose members films are shared out, added up: shares as they are, not rounded, so that they can be added up further. Loads that were
 * made before have none, and share out their films for whoever asks.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    update reelhouse.load set rollups = array['rollup', 'rollup_company', 'rollup_company_genre']
    where subject = 'movies' and rolled_up`.execute(db)
  await sql`
    create table movies.rollup_split (
      load_id integer not null,
      cells text collate "C" not null,
      grain text collate "C" not null check (grain in ('year', 'ever')),
      company_id bigint,
      genre_id bigint,
      country_code text,
      period text collate "C",
      year integer,
      first_year integer,
      last_year integer,
      undated bigint,
      releases numeric not null,
      budget numeric,
      budget_known numeric not null,
      revenue numeric,
      revenue_known numeric not null,
      profit numeric,
      matched_releases numeric not null,
      matched_budget numeric,
      matched_revenue numeric,
      matched_profit numeric,
      roi numeric,
      popularity_sum numeric,
      popularities bigint not null,
      popularity numeric,
      popularity_known numeric not null,
      weighted_votes numeric,
      averaged_votes numeric,
      vote_average numeric,
      vote_count numeric,
      rating_sum numeric,
      rating_count numeric,
      rating_average numeric
    ) partition by list (load_id)`.execute(db)
  await sql`comment on column movies.rollup_split.releases is 'Sum of the films'' shares; so are the other counts of films'`.execute(
    db,
  )
  await sql`create index rollup_split_by_time on movies.rollup_split (cells, grain, year)`.execute(db)
  for (const [cells, grain, ids] of [
    ['company', 'year', ['company_id', 'period']],
    ['company', 'ever', ['company_id']],
  ] as const) {
    const rows = sql`where cells = ${sql.lit(cells)} and grain = ${sql.lit(grain)}`
    const key = sql.join(ids.map((id) => sql.ref(id)))
    const on = (of: string, columns: unknown) =>
      sql`create index ${sql.ref(`rollup_split_${cells}_${grain}_by_${of}`)} on movies.rollup_split (${columns}) ${rows}`.execute(
        db,
      )
    await on('id', key)
    for (const amount of ['revenue', 'budget', 'profit'])
      await on(amount, sql`${sql.ref(amount)} desc nulls last, ${key}`)
  }
}
