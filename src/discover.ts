import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

/** The parent of `src`, `ingest`, `queries` and `migrations`: this code's, compiled or not. */
const codeFolder = path.join(import.meta.dirname, '..')

/** The program's own folder, where package.json lies; compiled code lies in a folder below it. */
export const programFolder = existsSync(path.join(codeFolder, 'package.json'))
  ? codeFolder
  : path.join(codeFolder, '..')

export interface Discovered<Module> {
  /** Path below the folder, without extension, with `/`: `movies/company-years`. */
  name: string
  module: Module
}

/**
 * Imports every module below one of the program's folders, in the order of their names. This is the registry: a new file is
 * found, and there is no list to forget it in.
 * @param wanted which paths (without extension) to import
 */
export async function discover<Module>(
  folder: string,
  wanted: (name: string) => boolean,
): Promise<Discovered<Module>[]> {
  const root = path.join(codeFolder, folder)
  const files = await readdir(root, { recursive: true })
  const names = files
    .filter((file) => /(?<!\.d)\.[jt]s$/.test(file))
    .map((file) => ({ file, name: file.slice(0, -3).split(path.sep).join('/') }))
    .filter(({ name }) => wanted(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return Promise.all(
    names.map(async ({ file, name }) => ({
      name,
      module: (await import(pathToFileURL(path.join(root, file)).href)) as Module,
    })),
  )
}
