import { type Kysely, sql } from 'kysely'

/**
 * What makes a load one that can be trusted, watched and undone: who did what, what was asked twice, what was due when, each step
 * of a load as an event, and the columns of its files.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table reelhouse.load
      add column replay_of integer references reelhouse.load,
      add column mended jsonb,
      add column cancel_asked_by text,
      add column retriable boolean not null default false`.execute(db)
  await sql`comment on column reelhouse.load.mended is 'Texts that an admin gave in place of rejected ones: [{file, line, raw}]'`.execute(
    db,
  )
  await sql`comment on column reelhouse.load.cancel_asked_by is 'Read by the process of the load, wherever it runs'`.execute(
    db,
  )
  await sql`comment on column reelhouse.load.retriable is 'It failed for a reason that may pass: a source that stalls, a process that was killed'`.execute(
    db,
  )
  await sql`alter table reelhouse.load_file add column columns text[]`.execute(db)
  await sql`comment on column reelhouse.load_file.columns is 'The header as it stands in the file; null where the notation has none'`.execute(
    db,
  )
  await sql`alter table reelhouse.check_result add column kind text, add column failing bigint check (failing >= 0)`.execute(
    db,
  )
  await sql`alter table reelhouse.reject add column record text`.execute(db)
  await sql`comment on column reelhouse.reject.record is 'The whole text of a rejected record, for replaying it; raw is an excerpt'`.execute(
    db,
  )

  await sql`
    create table reelhouse.audit (
      audit_id bigint generated always as identity primary key,
      at timestamptz not null default clock_timestamp(),
      actor text not null,
      action text not null check (action in ('load', 'publish', 'rollback', 'cancel', 'drop', 'replay')),
      subject text not null,
      load_id integer references reelhouse.load,
      detail jsonb not null default '{}'
    )`.execute(db)
  await sql`comment on table reelhouse.audit is 'Who did what, when; written with the deed itself'`.execute(db)

  await sql`
    create table reelhouse.idempotency (
      actor text not null,
      key text not null,
      request_digest text not null,
      load_id integer not null references reelhouse.load,
      at timestamptz not null default clock_timestamp(),
      primary key (actor, key)
    )`.execute(db)
  await sql`comment on table reelhouse.idempotency is 'Requests that must not start a second load when they are sent again'`.execute(
    db,
  )

  await sql`
    create table reelhouse.schedule (
      subject text primary key,
      cron text not null,
      timezone text not null,
      since timestamptz not null default clock_timestamp()
    )`.execute(db)
  await sql`comment on column reelhouse.schedule.since is 'Nothing that was due before is missed'`.execute(db)
  await sql`
    create table reelhouse.schedule_run (
      subject text not null,
      due_at timestamptz not null,
      outcome text check (outcome in ('published', 'held', 'unchanged', 'blocked', 'failed', 'cancelled', 'skipped')),
      attempts integer not null default 0,
      load_id integer references reelhouse.load,
      next_attempt_at timestamptz,
      caught_up boolean not null default false,
      note text,
      created_at timestamptz not null default clock_timestamp(),
      ended_at timestamptz,
      primary key (subject, due_at)
    )`.execute(db)
  await sql`comment on table reelhouse.schedule_run is 'One row a run that was due, whichever server takes it; outcome is null until it has ended'`.execute(
    db,
  )

  await sql`
    create table reelhouse.load_event (
      load_id integer not null references reelhouse.load,
      event_id bigint generated always as identity,
      at timestamptz not null default clock_timestamp(),
      event text not null check (event in ('state', 'stage', 'progress')),
      data jsonb not null,
      primary key (load_id, event_id)
    )`.execute(db)
  await sql`comment on table reelhouse.load_event is 'What a load did, step by step; written by a trigger, in the order of its commits'`.execute(
    db,
  )
  // A trigger, because the state of a load is changed in many places, by any process, and none may forget to tell.
  await sql`
    create function reelhouse.tell_load() returns trigger language plpgsql as $$
    begin
      if tg_op = 'INSERT' or new.state <> old.state then
        insert into reelhouse.load_event (load_id, event, data)
        values (new.load_id, 'state', jsonb_build_object('state', new.state, 'error', new.error));
        if new.finished_at is not null then
          delete from reelhouse.load_event where load_id = new.load_id and event = 'progress';
        end if;
      end if;
      if tg_op = 'UPDATE' then
        if new.stage is distinct from old.stage then
          insert into reelhouse.load_event (load_id, event, data)
          values (new.load_id, 'stage', jsonb_build_object('stage', new.stage, 'timings', new.timings));
        end if;
        if new.progress <> old.progress then
          insert into reelhouse.load_event (load_id, event, data) values (new.load_id, 'progress', new.progress);
        end if;
      end if;
      perform pg_notify('reelhouse_loads', new.load_id::text);
      return null;
    end $$`.execute(db)
  await sql`
    create trigger load_is_told after insert or update of state, stage, progress on reelhouse.load
    for each row execute function reelhouse.tell_load()`.execute(db)
}
