import { type Kysely, sql } from 'kysely'

/** What is counted in a file as a whole stands at none of its lines. 0 and not null, because entries are paged through by line. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table reelhouse.reject drop constraint reject_line_check, add check (line >= 0)`.execute(db)
  await sql`comment on column reelhouse.reject.line is 'Physical line where the record starts; 0 where the entry counts records of several lines'`.execute(
    db,
  )
}
