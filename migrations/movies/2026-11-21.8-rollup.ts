import { type Kysely, sql } from 'kysely'

/**
 * Cells of films, added up when their load is made: for each of some sets of dimensions (`cells`) and lengths of time (`grain`) one row
 * a cell, with the sums that longer periods are made of, and with the quotients, which take longer to compute than to read.
 * Those who ask for all cells in an order of their own would otherwise wait for all films to be added up.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table movies.rollup (
      load_id integer not null,
      cells text collate "C" not null,
      grain text collate "C" not null check (grain in ('month', 'year', 'ever')),
      company_id bigint,
      genre_id bigint,
      collection_id bigint,
      country_code text,
      language_code text,
      content_rating text,
      person_id bigint,
      job text,
      period text collate "C",
      year integer,
      month date,
      first_year integer,
      last_year integer,
      undated bigint,
      releases bigint not null,
      budget numeric,
      budget_known bigint not null,
      revenue numeric,
      revenue_known bigint not null,
      profit numeric,
      matched_releases bigint not null,
      matched_budget numeric,
      matched_revenue numeric,
      matched_profit numeric,
      roi numeric,
      popularity_sum numeric,
      popularities bigint not null,
      popularity numeric,
      popularity_known bigint not null,
      weighted_votes numeric,
      averaged_votes numeric,
      vote_average numeric,
      vote_count numeric,
      rating_sum numeric,
      rating_count numeric,
      rating_average numeric
    ) partition by list (load_id)`.execute(db)
  await sql`comment on column movies.rollup.year is 'Of the release dates; null of films whenever they were released'`.execute(
    db,
  )
  await sql`create index rollup_by_time on movies.rollup (cells, grain, year)`.execute(db)
  await sql`
    create index rollup_companies on movies.rollup (company_id) where cells = 'company' and grain = 'ever'`.execute(db)
  // Of these there are many; pages in the order of the report's key, or of the largest, need not read them all.
  const amounts = ['revenue', 'budget', 'profit']
  const shown = ['matched_profit', 'roi', 'releases', 'popularity', 'vote_average', 'vote_count']
  for (const [cells, ids, measures] of [
    ['company', ['company_id'], [...amounts, ...shown]],
    ['company,genre', ['company_id', 'genre_id'], amounts],
    ['collection', ['collection_id'], amounts],
    ['person', ['person_id', 'job'], amounts],
  ] as const) {
    const few = sql`where cells = ${sql.lit(cells)} and grain = 'year'`
    const key = sql.join([...ids, 'period'].map((one) => sql.ref(one)))
    const name = (of: string) => sql.ref(`rollup_${cells.replace(',', '_')}_by_${of}`)
    await sql`create index ${name('id')} on movies.rollup (${key}) ${few}`.execute(db)
    for (const measure of measures)
      await sql`create index ${name(measure)} on movies.rollup (${sql.ref(measure)} desc nulls last, ${key}) ${few}`.execute(
        db,
      )
  }
  // Companies by name, as they are listed: their rows are then looked up from there.
  await sql`create index company_by_its_name on movies.company (load_id, name collate "C", company_id)`.execute(db)
}
