import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'

/** Folder of what one load downloads. */
export const downloadsOf = (folder: string, loadId: number): string => path.join(folder, `load-${loadId}`)

/** Removes what loads have left behind that were killed: the folders of those that are neither queued nor running. */
export async function sweepDownloads(db: Kysely<unknown>, folder: string): Promise<void> {
  // The folders first: the load of any that is there by now is in the ledger already.
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const running = await sql<{ load_id: number }>`
    select load_id from reelhouse.load where state in ('queued', 'running')`.execute(db)
  const living = new Set(running.rows.map(({ load_id }) => path.basename(downloadsOf(folder, load_id))))
  for (const each of found)
    if (/^load-\d+$/.test(each) && !living.has(each))
      await rm(path.join(folder, each), { recursive: true, force: true })
}
