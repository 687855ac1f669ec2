import { mkdir, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import type { House } from '../build.ts'

/** Folders of several files, and tables as they are; for what no report shows yet. */

/** Writes a folder of files, each as old as it is said to be, and returns its path. */
export async function folderOf(
  house: House,
  name: string,
  files: Record<string, string | Buffer>,
  date = '2017-07-26',
) {
  const folder = path.join(house.folder, name)
  await mkdir(folder, { recursive: true })
  for (const [file, content] of Object.entries(files)) {
    await writeFile(path.join(folder, file), content)
    await utimes(path.join(folder, file), new Date(date), new Date(date))
  }
  return folder
}

/** Rows of a table of a load, each as its cells in the order that is given, as text. */
export async function rowsOf(house: House, loadId: number, table: string, columns: string): Promise<string[]> {
  const { rows } = await sql<{ row: string }>`
    select concat_ws('|', ${sql.raw(columns)}) as row from ${sql.table(`movies.${table}`)}
    where load_id = ${loadId} order by ${sql.raw(columns)}`.execute(house.warehouse.writer)
  return rows.map(({ row }) => row)
}

/** What the load left out: line, code, severity and reason. */
export async function leftOut(house: House, loadId: number, severity = 'reject,duplicate,unmatched,warning') {
  const { rows } = await sql<{ row: string }>`
    select concat_ws(' ', file, line, code, severity || ':', reason) as row from reelhouse.reject
    where load_id = ${loadId} and severity = any(${severity.split(',')}) order by file, line, reject_id`.execute(
    house.warehouse.writer,
  )
  return rows.map(({ row }) => row)
}

export const LINKS =
  'movieId,imdbId,tmdbId\r\n10,0114709,1\r\n20,0113497,2\r\n21,0113497,2\r\n30,0000003,\r\n40,0000004,4\r\n'

/** `credits.csv`; the cells are Python. */
export const creditsCsv = (...records: [cast: string, crew: string, id: string][]) =>
  ['cast,crew,id', ...records.map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(','))].join(
    '\n',
  )

export const keywordsCsv = (...records: [id: string, keywords: string][]) =>
  ['id,keywords', ...records.map(([id, words]) => `${id},"${words.replaceAll('"', '""')}"`)].join('\n')

export const actor = (id: number, name: string, character: string, order = 0) =>
  `{'cast_id': 1, 'character': ${JSON.stringify(character)}, 'credit_id': '5', 'gender': 2, 'id': ${id}, 'name': ${JSON.stringify(name)}, 'order': ${order}, 'profile_path': None}`

export const worker = (id: number, name: string, job: string, department: string) =>
  `{'credit_id': '5', 'department': '${department}', 'gender': 0, 'id': ${id}, 'job': '${job}', 'name': ${JSON.stringify(name)}, 'profile_path': None}`
