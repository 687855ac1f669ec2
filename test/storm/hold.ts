import pg from 'pg'
import { until } from '../processes.ts'

/** A load that waits where it comes to a stage. */
export interface Held {
  /** Waits until it is there. */
  reached(): Promise<void>
  /** Lets it go on, if the database has not been restarted meanwhile, which does so too. */
  lift(): Promise<void>
}

/** Stops the next load when it comes to a stage. */
export async function holdAt(databaseUrl: string, stage: string): Promise<Held> {
  const db = new pg.Client(databaseUrl)
  // The database may be taken from under it.
  db.on('error', () => {})
  await db.connect()
  await db.query(`
    create or replace function hold_for_test() returns trigger language plpgsql as $$
      begin perform pg_advisory_xact_lock_shared(42); return new; end $$;
    create or replace trigger hold_for_test before update of stage on reelhouse.load for each row
      when (new.stage = '${stage}') execute function hold_for_test();
    select pg_advisory_lock(42)`)
  return {
    async reached() {
      await until(`the load has come to stage ${stage}`, async () => {
        const { rows } = await db.query(
          "select from pg_locks where locktype = 'advisory' and objid = 42 and not granted",
        )
        return rows.length > 0
      })
    },
    async lift() {
      await db.end().catch(() => {})
      const after = new pg.Client(databaseUrl)
      after.on('error', () => {})
      await after.connect()
      // Not by dropping the trigger, which would wait for the load, and keep others waiting.
      await after.query(`
        create or replace function hold_for_test() returns trigger language plpgsql as $$ begin return new; end $$`)
      await after.end()
    },
  }
}
