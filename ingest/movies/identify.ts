import { sql, type Transaction } from 'kysely'
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
  for (const { kind, table, id, key } of named) {
    const { rows } = await sql<{ any: boolean }>`
      select exists (select from ${sql.table(table)} where ${sql.ref(id)} is null) as any`.execute(trx)
    if (!rows[0]?.any) continue
    // Ordered by name and not by line, so that a shuffled file gives the same ids.
    await sql`
      insert into reelhouse.registry (subject, kind, key, id)
      select 'movies', ${kind}, key,
             (select coalesce(max(id), 0) from reelhouse.registry where subject = 'movies' and kind = ${kind})
             + row_number() over (order by key collate "C")
      from (select distinct ${sql.ref(key)} as key from ${sql.table(table)} where ${sql.ref(id)} is null) as named
      where not exists (select from reelhouse.registry r
                        where r.subject = 'movies' and r.kind = ${kind} and r.key = named.key)`.execute(trx)
    await sql`
      update ${sql.table(table)} as staged set ${sql.ref(id)} = r.id
      from reelhouse.registry r
      where ${sql.ref(`staged.${id}`)} is null
        and r.subject = 'movies' and r.kind = ${kind} and r.key = ${sql.ref(`staged.${key}`)}`.execute(trx)
  }
}
