import { type Kysely, sql } from 'kysely'

/** Which companies share a name is asked with every answer that shows companies. Hashed, as a name may be longer than a B-tree takes. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index company_by_name on movies.company using hash (name)`.execute(db)
}
