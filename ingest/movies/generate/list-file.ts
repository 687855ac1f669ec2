import { csvLine, writeLines } from '../../generate/csv-file.ts'
import type { World } from './world.ts'

/** What a file of lists holds, one line a film: what a load must find. */
export interface ListSummary {
  path: string
  bytes: number
  records: number
  /** Records that count: the last of each film that the metadata has. */
  films: number
  /** Earlier records of a film that say the same as the last, and those that say less. */
  identical: number
  superseded: number
  /** Records of films that the metadata has not, or has only in halves. */
  absent: number
}

/**
 * Writes the films in their order, each with the cells that `make` gives it. Of what is repeated, every other record says more the
 * second time; that one counts.
 * @param make a film's cells and how it is counted, by its number; `more` says what a later record adds
 */
export async function writeLists(
  path: string,
  columns: string[],
  world: World,
  make: (film: number, more: boolean) => { cells: string[]; count: (by: 1 | -1) => void },
): Promise<ListSummary> {
  const summary: ListSummary = { path, bytes: 0, records: 0, films: 0, identical: 0, superseded: 0, absent: 0 }
  function* lines(): Generator<string> {
    yield csvLine(columns)
    for (const { film, again } of world.listed()) {
      summary.records++
      const more = again !== undefined && again % 2 === 1
      const { cells, count } = make(film, more)
      if (film >= world.films) summary.absent++
      else if (again === undefined) {
        summary.films++
        count(1)
      } else if (more) {
        summary.superseded++
        make(film, false).count(-1)
        count(1)
      } else summary.identical++
      yield csvLine(cells)
    }
  }
  summary.bytes = await writeLines(path, lines())
  return summary
}
