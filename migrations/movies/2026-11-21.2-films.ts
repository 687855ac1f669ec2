import { type Kysely, sql } from 'kysely'

/**
 * Films and what they are linked to. Facts (film and its links) are partitioned by load, so that a load fills tables that
 * no reader knows and dropping one is dropping tables; dimensions are small, plain, and carry the load in their key.
 * Every fact has the film's id in its primary key, which is what distribution by film would need.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create schema movies`.execute(db)

  await sql`
    create table movies.company (
      load_id integer not null references reelhouse.load,
      company_id bigint not null,
      name text not null,
      primary key (load_id, company_id)
    )`.execute(db)
  await sql`
    create table movies.genre (
      load_id integer not null references reelhouse.load,
      genre_id bigint not null,
      name text not null,
      primary key (load_id, genre_id)
    )`.execute(db)
  await sql`
    create table movies.collection (
      load_id integer not null references reelhouse.load,
      collection_id bigint not null,
      name text not null,
      primary key (load_id, collection_id)
    )`.execute(db)
  await sql`
    create table movies.person (
      load_id integer not null references reelhouse.load,
      person_id bigint not null,
      name text not null,
      primary key (load_id, person_id)
    )`.execute(db)
  await sql`
    create table movies.country (
      load_id integer not null references reelhouse.load,
      country_code text not null,
      name text,
      primary key (load_id, country_code)
    )`.execute(db)
  await sql`
    create table movies.language (
      load_id integer not null references reelhouse.load,
      language_code text not null,
      name text,
      primary key (load_id, language_code)
    )`.execute(db)

  // No foreign key from film to load or load_file: attaching a partition would lock those tables against the loads of
  // every subject. The partition's own check, the dimensions' keys and a check of each load say the same.
  await sql`
    create table movies.film (
      load_id integer not null,
      film_id bigint not null check (film_id > 0),
      title text not null check (title <> ''),
      original_title text,
      imdb_id text,
      release_date date,
      release_year integer generated always as (extract(year from release_date)::integer) stored,
      status text,
      original_language text,
      collection_id bigint,
      content_rating text,
      runtime numeric check (runtime > 0),
      budget bigint check (budget > 0),
      revenue bigint check (revenue > 0),
      popularity numeric check (popularity >= 0),
      vote_average numeric check (vote_average >= 0),
      vote_count bigint check (vote_count >= 0),
      suspect text[] not null default '{}',
      source_load_id integer not null,
      source_file_no smallint not null,
      source_line bigint not null check (source_line > 0),
      primary key (load_id, film_id),
      foreign key (load_id, collection_id) references movies.collection,
      foreign key (load_id, original_language) references movies.language
    ) partition by list (load_id)`.execute(db)
  await sql`comment on column movies.film.budget is 'US dollars; null is unknown, never 0'`.execute(db)
  await sql`comment on column movies.film.revenue is 'US dollars; null is unknown, never 0'`.execute(db)
  await sql`comment on column movies.film.suspect is 'Flags of figures that are probably wrong; never repaired'`.execute(
    db,
  )
  await sql`create index film_by_year on movies.film (release_year, film_id)`.execute(db)
  await sql`create index film_by_collection on movies.film (collection_id) where collection_id is not null`.execute(db)

  // Prose is kept apart: reports scan film, and half of a film's bytes would be text that none of them reads.
  await sql`
    create table movies.film_text (
      load_id integer not null,
      film_id bigint not null,
      overview text,
      tagline text,
      homepage text,
      poster_path text,
      primary key (load_id, film_id),
      foreign key (load_id, film_id) references movies.film
    ) partition by list (load_id)`.execute(db)

  await sql`
    create table movies.film_company (
      load_id integer not null,
      film_id bigint not null,
      company_id bigint not null,
      primary key (load_id, film_id, company_id),
      foreign key (load_id, film_id) references movies.film,
      foreign key (load_id, company_id) references movies.company
    ) partition by list (load_id)`.execute(db)
  await sql`create index film_company_by_company on movies.film_company (company_id, film_id)`.execute(db)

  await sql`
    create table movies.film_genre (
      load_id integer not null,
      film_id bigint not null,
      genre_id bigint not null,
      primary key (load_id, film_id, genre_id),
      foreign key (load_id, film_id) references movies.film,
      foreign key (load_id, genre_id) references movies.genre
    ) partition by list (load_id)`.execute(db)
  await sql`create index film_genre_by_genre on movies.film_genre (genre_id, film_id)`.execute(db)

  await sql`
    create table movies.film_country (
      load_id integer not null,
      film_id bigint not null,
      country_code text not null,
      primary key (load_id, film_id, country_code),
      foreign key (load_id, film_id) references movies.film,
      foreign key (load_id, country_code) references movies.country
    ) partition by list (load_id)`.execute(db)
  await sql`create index film_country_by_country on movies.film_country (country_code, film_id)`.execute(db)

  await sql`
    create table movies.film_language (
      load_id integer not null,
      film_id bigint not null,
      language_code text not null,
      primary key (load_id, film_id, language_code),
      foreign key (load_id, film_id) references movies.film,
      foreign key (load_id, language_code) references movies.language
    ) partition by list (load_id)`.execute(db)
  await sql`comment on table movies.film_language is 'Spoken languages; the original one is a column of film'`.execute(
    db,
  )

  await sql`
    create table movies.film_crew (
      load_id integer not null,
      film_id bigint not null,
      person_id bigint not null,
      job text not null,
      primary key (load_id, film_id, person_id, job),
      foreign key (load_id, film_id) references movies.film,
      foreign key (load_id, person_id) references movies.person
    ) partition by list (load_id)`.execute(db)
  await sql`create index film_crew_by_person on movies.film_crew (person_id, film_id)`.execute(db)
}
