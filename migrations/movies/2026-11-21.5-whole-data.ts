import { type Kysely, sql } from 'kysely'

/**
 * What else is known of films: who played and worked in them, keywords, MovieLens ratings, and price indexes to compare money over
 * the years. A family of files that a load does not bring is taken over from the load before; `load_family` says from which.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table reelhouse.load_family (
      load_id integer not null references reelhouse.load,
      family text not null,
      source_load_id integer not null references reelhouse.load,
      primary key (load_id, family)
    )`.execute(db)
  await sql`comment on table reelhouse.load_family is 'The load that read what a snapshot has of a family of files: itself, or an earlier one from which it is carried over'`.execute(
    db,
  )
  await sql`
    insert into reelhouse.load_family (load_id, family, source_load_id)
    select distinct load_id, family, load_id
    from reelhouse.load join reelhouse.load_file using (load_id)
    where state in ('held', 'published', 'superseded', 'blocked', 'dropped')`.execute(db)
  await sql`alter table reelhouse.reject add column records bigint not null default 1 check (records > 0)`.execute(db)
  await sql`comment on column reelhouse.reject.records is 'How many records the entry stands for: the ratings of one MovieLens id are one entry'`.execute(
    db,
  )
  await sql`alter table reelhouse.load_file add column unmatched_by jsonb not null default '{}'`.execute(db)
  await sql`comment on column reelhouse.load_file.unmatched_by is 'Sound records of films that the load does not have, counted by reason'`.execute(
    db,
  )

  await sql`
    create table movies.keyword (
      load_id integer not null references reelhouse.load,
      keyword_id bigint not null,
      name text not null,
      primary key (load_id, keyword_id)
    )`.execute(db)
  await sql`
    create table movies.film_keyword (
      load_id integer not null,
      film_id bigint not null,
      keyword_id bigint not null,
      primary key (load_id, film_id, keyword_id),
      foreign key (load_id, film_id) references movies.film,
      foreign key (load_id, keyword_id) references movies.keyword
    ) partition by list (load_id)`.execute(db)
  await sql`create index film_keyword_by_keyword on movies.film_keyword (keyword_id, film_id)`.execute(db)

  await sql`
    create table movies.film_cast (
      load_id integer not null,
      film_id bigint not null,
      person_id bigint not null,
      character text not null default '',
      cast_order integer,
      primary key (load_id, film_id, person_id, character),
      foreign key (load_id, film_id) references movies.film,
      foreign key (load_id, person_id) references movies.person
    ) partition by list (load_id)`.execute(db)
  await sql`comment on column movies.film_cast.cast_order is 'Place in the billing, from 0, as the source has it'`.execute(
    db,
  )
  await sql`create index film_cast_by_person on movies.film_cast (person_id, film_id)`.execute(db)

  await sql`alter table movies.film_crew add column department text not null default ''`.execute(db)
  await sql`comment on column movies.film_crew.department is 'Empty where the source tells the job alone'`.execute(db)
  await sql`alter table movies.film_crew drop constraint film_crew_pkey`.execute(db)
  await sql`alter table movies.film_crew add primary key (load_id, film_id, person_id, job, department)`.execute(db)

  await sql`
    create table movies.link (
      load_id integer not null,
      movielens_id integer not null check (movielens_id > 0),
      film_id bigint check (film_id > 0),
      imdb_id text,
      primary key (load_id, movielens_id)
    ) partition by list (load_id)`.execute(db)
  await sql`comment on column movies.link.film_id is 'Null where the file leaves it blank; the load may or may not have the film'`.execute(
    db,
  )

  // Only loads that read ratings have a partition of these two; others use that of the load which load_family names.
  // Each partition of rating has its own primary key, (movielens_id, user_id): with the load in it, which the key of the parent would
  // need, 26 million took 25 seconds to index in place of 15, and the index 783 MB.
  await sql`
    create table movies.rating (
      load_id integer not null,
      movielens_id integer not null,
      user_id integer not null,
      rating numeric(2, 1) not null,
      rated_at bigint not null
    ) partition by list (load_id)`.execute(db)
  await sql`comment on table movies.rating is 'Every sound rating, whether or not the load has its film; keyed by MovieLens id, of which one film may have two'`.execute(
    db,
  )
  await sql`comment on column movies.rating.rated_at is 'Seconds since 1970-01-01 UTC'`.execute(db)

  const stars = sql.raw(STARS.map((name) => `${name} bigint not null default 0 check (${name} >= 0)`).join(',\n      '))
  await sql`
    create table movies.rating_total (
      load_id integer not null,
      movielens_id integer not null,
      ${stars},
      primary key (load_id, movielens_id)
    ) partition by list (load_id)`.execute(db)
  await sql`comment on table movies.rating_total is 'Ratings of each MovieLens id, counted by value'`.execute(db)

  await sql`
    create table movies.film_rating (
      load_id integer not null,
      film_id bigint not null,
      rating_count bigint not null check (rating_count > 0),
      rating_sum numeric not null check (rating_sum > 0),
      ${stars},
      primary key (load_id, film_id),
      foreign key (load_id, film_id) references movies.film
    ) partition by list (load_id)`.execute(db)
  await sql`comment on table movies.film_rating is 'Ratings of each film of the snapshot that has any, counted by value, over all its MovieLens ids'`.execute(
    db,
  )

  await sql`
    create table movies.price_index (
      load_id integer not null references reelhouse.load,
      series text not null,
      month date not null check (extract(day from month) = 1),
      value numeric check (value > 0),
      source_load_id integer not null,
      primary key (load_id, series, month)
    )`.execute(db)
  await sql`comment on column movies.price_index.value is 'Null where the source has the month and no value'`.execute(
    db,
  )
}

/** Half a star to five stars. */
const STARS = [
  'stars_0_5',
  'stars_1_0',
  'stars_1_5',
  'stars_2_0',
  'stars_2_5',
  'stars_3_0',
  'stars_3_5',
  'stars_4_0',
  'stars_4_5',
  'stars_5_0',
]
