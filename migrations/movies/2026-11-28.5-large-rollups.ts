import { type Kysely, sql } from 'kysely'

/**
 * Cells of companies, and of companies and genres, are nine in ten of all that are kept added up, and have tables of their own: an index of the
 * few others need not read them, nor theirs each other's. Rows that were kept before move there.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const figures = sql`
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
      rating_average numeric`
  await sql`
    create table movies.rollup_company (
      load_id integer not null,
      grain text collate "C" not null check (grain in ('year', 'decade', 'ever')),
      company_id bigint not null,
      period text collate "C",
      year integer,
      first_year integer,
      last_year integer,
      undated bigint,
      ${figures}
    ) partition by list (load_id)`.execute(db)
  await sql`
    create table movies.rollup_company_genre (
      load_id integer not null,
      grain text collate "C" not null check (grain in ('year', 'decade')),
      company_id bigint not null,
      genre_id bigint not null,
      period text collate "C",
      year integer,
      ${figures}
    ) partition by list (load_id)`.execute(db)
  for (const table of ['rollup_company', 'rollup_company_genre'])
    await sql`comment on column ${sql.ref(`movies.${table}.year`)} is 'Of the release dates, of a decade the first'`.execute(
      db,
    )

  await moveRows(db)
  await takeOldIndexes(db)

  await sql`create index rollup_by_time on movies.rollup (cells, grain, year)`.execute(db)
  const amounts = ['revenue', 'budget', 'profit']
  const shown = ['matched_profit', 'roi', 'releases', 'popularity', 'vote_average', 'vote_count']
  for (const [table, grain, ids, measures] of [
    ['rollup_company', 'year', ['company_id', 'period'], [...amounts, ...shown]],
    ['rollup_company', 'decade', ['company_id', 'period'], amounts],
    ['rollup_company', 'ever', ['company_id'], amounts],
    ['rollup_company_genre', 'year', ['company_id', 'genre_id', 'period'], amounts],
    ['rollup_company_genre', 'decade', ['company_id', 'genre_id', 'period'], amounts],
  ] as const) {
    const rows = sql`where grain = ${sql.lit(grain)}`
    const key = sql.join(ids.map((id) => sql.ref(id)))
    const on = (of: string, columns: unknown) =>
      sql`create index ${sql.ref(`${table}_${grain}_by_${of}`)} on ${sql.table(`movies.${table}`)} (${columns}) ${rows}`.execute(
        db,
      )
    await on('id', key)
    if (grain === 'year') await on('year', sql`year`)
    for (const measure of measures) await on(measure, sql`${sql.ref(measure)} desc nulls last, ${key}`)
  }
  // As reports compute them, to the letter: only then does an order by a mean go by the index.
  for (const [measure, sum, films] of [
    ['budget', sql`budget`, sql`budget_known`],
    ['revenue', sql`revenue`, sql`revenue_known`],
    ['profit', sql`(matched_revenue - matched_budget)`, sql`matched_releases`],
  ] as const)
    await sql`
      create index ${sql.ref(`rollup_company_year_by_mean_${measure}`)} on movies.rollup_company
        ((trim_scale(round(round(${sum}, 40) / nullif(${films}, 0), 2))) desc nulls last, company_id, period)
      where grain = 'year'`.execute(db)
}

/** Into a table for each load, which has the columns of its rows by the same names. */
async function moveRows(db: Kysely<unknown>): Promise<void> {
  await sql`
    do $$
    declare
      kept record;
      large record;
      columns text;
    begin
      for kept in
        select relname as name, substring(relname from '^rollup_([0-9]+)$')::integer as load_id
        from pg_class join pg_inherits on inhrelid = oid
        where inhparent = 'movies.rollup'::regclass
      loop
        for large in select * from (values ('rollup_company', 'company'), ('rollup_company_genre', 'company,genre')) as large (name, cells)
        loop
          select string_agg(quote_ident(attname), ', ' order by attnum) into columns
          from pg_attribute where attrelid = format('movies.%I', large.name)::regclass and attnum > 0 and not attisdropped;
          execute format('create table movies.%I (like movies.%I including constraints)',
                         format('%s_%s', large.name, kept.load_id), large.name);
          execute format('insert into movies.%I (%s) select %s from movies.%I where cells = %L',
                         format('%s_%s', large.name, kept.load_id), columns, columns, kept.name, large.cells);
          execute format('alter table movies.%I attach partition movies.%I for values in (%s)',
                         large.name, format('%s_%s', large.name, kept.load_id), kept.load_id);
          execute format('analyze movies.%I', format('%s_%s', large.name, kept.load_id));
        end loop;
        execute format('delete from movies.%I where cells in (''company'', ''company,genre'')', kept.name);
      end loop;
    end $$`.execute(db)
}

async function takeOldIndexes(db: Kysely<unknown>): Promise<void> {
  const amounts = ['revenue', 'budget', 'profit']
  const shown = ['matched_profit', 'roi', 'releases', 'popularity', 'vote_average', 'vote_count']
  const of = (cells: string, columns: string[]) => columns.map((column) => `rollup_${cells}_by_${column}`)
  const gone = [
    'rollup_by_time',
    'rollup_companies',
    ...of('companies', amounts),
    ...of('company', ['id', 'year', ...amounts, ...shown]),
    ...of('company_genre', ['id', 'year', ...amounts]),
    ...of('company_decade', ['id', ...amounts]),
    ...of('company_genre_decade', ['id', ...amounts]),
  ]
  for (const name of gone) await sql`drop index ${sql.ref(`movies.${name}`)}`.execute(db)
}
