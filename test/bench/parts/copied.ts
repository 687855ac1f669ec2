import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type pg from 'pg'
import { ran } from '../programs.ts'

/** The least that a load could take: its rows, split already, by \copy into typed tables with keys, indexes and statistics. */

/** Writes each fact and dimension of a load to a file, once. */
export async function splitRows(client: pg.Client, libpq: Record<string, string>, folder: string, load: number) {
  const { rows } = await client.query<{ name: string; partitioned: boolean }>(`
    select relname as name, relkind = 'p' as partitioned from pg_class
    where relnamespace = 'movies'::regnamespace and relkind in ('r', 'p') and not relispartition
      and relname not like 'rollup%' and relname not in ('rating', 'rating_total', 'film_rating', 'price_index', 'link')`)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  for (const { name } of rows) {
    const { rows: columns } = await client.query<{ name: string }>(
      `select attname as name from pg_attribute
       where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
      [`movies.${name}`],
    )
    const list = columns.map((column) => `"${column.name}"`).join()
    const from = `(select ${list} from movies."${name}" where load_id = ${load})`
    await psql(libpq, [`\\copy ${from} to '${path.join(folder, name)}.csv' with (format csv)`])
    copies.set(name, list)
  }
  return rows.map(({ name }) => name)
}

const copies = new Map<string, string>()

/** @returns seconds */
export async function copyRows(client: pg.Client, libpq: Record<string, string>, folder: string, tables: string[]) {
  await client.query('drop schema if exists copied cascade; create schema copied')
  for (const name of tables)
    await client.query(`create table copied."${name}" (like movies."${name}" including defaults including generated)`)
  const startedAt = performance.now()
  await psql(
    libpq,
    tables.map(
      (name) => `\\copy copied."${name}" (${copies.get(name)}) from '${path.join(folder, name)}.csv' with (format csv)`,
    ),
  )
  for (const name of tables) {
    const { rows } = await client.query<{ definition: string; name: string }>(
      `select pg_get_indexdef(indexrelid) as definition, indexrelid::regclass::text as name from pg_index where indrelid = $1::regclass`,
      [`movies.${name}`],
    )
    for (const { definition } of rows)
      await client.query(definition.replace(/INDEX \S+ ON (ONLY )?movies\./, 'INDEX ON copied.'))
    await client.query(`analyze copied."${name}"`)
  }
  const seconds = (performance.now() - startedAt) / 1000
  await client.query('drop schema copied cascade')
  return seconds
}

const psql = (libpq: Record<string, string>, commands: string[]) =>
  ran('psql', ['-q', '-v', 'ON_ERROR_STOP=1', ...commands.flatMap((command) => ['-c', command])], libpq)
