import { type Kysely, sql } from 'kysely'

/**
 * Each load has a table of each fact. The migration of the 27th that was to see to it found no load: in its text, `\d` was but a `d`.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    do $$
    declare missing record;
    begin
      for missing in
        select fact.relname as fact, load.load_id, format('%s_%s', fact.relname, load.load_id) as name
        from (select substring(relname from '^film_([0-9]+)$') as load_id
              from pg_class where relnamespace = 'movies'::regnamespace and relkind = 'r') as load
        cross join pg_class fact
        where load.load_id is not null and fact.relnamespace = 'movies'::regnamespace and fact.relkind = 'p'
          and fact.relname not in ('rating', 'rating_total') and fact.relname not like 'rollup%'
          and to_regclass(format('movies.%I', format('%s_%s', fact.relname, load.load_id))) is null
      loop
        execute format('create table movies.%I (like movies.%I including defaults including constraints including generated including storage)',
                       missing.name, missing.fact);
        execute format('alter table movies.%I attach partition movies.%I for values in (%s)', missing.fact, missing.name, missing.load_id);
      end loop;
    end $$`.execute(db)
}
