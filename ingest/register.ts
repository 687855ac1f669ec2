import { sql, type Transaction } from 'kysely'

/** A staging table with names that have no id: there the key is what they are known by. */
export interface Named {
  kind: string
  table: string
  id: string
  key: string
}

/** Gives a registered id to each key that has none: the one that it had in earlier loads, or a new one. */
export async function register(
  trx: Transaction<unknown>,
  subject: string,
  { kind, table, id, key }: Named,
): Promise<void> {
  const { rows } = await sql<{ any: boolean }>`
    select exists (select from ${sql.table(table)} where ${sql.ref(id)} is null) as any`.execute(trx)
  if (!rows[0]?.any) return
  // Ordered by name and not by line, so that a shuffled file gives the same ids.
  await sql`
    insert into reelhouse.registry (subject, kind, key, id)
    select ${subject}, ${kind}, key,
           (select coalesce(max(id), 0) from reelhouse.registry where subject = ${subject} and kind = ${kind})
           + row_number() over (order by key collate "C")
    from (select distinct ${sql.ref(key)} as key from ${sql.table(table)} where ${sql.ref(id)} is null) as named
    where not exists (select from reelhouse.registry r
                      where r.subject = ${subject} and r.kind = ${kind} and r.key = named.key)`.execute(trx)
  await sql`
    update ${sql.table(table)} as staged set ${sql.ref(id)} = r.id
    from reelhouse.registry r
    where ${sql.ref(`staged.${id}`)} is null
      and r.subject = ${subject} and r.kind = ${kind} and r.key = ${sql.ref(`staged.${key}`)}`.execute(trx)
}
