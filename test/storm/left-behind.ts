import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import movies from '../../ingest/movies/subject.ts'
import { factsOf } from '../../ingest/subject.ts'

/** How long PostgreSQL may take to notice that a session's process is gone. */
const PATIENCE_MS = 10_000

/** What is left of a load that made no snapshot: nothing, but its line in the ledger and what it had rejected. */
export async function leftBehind(db: pg.Client, load: number): Promise<string[]> {
  for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(25)) {
    const { rows } = await db.query<{ trace: string }>(TRACES, [load])
    if (rows.length === 0 || Date.now() > deadline) return rows.map(({ trace }) => `load ${load}: ${trace}`)
  }
}

/**
 * Dimensions go by load; facts are found by the names of their partitions. Of a temporary table its bytes count: when PostgreSQL itself
 * went down their names stay in its catalog until autovacuum comes by, while their files are removed as it starts.
 */
const TRACES = `
  select 'table ' || relname as trace from pg_class
    where relkind = 'r' and (relname ~ ('_' || $1::integer || '$') or (relpersistence = 't' and pg_relation_size(oid) > 0))
  union all select 'lock ' || classid || ' ' || objid from pg_locks
    where locktype = 'advisory' and objid = $1 and objsubid = 2
      and database = (select oid from pg_database where datname = current_database())
  union all select 'session ' || application_name || ': ' || query from pg_stat_activity
    where datname = current_database() and application_name ~ ('load ' || $1::integer || '$')
  union all select 'file' from reelhouse.load_file where load_id = $1
  union all select 'check' from reelhouse.check_result where load_id = $1
  union all select 'publication' from reelhouse.publication where load_id = $1
  union all select 'family' from reelhouse.load_family where load_id = $1
  ${[...factsOf(movies.families), ...movies.families.flatMap(({ dimensions }) => dimensions)]
    .map((table) => `union all (select '${table}' from movies.${table} where load_id = $1 limit 1)`)
    .join('\n  ')}`

/** Sessions, locks and temporary tables that nobody should have once nothing runs. */
export async function unrest(db: pg.Client): Promise<string[]> {
  for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(25)) {
    const { rows } = await db.query<{ trace: string }>(`
      select 'session ' || application_name || ' is ' || state as trace from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
          and (application_name ~ 'load|retention|sweep' or state ~ 'in transaction')
      union all select 'lock ' || classid || ' ' || objid from pg_locks
        where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
      union all select 'temporary table ' || relname from pg_class where relpersistence = 't' and relkind = 'r'`)
    if (rows.length === 0 || Date.now() > deadline) return rows.map(({ trace }) => trace)
  }
}
