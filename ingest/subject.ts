import type { RawBuilder, Transaction } from 'kysely'
import type { z } from 'zod'
import type { Check } from './checks.ts'
import type { Stager, StageTables } from './stage.ts'

/**
 * A subject is a body of data with its own sources, tables and reports. This is all that the engine asks of one: a folder
 * `ingest/<name>/` whose `subject.ts` exports it by default is found and served, and nothing else is edited.
 */
export interface Subject<Row = unknown> {
  /** Folder name, PostgreSQL schema and URL segment: `movies`. */
  name: string
  /** Raised when the same file would now give other rows, so that it is no longer `unchanged`. */
  ingestVersion: number
  formats: Format<Row>[]
  /** Fact tables, partitioned by load, each after the facts that it references. */
  facts: string[]
  /** Plain tables with a `load_id`. */
  dimensions: string[]
  /** Temporary tables that a load fills first: name → column → PostgreSQL type. */
  stageTables: StageTables
  /** Puts one sound record into the staging tables; `record` counts all records of the load in the order they were read. */
  stage(stager: Stager, row: Row, at: { record: number; line: number; fileNo: number; digest: string }): void
  /** Fills the dimensions and the new partitions from the staging tables, wholly inside one transaction. */
  merge(trx: Transaction<unknown>, scope: MergeScope): Promise<MergeResult>
  checks: Check[]
  /** Writes synthetic files of the real shape into a folder; tells what it wrote. */
  generate?(options: { out: string; films: number; seed: number }): Promise<object>
  /** When its source has something new, as a cron line; the default of `<SUBJECT>_SCHEDULE`. */
  schedule?: string
  /** What an empty warehouse starts with: a real file that comes with the program. */
  sample?: { format: string; path: () => string; fileDate: string }
}

export interface MergeScope {
  loadId: number
  /** Where this load's rows of a table go: its own partition of a fact, or the dimension itself. */
  table(name: string): RawBuilder<unknown>
  format: Format
  /** The date of the newest source file, `YYYY-MM-DD`: nothing can truthfully be dated after it. */
  fileDate: string
  /** Mode `merge`: the snapshot that the new one takes over whatever it does not have itself. */
  base: { loadId: number; fileDate: string } | null
  /** The load whose files the lines are of: this one, or the one whose rejected records are replayed. */
  sourceLoadId: number
}

export interface MergeResult {
  /** Rows by table. */
  rowCounts: Record<string, number>
  /** The latest date that the data covers, or null. */
  dataThrough: string | null
}

/** A shape of file that a subject understands. */
export interface Format<Row = unknown> {
  name: string
  summary: string
  /** Where ids come from; loads of different id spaces can replace but never merge with one another. */
  idSpace: string
  /** What tells one record from another: the source's own id, or a key for which the registry has an id. */
  identifiedBy: 'id' | 'key'
  files: FileFormat<Row>[]
}

export interface FileFormat<Row = unknown> {
  /** What the file holds: `films`, `ratings`. */
  family: string
  fileName: string
  required: boolean
  read: 'csv' | 'json'
  /** Columns without which the file is of no use: the header must have them. Records of JSON may leave out any key. */
  columns: string[]
  /** Columns that are read where they stand, and unknown where they do not: dumps gain and lose them. */
  optional: string[]
  /** Columns that tell its header from those of like formats. A file that goes by its name may lack them. */
  telling: string[]
  /** Columns whose bad cell costs the record; a bad cell elsewhere costs only itself. */
  identity: string[]
  /** Cells (text, or JSON values; blank is null) → row. Issues carry `params.code`. */
  record: z.ZodType<Row, Record<string, unknown>>
}
