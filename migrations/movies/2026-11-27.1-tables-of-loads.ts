import { type Kysely, sql } from 'kysely'

/**
 * Reports read a load's own tables by their names, so each load must have one of each fact: also a load that was made before there was
 * the fact, for which an empty one is made.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    do $$
    declare missing record;
    begin
      for missing in
        select fact.relname as fact, load.load_id, format('%s_%s', fact.relname, load.load_id) as name
        from (select substring(relname from '^film_(\d+)$') as load_id
              from pg_class where relnamespace = 'movies'::regnamespace and relkind = 'r') as load
        cross join pg_class fact
        where load.load_id is not null and fact.relnamespace = 'movies'::regnamespace and fact.relkind = 'p'
          and fact.relname not in ('rating', 'rating_total', 'rollup')
          and to_regclass(format('movies.%I', format('%s_%s', fact.relname, load.load_id))) is null
      loop
        execute format('create table movies.%I (like movies.%I including defaults including constraints including generated including storage)',
                       missing.name, missing.fact);
        execute format('alter table movies.%I attach partition movies.%I for values in (%s)', missing.fact, missing.name, missing.load_id);
      end loop;
    end $$`.execute(db)
}
