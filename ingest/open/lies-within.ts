import { realpath } from 'node:fs/promises'
import path from 'node:path'

/** Whether a place, its links followed already, is one of the folders or lies below one, their links followed. */
export async function liesWithin(place: string, folders: string[]): Promise<boolean> {
  for (const folder of folders) {
    const below = path.relative(await realpath(folder).catch(() => folder), place)
    if (below !== '..' && !below.startsWith(`..${path.sep}`) && !path.isAbsolute(below)) return true
  }
  return false
}
