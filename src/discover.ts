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
  return Promise.all(
    (await modulesBelow(folder))
      .filter(({ name }) => wanted(name))
      .map(async ({ file, name }) => ({ name, module: (await import(pathToFileURL(file).href)) as Module })),
  )
}

/** The modules below one of the program's folders, not imported, in the order of their names. */
export async function modulesBelow(folder: string): Promise<{ name: string; file: string }[]> {
  const root = path.join(codeFolder, folder)
  return (await readdir(root, { recursive: true }))
    .filter((file) => /(?<!\.d)\.[jt]s$/.test(file))
    .map((file) => ({ name: file.slice(0, -3).split(path.sep).join('/'), file: path.join(root, file) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
