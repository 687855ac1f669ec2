import type pg from 'pg'
import { wholeCell } from '../movies/exact.ts'
import { Oracle, type Params, REPORTS, type ReportName } from '../movies/oracle.ts'
import type { FilmRecord, Row } from '../movies/oracle-figures.ts'
import { FILE_DATE, FILE_NAME, type StormFile } from './films.ts'

/** A film in a snapshot: its record, and the load whose line that is. */
interface Held {
  record: FilmRecord
  from: number
}

interface Task {
  source: string
  mode: string
  base: number | null
  replay_of: number | null
  mended: { line: number }[] | null
}

export interface Asked {
  report: ReportName
  params: Params
  sort?: string
  fields?: string[]
}

/**
 * What each load must say, worked out from its files by the oracle. Of the ledger only the task is believed: what was to be loaded
 * into what.
 */
export class Truth {
  readonly #db: pg.Pool
  readonly #files: Map<string, StormFile>
  readonly #holdings = new Map<number, Promise<Map<number, Held>>>()
  readonly #rows = new Map<string, Promise<Row[]>>()

  constructor(db: pg.Pool, files: StormFile[]) {
    this.#db = db
    this.#files = new Map(files.map((file) => [file.source, file]))
  }

  /** All rows of a report. */
  rows(loadId: number, { report, params, sort, fields }: Asked): Promise<Row[]> {
    return once(this.#rows, JSON.stringify([loadId, report, params, sort, fields]), async () => {
      const held = await this.films(loadId)
      const records = [...held.values()].map(({ record }) => record)
      const oracle = new Oracle(records, { fileName: FILE_NAME, fileDate: FILE_DATE, loadId })
      const rows = oracle.rows(report, params, sort)
      if (report === 'films')
        for (const row of rows) {
          const film = held.get(Number((row.film_id as string).slice(1)))
          row.source_load_id = wholeCell((film as Held).from)
        }
      const columns = fields ?? REPORTS[report].columns
      return rows.map((row) => Object.fromEntries(columns.map((column) => [column, row[column] as Row[string]])))
    })
  }

  /** The films of a snapshot. */
  films(loadId: number): Promise<Map<number, Held>> {
    return once(this.#holdings, loadId, async () => {
      const { rows } = await this.#db.query<Task>(
        'select source, mode, previous_load_id as base, replay_of, mended from reelhouse.load where load_id = $1',
        [loadId],
      )
      const [task] = rows
      const file = task && this.#files.get(task.source)
      if (!task || !file) throw new Error(`load ${loadId} is none that was asked for`)
      const held = new Map(task.mode === 'merge' ? await this.films(task.base as number) : [])
      if (task.replay_of === null) for (const record of file.records) held.set(record.id, { record, from: loadId })
      else
        for (const { film } of file.rejected) {
          if (!task.mended?.some(({ line }) => line === film.line)) continue
          const there = held.get(film.id)
          const isLater =
            there && (there.from > task.replay_of || (there.from === task.replay_of && there.record.line > film.line))
          if (!isLater) held.set(film.id, { record: film, from: task.replay_of })
        }
      return held
    })
  }
}

function once<Key, T>(known: Map<Key, Promise<T>>, key: Key, make: () => Promise<T>): Promise<T> {
  const found = known.get(key) ?? make()
  known.set(key, found)
  return found
}
