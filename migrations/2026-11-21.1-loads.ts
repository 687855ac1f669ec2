import { type Kysely, sql } from 'kysely'

/**
 * The ledger that every subject shares: loads, the files that they read, what they left out, what they checked, which of
 * them readers see, and the registry that gives identity to things whose source has no ids.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table reelhouse.load (
      load_id integer generated always as identity primary key,
      subject text not null,
      state text not null check (state in ('queued', 'running', 'held', 'published', 'superseded', 'unchanged', 'blocked',
                                           'checked', 'failed', 'cancelled', 'dropped')),
      mode text not null check (mode in ('replace', 'merge')),
      trigger text not null check (trigger in ('admin', 'cli', 'schedule', 'sample')),
      actor text not null,
      source text not null,
      format text,
      id_space text,
      ingest_version integer,
      hold boolean not null default false,
      dry_run boolean not null default false,
      force boolean not null default false,
      previous_load_id integer references reelhouse.load,
      file_date date,
      data_through date,
      stage text,
      progress jsonb not null default '{}',
      timings jsonb not null default '{}',
      row_counts jsonb not null default '{}',
      notes text[] not null default '{}',
      error text,
      created_at timestamptz not null default clock_timestamp(),
      started_at timestamptz,
      finished_at timestamptz,
      published_at timestamptz
    )`.execute(db)
  await sql`comment on table reelhouse.load is 'One run of ingest for one subject; a successful one is an immutable snapshot'`.execute(
    db,
  )
  // Two loads of one subject at once would race for the pointer: the second is refused here, whoever asks.
  await sql`create unique index load_one_at_a_time on reelhouse.load (subject) where state in ('queued', 'running')`.execute(
    db,
  )
  await sql`create unique index load_one_published on reelhouse.load (subject) where state = 'published'`.execute(db)

  await sql`
    create table reelhouse.load_file (
      load_id integer not null references reelhouse.load,
      file_no smallint not null,
      name text not null,
      family text not null,
      bytes bigint not null check (bytes >= 0),
      sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
      modified_at timestamptz,
      read bigint not null check (read >= 0),
      loaded bigint not null check (loaded >= 0),
      rejected bigint not null check (rejected >= 0),
      duplicate bigint not null check (duplicate >= 0),
      unmatched bigint not null check (unmatched >= 0),
      warnings bigint not null check (warnings >= 0),
      primary key (load_id, file_no),
      constraint nothing_lost check (read = loaded + rejected + duplicate + unmatched)
    )`.execute(db)
  await sql`comment on constraint nothing_lost on reelhouse.load_file is 'Every record that was read is accounted for'`.execute(
    db,
  )

  await sql`
    create table reelhouse.reject (
      load_id integer not null references reelhouse.load,
      reject_id bigint generated always as identity,
      file text not null,
      line bigint not null check (line > 0),
      code text not null,
      severity text not null check (severity in ('reject', 'warning', 'duplicate', 'unmatched')),
      column_name text,
      reason text not null,
      raw text,
      primary key (load_id, reject_id)
    )`.execute(db)
  await sql`comment on table reelhouse.reject is 'What a load left out or could not read, with file and physical line'`.execute(
    db,
  )
  await sql`create index reject_by_line on reelhouse.reject (load_id, file, line, reject_id)`.execute(db)

  await sql`
    create table reelhouse.check_result (
      load_id integer not null references reelhouse.load,
      name text not null,
      claim text not null,
      severity text not null check (severity in ('error', 'warn')),
      passed boolean not null,
      observed text not null,
      sample jsonb not null default '[]',
      primary key (load_id, name)
    )`.execute(db)

  await sql`
    create table reelhouse.pointer (
      subject text primary key,
      load_id integer not null references reelhouse.load,
      published_at timestamptz not null
    )`.execute(db)
  await sql`comment on table reelhouse.pointer is 'The one row per subject that decides which load readers see'`.execute(
    db,
  )

  await sql`
    create table reelhouse.publication (
      publication_id bigint generated always as identity primary key,
      subject text not null,
      load_id integer not null references reelhouse.load,
      action text not null check (action in ('publish', 'rollback')),
      actor text not null,
      at timestamptz not null default clock_timestamp()
    )`.execute(db)
  await sql`comment on table reelhouse.publication is 'Kept for ever: what readers saw at any moment'`.execute(db)
  await sql`create index publication_at on reelhouse.publication (subject, at desc, publication_id desc)`.execute(db)

  await sql`
    create table reelhouse.registry (
      subject text not null,
      kind text not null,
      key text not null,
      id bigint not null,
      primary key (subject, kind, key),
      unique (subject, kind, id)
    )`.execute(db)
  await sql`comment on table reelhouse.registry is 'Ids for what its source only names; outlives loads, so ids are stable'`.execute(
    db,
  )
}
