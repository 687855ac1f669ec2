import { type Kysely, sql } from 'kysely'

/**
 * Decades of companies, and of companies and genres, are kept added up, too, with indexes for their order and the largest. Loads that were made
 * before have none; they answer from their films until they are loaded anew.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table movies.rollup drop constraint rollup_grain_check,
      add constraint rollup_grain_check check (grain in ('month', 'year', 'decade', 'ever'))`.execute(db)
  await sql`comment on column movies.rollup.year is 'Of the release dates, of a decade the first; null of films whenever they were released'`.execute(
    db,
  )
  await sql`update reelhouse.load set rolled_up = false where subject = 'movies' and rolled_up`.execute(db)
  for (const ids of [['company_id'], ['company_id', 'genre_id']]) {
    const cells = ids.map((id) => id.replace('_id', '')).join()
    const few = sql`where cells = ${sql.lit(cells)} and grain = 'decade'`
    const key = sql.join([...ids, 'period'].map((one) => sql.ref(one)))
    const name = (of: string) => sql.ref(`rollup_${cells.replace(',', '_')}_decade_by_${of}`)
    await sql`create index ${name('id')} on movies.rollup (${key}) ${few}`.execute(db)
    for (const amount of ['revenue', 'budget', 'profit'])
      await sql`create index ${name(amount)} on movies.rollup (${sql.ref(amount)} desc nulls last, ${key}) ${few}`.execute(
        db,
      )
  }
}
