import { type Kysely, sql } from 'kysely'

/**
 * What every answer counts of the films that it leaves out, and few films are, so that nobody reads the others for it; and the
 * largest of films and of companies, which all would have to be read for.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index film_of_a_year on movies.film (film_id) where release_precision = 'year'`.execute(db)
  await sql`create index film_by_content_rating on movies.film (content_rating) where content_rating is not null`.execute(
    db,
  )
  for (const measure of ['revenue', 'budget', 'popularity'])
    await sql`
      create index ${sql.ref(`film_by_${measure}`)} on movies.film (${sql.ref(measure)} desc nulls last, film_id)`.execute(
      db,
    )
  for (const amount of ['revenue', 'budget', 'profit'])
    await sql`
      create index ${sql.ref(`rollup_companies_by_${amount}`)} on movies.rollup (${sql.ref(amount)} desc nulls last, company_id)
      where cells = 'company' and grain = 'ever'`.execute(db)
}
