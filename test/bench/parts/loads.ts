import path from 'node:path'
import { inTurn } from '../rounds.ts'
import { type Setting, show } from '../setting.ts'
import { copyRows, splitRows } from './copied.ts'
import { findPandas } from './pandas.ts'

/** A whole load, checks and rollups included, against the least that a load could take. */
export async function loads({
  asked,
  client,
  warehouse,
  folder,
  source,
  loaded,
  load,
  row,
  tell,
}: Setting): Promise<void> {
  const split = path.join(folder, 'split')
  const tables = await splitRows(client, warehouse.libpq, split, loaded.id)
  let last = loaded
  let peak = loaded.peak
  const again = async () => {
    last = await load()
    peak = Math.max(peak, last.peak)
    return last.seconds
  }
  const compared = await inTurn(
    again,
    () => copyRows(client, warehouse.libpq, split, tables),
    asked.films > 100_000 ? 1 : 3,
  )
  tell('whole load, checks and rollups included', compared, '\\copy of the rows, split already', 's', '≤ 2')
  const pandas = await findPandas(client, warehouse.libpq, path.join(source, 'movies_metadata.csv'))
  const faster = pandas && (await inTurn(pandas, again))
  if (faster) tell('· pandas and to_sql, keys and indexes, no rollups', faster, 'the whole load', 's', '≥ 3')
  else row('· pandas and to_sql', 'the python3 here has no pandas, SQLAlchemy and psycopg', '', '', '≥ 3')
  const stages = Object.entries(last.timings).map(([stage, ms]) => `${stage} ${ms}`)
  row('· its stages', `${stages.join(', ')} ms`, '', '', '')
  row('· memory of the load', `${show(peak)} MB`, '', '', '≤ 300 MB')
  const { rows } = await client.query<{ mb: number; loads: string }>(`
    select pg_database_size(current_database()) / 2 ^ 20 as mb,
           (select count(*) from reelhouse.load where state <> 'dropped') as loads`)
  row('· disk', `${show(Number(rows[0]?.mb))} MB for ${rows[0]?.loads} loads`, '', '', '')
}
