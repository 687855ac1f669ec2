import { createHash } from 'node:crypto'
import type { Heard } from './mix.ts'

/**
 * What a server has said of each load, held against itself: a path has one answer a load, and loads of the same files have the same
 * figures. A header alone could not tell an answer that is of one load and labelled as another.
 */
export class Said {
  /** By load, then path. */
  readonly #said = new Map<string, Map<string, { digest: string; bytes: number }>>()
  /** Answers that differ from an earlier one of the same load and path. */
  differing = 0

  hear({ path, version, text, bytes = 0 }: Heard): void {
    const digest = createHash('sha1').update(figuresOf(text)).digest('base64')
    const ofLoad = this.#said.get(version) ?? new Map()
    this.#said.set(version, ofLoad)
    const before = ofLoad.get(path)
    if (!before) ofLoad.set(path, { digest, bytes })
    else if (before.digest !== digest) this.differing += 1
  }

  /**
   * Paths whose figures differ between two loads of the same files, and how many were comparable.
   * @param filesOf which files a load was made of
   */
  between(filesOf: (version: string) => string): { compared: number; differing: string[] } {
    const first = new Map<string, string>()
    const differing: string[] = []
    let compared = 0
    for (const [version, ofLoad] of this.#said)
      for (const [path, { digest }] of ofLoad) {
        const key = `${filesOf(version)} ${path}`
        const before = first.get(key)
        if (before === undefined) first.set(key, digest)
        else compared += 1
        if (before !== undefined && before !== digest) differing.push(`${version} ${path}`)
      }
    return { compared, differing }
  }

  /** Pages that were told of the load: at most these are kept in the server's memory, and so many bytes. */
  pagesOf(version: string): { pages: number; bytes: number } {
    const pages = [...(this.#said.get(version)?.values() ?? [])].filter(({ bytes }) => bytes > 0)
    return { pages: pages.length, bytes: pages.reduce((sum, { bytes }) => sum + bytes, 0) }
  }
}

/** An answer without the numbers of loads, which differ between loads of the same files. */
function figuresOf(text: string): string {
  if (!text.startsWith('{')) return text
  const { data, meta } = JSON.parse(text)
  return JSON.stringify([data, { ...meta, load: null, next: null }], (key, value) =>
    key === 'load_id' || key === 'source_load_id' ? undefined : value,
  )
}
