import type { Transaction } from 'kysely'
import { register } from '../register.ts'
import type { Format } from '../subject.ts'

/** Gives a registered id to each film that has a key in place of one, and to whatever else the source only names. */
export async function identifyByName(trx: Transaction<unknown>, format: Format): Promise<void> {
  const named = [
    ...(format.identifiedBy === 'key' ? [{ kind: 'film', table: 'stage_film', id: 'film_id', key: 'key' }] : []),
    { kind: 'company', table: 'stage_company', id: 'company_id', key: 'name' },
    { kind: 'genre', table: 'stage_genre', id: 'genre_id', key: 'name' },
    { kind: 'person', table: 'stage_crew', id: 'person_id', key: 'name' },
    { kind: 'keyword', table: 'stage_keyword', id: 'keyword_id', key: 'name' },
  ]
  for (const one of named) await register(trx, 'movies', one)
}
