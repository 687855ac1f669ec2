import { sql } from 'kysely'
import type { Scope } from '../../report.ts'
import { fact } from './tables.ts'

/**
 * What film `f` is linked to in one dimension, by name, as JSON.
 */
export function links(scope: Scope, dimension: 'company' | 'genre' | 'country' | 'language' | 'keyword', id: string) {
  return sql<{ [id: string]: string | number | null; name: string | null }[]>`
    (select coalesce(json_agg(row_to_json(one) order by one.name collate "C", one.${sql.ref(id)}), '[]')
     from (select of.${sql.ref(id)}, of.name
           from ${fact(scope, `film_${dimension}`)} link
           join ${sql.table(`movies.${dimension}`)} of using (load_id, ${sql.ref(id)})
           where link.load_id = ${scope.load} and link.film_id = f.film_id) as one)`
}

/** Who worked on film `f`, as JSON. */
export function crew(scope: Scope) {
  return sql<{ person_id: number; name: string; job: string; department: string | null }[]>`
    (select coalesce(json_agg(row_to_json(one) order by one.job, one.name collate "C", one.person_id, one.department), '[]')
     from (select p.person_id, p.name, link.job, nullif(link.department, '') as department
           from ${fact(scope, 'film_crew')} link join movies.person p using (load_id, person_id)
           where link.load_id = ${scope.load} and link.film_id = f.film_id) as one)`
}

/** Who played in film `f`, as JSON, in the order of billing. */
export function cast(scope: Scope) {
  return sql<{ person_id: number; name: string; character: string | null }[]>`
    (select coalesce(json_agg(json_build_object('person_id', person_id, 'name', name, 'character', nullif(character, ''))
                              order by cast_order, name collate "C", person_id, character collate "C"), '[]')
     from (select p.person_id, p.name, link.character, link.cast_order
           from ${fact(scope, 'film_cast')} link join movies.person p using (load_id, person_id)
           where link.load_id = ${scope.load} and link.film_id = f.film_id) as one)`
}
