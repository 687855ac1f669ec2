import { mkdir, rename } from 'node:fs/promises'
import path from 'node:path'
import { ran } from '../programs.ts'
import { inTurn } from '../rounds.ts'
import { type Setting, show } from '../setting.ts'

/** A file of ratings, merged into the films that are there, against PostgreSQL's own way of reading it. */
export async function ratings({ asked, client, warehouse, folder, reelhouse, row, tell }: Setting): Promise<void> {
  const made = path.join(folder, 'rated')
  const size = ['--films', String(asked.films), '--ratings', String(asked.ratings)]
  await reelhouse('generate', 'movies', '--out', made, ...size)
  const source = path.join(folder, 'ratings')
  await mkdir(source)
  for (const name of ['links.csv', 'ratings.csv']) await rename(path.join(made, name), path.join(source, name))
  let peak = 0
  const merge = async () => {
    const one = await reelhouse('load', 'movies', '--source', source, '--mode', 'merge', '--force')
    peak = Math.max(peak, one.peak)
    return one.seconds
  }
  const copy = async () => {
    await client.query('drop schema if exists copied cascade; create schema copied')
    await client.query(
      'create table copied.rating (user_id integer, movielens_id integer, rating numeric(2, 1), rated_at bigint)',
    )
    const startedAt = performance.now()
    const from = `\\copy copied.rating from '${path.join(source, 'ratings.csv')}' with (format csv, header)`
    await ran('psql', ['-q', '-v', 'ON_ERROR_STOP=1', '-c', from], warehouse.libpq)
    await client.query('alter table copied.rating add primary key (movielens_id, user_id)')
    const seconds = (performance.now() - startedAt) / 1000
    await client.query('drop schema copied cascade')
    return seconds
  }
  const compared = await inTurn(merge, copy, asked.ratings > 5_000_000 ? 1 : 3)
  tell(
    `${asked.ratings.toLocaleString('en')} ratings, merged into the films, whose snapshot is made anew`,
    compared,
    '\\copy and its primary key',
    's',
    '≤ 2',
  )
  row('· memory of the load', `${show(peak)} MB`, '', '', '≤ 300 MB')
}
