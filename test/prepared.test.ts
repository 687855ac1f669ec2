import pg from 'pg'
import t from 'tap'
import { HELD, PreparingClient } from '../src/prepared.ts'
import { build } from './build.ts'

/** Statements that come again are prepared; one that comes once is not worth it. */

t.test('from the second time on a statement is prepared, whatever its values', async (t) => {
  const house = await build(t)
  const client = new PreparingClient({ connectionString: house.databaseUrl })
  await client.connect()
  t.teardown(() => client.end())
  const prepared = async () =>
    (await client.query('select statement, generic_plans + custom_plans as plans from pg_prepared_statements')).rows

  const text = 'select $1::integer + 1 as sum'
  t.strictSame((await client.query(text, [1])).rows, [{ sum: 2 }])
  t.strictSame(await prepared(), [])
  t.strictSame((await client.query(text, [2])).rows, [{ sum: 3 }])
  t.strictSame((await client.query(text, [3])).rows, [{ sum: 4 }])
  t.strictSame(await prepared(), [{ statement: text, plans: '2' }])
  await t.rejects(client.query(text, ['x']), /invalid input syntax/)
  t.strictSame((await client.query(text, [4])).rows, [{ sum: 5 }], 'an error does not spoil it')
})

t.test('a connection that holds too many gives way to another one', async (t) => {
  const house = await build(t)
  const pool = new pg.Pool({ connectionString: house.databaseUrl, max: 1, Client: PreparingClient })
  t.teardown(() => pool.end())
  const use = async (text: string) => {
    const client = await pool.connect()
    try {
      return (await client.query(`${text}, pg_backend_pid() as pid`, [1])).rows[0].pid
    } finally {
      client.release()
    }
  }
  const sessions = new Set<number>()
  for (let number = 0; number < 2 * HELD; number++)
    for (let time = 0; time < 3; time++) sessions.add(await use(`select $1::integer + ${number} as sum`))
  t.equal(sessions.size, 2)
  const before = await use('select $1::integer as one')
  t.equal(await use('select $1::integer as one'), before, 'until then it stays')
})

t.test('what is asked of a report again is prepared, and answered anew', async (t) => {
  const house = await build(t, { CACHE_MB: '0', POOL_SIZE: '1' })
  const csv = 'id,title,release_date,budget,revenue,production_companies,genres\n'
  const load = async (revenue: number) =>
    house.load(
      await house.file('movies_metadata.csv', `${csv}1,One,1995-01-01,1,${revenue},"[{'name': 'A', 'id': 3}]",[]\n`),
      { format: 'the-movies-dataset' },
    )
  await load(5)
  const ask = async () => (await house.get('/v1/movies/company-years')).body.data[0]?.revenue
  t.strictSame([await ask(), await ask(), await ask()], [5, 5, 5])
  await load(7)
  t.strictSame([await ask(), await ask(), await ask()], [7, 7, 7])
})
