import { type Kysely, sql } from 'kysely'

/**
 * Plays of songs, as a star: the fact songplay, and the dimensions user, song, artist and time. All tables are plain ones whose rows carry the load
 * that added them; which of them readers see is decided by the loads that their load shows.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create schema music`.execute(db)

  await sql`
    create table music.time (
      hour timestamptz primary key check (hour = date_trunc('hour', hour, 'UTC')),
      day date not null generated always as ((hour at time zone 'UTC')::date) stored,
      week date not null generated always as (date_trunc('week', hour at time zone 'UTC')::date) stored,
      month date not null generated always as (date_trunc('month', hour at time zone 'UTC')::date) stored,
      year integer not null generated always as (extract(year from hour at time zone 'UTC')::integer) stored,
      weekday smallint not null generated always as (extract(isodow from hour at time zone 'UTC')::smallint) stored,
      hour_of_day smallint not null generated always as (extract(hour from hour at time zone 'UTC')::smallint) stored
    )`.execute(db)
  await sql`comment on table music.time is 'Hours in which something was logged, in UTC; what the calendar says of them belongs to no load'`.execute(
    db,
  )
  await sql`comment on column music.time.week is 'Its Monday, as ISO 8601 has weeks'`.execute(db)
  await sql`comment on column music.time.weekday is '1: Monday, 7: Sunday'`.execute(db)

  await sql`
    create table music.artist (
      load_id integer not null references reelhouse.load,
      artist_id text not null,
      name text not null,
      location text,
      latitude numeric,
      longitude numeric,
      primary key (artist_id, load_id)
    )`.execute(db)
  await sql`comment on table music.artist is 'One row for each load that tells something new of an artist; the latest that shows counts'`.execute(
    db,
  )
  await sql`
    create table music.song (
      load_id integer not null references reelhouse.load,
      song_id text not null,
      title text not null,
      artist_id text not null,
      artist_name text not null,
      year integer,
      duration numeric,
      digest text not null,
      source_load_id integer not null,
      source_file_no smallint not null,
      source_line bigint not null,
      primary key (song_id, load_id),
      foreign key (source_load_id, source_file_no) references reelhouse.load_file
    )`.execute(db)
  await sql`comment on table music.song is 'One row for each load that tells something new of a song; the latest that shows counts'`.execute(
    db,
  )
  await sql`comment on column music.song.artist_name is 'The artist as the song’s file names them: plays are matched by it'`.execute(
    db,
  )
  await sql`
    create table music.user (
      load_id integer not null references reelhouse.load,
      user_id bigint not null,
      first_name text,
      last_name text,
      gender text,
      registered_at timestamptz,
      told_at timestamptz not null,
      primary key (user_id, load_id)
    )`.execute(db)
  await sql`comment on table music.user is 'One row for each load that tells something new of a user; what was told last, of what shows, counts'`.execute(
    db,
  )
  await sql`comment on column music.user.told_at is 'Time of the event that tells it'`.execute(db)

  const logged = sql`
      load_id integer not null references reelhouse.load,
      start_time timestamptz not null,
      hour timestamptz not null references music.time,
      level text check (level in ('free', 'paid')),
      session_id bigint not null,
      item_in_session integer not null,
      location text,
      user_agent text,
      agent_family text,
      digest text not null,
      source_load_id integer not null,
      source_file_no smallint not null,
      source_line bigint not null,
      foreign key (source_load_id, source_file_no) references reelhouse.load_file`
  await sql`
    create table music.songplay (
      songplay_id bigint generated always as identity primary key,
      user_id bigint not null,
      song text not null,
      artist text not null,
      length numeric,
      ${logged}
    )`.execute(db)
  await sql`comment on table music.songplay is 'A song that a user played: an event of page NextSong, once for each session, item and time that shows'`.execute(
    db,
  )
  await sql`comment on column music.songplay.song is 'As the log has it; song_match tells which song of the catalog that is'`.execute(
    db,
  )
  await sql`
    create table music.event (
      event_id bigint generated always as identity primary key,
      user_id bigint,
      page text not null,
      auth text,
      method text,
      status smallint,
      ${logged}
    )`.execute(db)
  await sql`comment on table music.event is 'Events of all other pages; those of nobody who is logged in have no user'`.execute(
    db,
  )
  for (const table of ['songplay', 'event']) {
    await sql`create index on ${sql.table(`music.${table}`)} (session_id, item_in_session, start_time)`.execute(db)
    await sql`create index on ${sql.table(`music.${table}`)} (user_id, start_time)`.execute(db)
    await sql`create index on ${sql.table(`music.${table}`)} (load_id)`.execute(db)
  }
  await sql`create index on music.songplay (start_time, songplay_id)`.execute(db)
  await sql`
    create table music.song_match (
      load_id integer not null references reelhouse.load,
      songplay_id bigint not null references music.songplay on delete cascade,
      song_id text not null,
      artist_id text not null,
      primary key (songplay_id, load_id)
    )`.execute(db)
  await sql`comment on table music.song_match is 'Which song a play is of, by title, artist and length; told by the load that brought the later of the two'`.execute(
    db,
  )
  await sql`create index on music.song_match (song_id)`.execute(db)
  await sql`
    create view music.logged as
    select load_id, start_time, user_id, level, session_id, item_in_session, 'NextSong' as page, digest, location, agent_family,
           source_load_id, source_file_no, source_line
    from music.songplay
    union all
    select load_id, start_time, user_id, level, session_id, item_in_session, page, digest, location, agent_family,
           source_load_id, source_file_no, source_line
    from music.event`.execute(db)
  await sql`comment on view music.logged is 'Plays and other events: everything that the logs have'`.execute(db)
}
