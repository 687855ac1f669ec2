import fastify from 'fastify'
import pg from 'pg'

/** The plain way: one statement a request over plain tables of films (schema `plain`), rows to objects to JSON, nothing kept. */
const [, , connectionString = ''] = process.argv
const pool = new pg.Pool({ connectionString, max: 10 })
const app = fastify()

const MEASURES = `
  count(*)::integer as releases, sum(f.budget)::float8 as budget, count(f.budget)::integer as budget_known,
  sum(f.revenue)::float8 as revenue, count(f.revenue)::integer as revenue_known,
  (coalesce(sum(f.revenue), 0) - coalesce(sum(f.budget), 0))::float8 as profit, avg(f.popularity)::float8 as popularity,
  (sum(f.vote_average * f.vote_count) / nullif(sum(f.vote_count), 0))::float8 as vote_average`

/** As an analyst's program has them. */
const REPORTS: Record<string, string> = {
  'genre-years': `
    select g.genre_id, g.name as genre, f.release_year as year, ${MEASURES}
    from plain.film f
    join plain.film_genre link on link.film_id = f.film_id
    join plain.genre g on g.genre_id = link.genre_id
    where f.release_year between $1 and $2
    group by g.genre_id, g.name, f.release_year order by g.genre_id, f.release_year limit 100`,
  'company-years': `
    select c.company_id, c.name as company, f.release_year as year, ${MEASURES}
    from plain.film f
    join plain.film_company link on link.film_id = f.film_id
    join plain.company c on c.company_id = link.company_id
    where f.release_year between $1 and $2
    group by c.company_id, c.name, f.release_year order by revenue desc nulls last, c.company_id, year limit 100`,
}

app.get<{ Params: { report: string }; Querystring: { from?: string; to?: string } }>(
  '/v1/movies/:report',
  async ({ params, query }) => {
    const { rows } = await pool.query(REPORTS[params.report] as string, [query.from ?? 0, query.to ?? 9999])
    return { data: rows }
  },
)
console.log(`listens on ${await app.listen({ host: '127.0.0.1', port: 0 })}`)
process.once('SIGTERM', async () => {
  await app.close()
  await pool.end()
})
