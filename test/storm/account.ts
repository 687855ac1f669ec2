import type pg from 'pg'
import movies from '../../ingest/movies/subject.ts'
import { FILE_NAME, type StormFile } from './films.ts'
import type { Truth } from './truth.ts'

/** What the warehouse must come to once a storm is over, each in a sentence when it does not. */
export async function account(db: pg.Client, truth: Truth, files: StormFile[]): Promise<string[]> {
  const faults: string[] = []
  const claim = async (sentence: string, query: string) => {
    const { rows } = await db.query(query)
    for (const row of rows) faults.push(`${sentence}: ${JSON.stringify(row)}`)
  }
  await claim('a load has no end', `select load_id, state from reelhouse.load where state in ('queued', 'running')`)
  await claim(
    'a load ended without a moment, or says both that it ended well and that it did not',
    `select load_id, state, error, finished_at from reelhouse.load
     where finished_at is null or (error is null) = (state in ('failed', 'cancelled'))`,
  )
  await claim(
    'the last event of a load tells another state than the ledger',
    `select load_id, state, told from reelhouse.load,
       lateral (select data ->> 'state' as told from reelhouse.load_event e
                where e.load_id = load.load_id and event = 'state' order by event_id desc limit 1) as last
     where told <> state`,
  )
  await claim(
    'a load has not been entered once in the audit',
    `select load_id from reelhouse.load
     where (select count(*) from reelhouse.audit a where a.load_id = load.load_id and action in ('load', 'replay')) <> 1`,
  )
  await claim(
    'the pointer, the history and the states of loads name different ones',
    `select pointer.load_id as pointer, last.load_id as history, (select array_agg(load_id) from reelhouse.load where state = 'published') as states
     from reelhouse.pointer, lateral (select load_id from reelhouse.publication order by publication_id desc limit 1) as last
     where pointer.load_id <> last.load_id
        or array[pointer.load_id] <> (select array_agg(load_id) from reelhouse.load where state = 'published')`,
  )
  await claim(
    'a load was published and has no date of it, or the other way about',
    `select load_id, state, published_at from reelhouse.load
     where (published_at is not null) <> exists (select from reelhouse.publication p where p.load_id = load.load_id)`,
  )
  await claim(
    'a publication is older than the one before',
    `select publication_id from (select publication_id, at, lag(at) over (order by publication_id) as before from reelhouse.publication) p
     where at <= before`,
  )
  await claim(
    'a table is left of a load that has no snapshot',
    `select relname, state from pg_class
     join reelhouse.load on load_id = substring(relname from '_(\\d+)$')::integer
     where relkind = 'r' and relnamespace = 'movies'::regnamespace
       and state not in ('published', 'superseded', 'held', 'blocked')`,
  )
  await claim(
    'a snapshot has not one partition of each fact (ratings are not read here)',
    `select load_id, count(i.inhrelid) from reelhouse.load
     left join pg_class c on relkind = 'r' and relnamespace = 'movies'::regnamespace and relname ~ ('_' || load_id || '$')
     left join pg_inherits i on i.inhrelid = c.oid and not inhdetachpending
     where state in ('published', 'superseded', 'held', 'blocked')
     group by load_id having count(i.inhrelid) <> (select count(*) from pg_class where relkind = 'p' and relnamespace = 'movies'::regnamespace and relname not in ('rating', 'rating_total'))`,
  )
  for (const dimension of new Set(movies.families.flatMap(({ dimensions }) => dimensions)))
    await claim(
      `${dimension}: rows of a load that has no snapshot`,
      `select distinct load_id from movies.${dimension} join reelhouse.load using (load_id)
       where state not in ('published', 'superseded', 'held', 'blocked')`,
    )

  const snapshots = await db.query<{ load_id: number; films: number; found: number }>(`
    select load_id, (row_counts ->> 'film')::integer as films, count(f.film_id)::integer as found
    from reelhouse.load left join movies.film f using (load_id)
    where state in ('published', 'superseded', 'held') group by load_id`)
  for (const { load_id, films, found } of snapshots.rows) {
    const { size } = await truth.films(load_id)
    if (found !== size || films !== size)
      faults.push(`load ${load_id} has ${found} films and says ${films}; its files have ${size}`)
  }

  const read = await db.query<Record<string, number | string>>(`
    select load.load_id, source, name, read::integer, loaded::integer, rejected::integer, duplicate::integer, unmatched::integer
    from reelhouse.load_file join reelhouse.load using (load_id) where replay_of is null`)
  for (const { load_id, source, ...counts } of read.rows) {
    const { records, rejected } = files.find((file) => file.source === source) as StormFile
    const films = new Set(records.map(({ id }) => id)).size
    const expected = {
      name: FILE_NAME,
      read: records.length + rejected.length,
      loaded: films,
      rejected: rejected.length,
      duplicate: records.length - films,
      unmatched: 0,
    }
    if (JSON.stringify(counts) !== JSON.stringify(expected))
      faults.push(
        `load ${load_id} says it read ${JSON.stringify(counts)}, and its file has ${JSON.stringify(expected)}`,
      )
  }
  return faults
}
