import { sql } from 'kysely'
import type { Check, CheckFinding } from '../checks.ts'

/** What must hold of a load of films, beyond what the tables' constraints enforce. */
export const checks: Check[] = [
  {
    name: 'film_row_count',
    claim: 'The load has films',
    severity: 'error',
    query: ({ loadId }) => sql<CheckFinding>`
      select count(*) > 0 as passed, format('%s films', count(*)) as observed, '[]'::jsonb as sample
      from movies.film where load_id = ${loadId}`,
  },
  {
    name: 'film_source',
    claim: 'The file that each film was read from is in the ledger',
    severity: 'error',
    query: ({ loadId }) => sql<CheckFinding>`
      select count(*) = 0 as passed, format('%s films of unknown source', count(*)) as observed, '[]'::jsonb as sample
      from movies.film
      where load_id = ${loadId}
        and not exists (select from reelhouse.load_file source
                        where source.load_id = film.source_load_id and source.file_no = film.source_file_no)`,
  },
  {
    name: 'film_suspect',
    claim: 'No film has figures that are probably wrong',
    severity: 'warn',
    query: ({ loadId }) => sql<CheckFinding>`
      select count(*) = 0 as passed, format('%s films flagged', count(*)) as observed,
             (select coalesce(jsonb_agg(to_jsonb(first)), '[]')
              from (select film_id, title, release_date, budget, revenue, suspect from movies.film
                    where load_id = ${loadId} and suspect <> '{}' order by film_id limit 10) as first) as sample
      from movies.film where load_id = ${loadId} and suspect <> '{}'`,
  },
]
