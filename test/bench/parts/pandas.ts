import path from 'node:path'
import type pg from 'pg'
import { ran } from '../programs.ts'
import type { Measure } from '../rounds.ts'

/** Not compiled, so it lies beside the source. */
const SCRIPT = path.join(import.meta.dirname, '../../../../test/bench/pandas_way.py')

/** How long pandas and to_sql take over a file of films, in seconds. @returns undefined where the python3 on PATH lacks what they need */
export async function findPandas(
  client: pg.Client,
  libpq: Record<string, string>,
  file: string,
): Promise<Measure | undefined> {
  const there = await ran('python3', ['-c', 'import pandas, sqlalchemy, psycopg']).catch(() => undefined)
  if (!there) return undefined
  return async () => {
    const { seconds } = await ran('python3', [SCRIPT, file, 'usual'], libpq)
    await client.query('drop schema usual cascade')
    return seconds
  }
}
