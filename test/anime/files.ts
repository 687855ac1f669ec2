import { mkdir, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import type { LoadView } from '../../queries/loads.ts'
import type { House } from '../build.ts'

/** Files of the shapes that anime comes in, and tables as they are. */

const COLUMNS_2020 =
  'MAL_ID,Name,Score,Genres,English name,Japanese name,Type,Episodes,Aired,Premiered,Producers,Licensors,Studios,Source,Duration,Rating,Ranked,Popularity,Members,Favorites,Watching,Completed,On-Hold,Dropped,Plan to Watch,Score-10,Score-9,Score-8,Score-7,Score-6,Score-5,Score-4,Score-3,Score-2,Score-1'.split(
    ',',
  )

/** `anime.csv` of 2020; what a title does not say is `Unknown`. */
export const titlesCsv = (...titles: Record<string, string>[]) =>
  csv(
    COLUMNS_2020,
    titles.map((title, index) => {
      const told: Record<string, string> = { MAL_ID: String(index + 1), Name: `Title ${index + 1}`, ...title }
      return COLUMNS_2020.map((column) => told[column] ?? 'Unknown')
    }),
  )

export const titles2016 = (...rows: string[][]) =>
  csv(['anime_id', 'name', 'genre', 'type', 'episodes', 'rating', 'members'], rows)

export const listCsv = (...lines: string[]) =>
  ['user_id,anime_id,rating,watching_status,watched_episodes', ...lines].join('\n')

export function csv(columns: string[], rows: string[][]): string {
  const cell = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  return [columns, ...rows].map((row) => row.map(cell).join(',')).join('\n')
}

/** Loads a folder of these files, each as old as it is said to be. */
export async function loadFolder(
  house: House,
  name: string,
  files: Record<string, string | Buffer>,
  request: Parameters<House['load']>[1] = {},
): Promise<LoadView> {
  const folder = path.join(house.folder, name)
  await mkdir(folder, { recursive: true })
  for (const [file, content] of Object.entries(files)) {
    await writeFile(path.join(folder, file), content)
    await utimes(path.join(folder, file), new Date('2020-12-01'), new Date('2020-12-01'))
  }
  return await house.load(folder, { subject: 'anime', ...request })
}

/** Rows of a table of a load, each as its cells in the order that is given, as text. */
export async function rowsOf(house: House, loadId: number, table: string, columns: string): Promise<string[]> {
  const { rows } = await sql<{ row: string }>`
    select concat_ws('|', ${sql.raw(columns)}) as row from ${sql.table(`anime.${table}`)}
    where load_id = ${loadId} order by ${sql.raw(columns)}`.execute(house.warehouse.writer)
  return rows.map(({ row }) => row)
}

/** What the load left out: file, line, code, severity and reason. */
export async function leftOut(house: House, loadId: number, severity = 'reject,duplicate,unmatched,warning') {
  const { rows } = await sql<{ row: string }>`
    select concat_ws(' ', file, line, code, severity || ':', reason) as row from reelhouse.reject
    where load_id = ${loadId} and severity = any(${severity.split(',')}) order by file, line, reject_id`.execute(
    house.warehouse.writer,
  )
  return rows.map(({ row }) => row)
}

/** Rows of a report, each as its cells joined, of these columns. */
export async function shown(house: House, url: string, ...columns: string[]): Promise<string[]> {
  const { body } = await house.get(url)
  return (body.data as Record<string, unknown>[]).map((row) => columns.map((column) => row[column] ?? '-').join('|'))
}
