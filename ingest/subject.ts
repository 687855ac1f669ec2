import type { RawBuilder, Transaction } from 'kysely'
import type { z } from 'zod'
import type { AppendOnly } from './append.ts'
import type { Check } from './checks.ts'
import type { Stager, StageTables } from './stage.ts'

/**
 * A subject is a body of data with its own sources, tables and reports. This is all that the engine asks of one: a folder
 * `ingest/<name>/` whose `subject.ts` exports it by default is found and served, and nothing else is edited.
 */
export interface Subject {
  /** Folder name, PostgreSQL schema and URL segment: `movies`. */
  name: string
  /** Raised when the same file would now give other rows, so that it is no longer `unchanged`. */
  ingestVersion: number
  formats: Format[]
  /** What its files hold, the family on which all others rest first: its files date a load. */
  families: Family[]
  /** Fills the dimensions and the new partitions from the staging tables, wholly inside one transaction. */
  merge(trx: Transaction<unknown>, scope: MergeScope): Promise<MergeResult>
  checks: Check[]
  /**
   * Facts that are made of the others, for those who ask for very many rows at once; and the columns of each by which its rows are chosen
   * or gathered. The planner is told of no others: it would take as long as all their indexes.
   */
  rollups: Record<string, string[]>
  /** Fills them, once the others are attached. */
  rollUp(trx: Transaction<unknown>, scope: Pick<MergeScope, 'loadId' | 'table'>): Promise<void>
  generate?: Generator
  /**
   * Its loads add to one another and are not each the whole: all its tables are plain ones, `RETAIN_LOADS` does not apply, and a source is
   * asked for what it has beyond what was read.
   */
  appendOnly?: AppendOnly
  /** When its source has something new, as a cron line; the default of `<SUBJECT>_SCHEDULE`. */
  schedule?: string
  /** What an empty warehouse starts with: a real file that comes with the program. */
  sample?: { format: string; path: () => string; fileDate: string }
}

/** What a load is to be to what readers see, where nobody says. */
export const usualMode = ({ appendOnly }: Subject): 'replace' | 'merge' => (appendOnly ? 'merge' : 'replace')

/** Makes synthetic files of the real shape. */
export interface Generator {
  /** What there can be more or less of, by name: `films`; each is an option of the command. */
  sizes: Record<string, Size>
  /**
   * Writes into a folder, which is made if need be. The same numbers give the same bytes.
   * @param options.sizes by name; one that nobody asked for and that has no default is left out
   * @returns what it wrote
   */
  write(options: { out: string; seed: number; sizes: Record<string, number | undefined> }): Promise<object>
}

export interface Size {
  /** What it is a number of, for whoever chooses it. */
  of: string
  most: number
  default?: number
  /** Enough of them to try everything on. */
  few: number
}

/**
 * A kind of file, and the tables that it fills: films, credits, ratings. What a load does not bring of a family is taken over from the
 * published load, so a monthly file of films alone does not lose what is known of them otherwise.
 */
export interface Family<Row = unknown> {
  name: string
  /** Fact tables, partitioned by load, each after the facts that it references. */
  facts: string[]
  /** Facts too large to be copied from load to load: only loads that read the family have partitions of them, others refer to those. */
  heavyFacts: string[]
  /** Plain tables with a `load_id`. */
  dimensions: string[]
  /** Temporary tables that a load fills first: name → column → PostgreSQL type. */
  stageTables: StageTables
  /** Whether its rows mean the same whatever the ids of films mean. */
  anyIdSpace: boolean
  /** Puts one sound record into the staging tables. */
  stage(stager: Stager, row: Row, at: RecordPlace): void
  /**
   * Where records without a film are kept with their text: whether that of entry `waiting` of `reelhouse.reject` is among what was
   * staged, and neither in the published load nor told of by a record that was staged. Entries of one film have one reason.
   */
  hasCome?(baseId: number): RawBuilder<boolean>
}

/** Where a record was read. */
export interface RecordPlace {
  /** Its number among all records of the load, in the order they were read; below 0 it waited in the ledger for its film. */
  record: number
  line: number
  /** 0: of none of the load's files. */
  fileNo: number
  /** Tells whether two records are the same to the letter. */
  digest: string
  raw: string
  /** Columns whose cell could not be read, and counts as blank. */
  unreadable: string[]
}

export const factsOf = (families: Family[]) => families.flatMap(({ facts, heavyFacts }) => [...facts, ...heavyFacts])

export interface MergeScope {
  loadId: number
  /** Where this load's rows of a table go: its own partition of a fact, or the dimension itself. */
  table(name: string): RawBuilder<unknown>
  format: Format
  /** The date of the newest source file, `YYYY-MM-DD`: nothing can truthfully be dated after it. */
  fileDate: string
  /** How the load comes by what it has of a family. */
  part(family: Family): FamilyPart
  /** Of an append-only subject: the loads whose rows it adds to, as a text of int4multirange. */
  shown: string
  /** The load whose files the lines are of: this one, or the one whose rejected records are replayed. */
  sourceLoadId: number
}

export interface FamilyPart {
  /** Whether the source has files of it. */
  read: boolean
  /** The published load, where rows of it are taken over: those that what was read does not replace. */
  base: { loadId: number; fileDate: string } | null
  /** The load that read what `base` has of it: its heavy facts are there. */
  readBy: number | null
}

export interface MergeResult {
  /** Rows by table. */
  rowCounts: Record<string, number>
  /** The latest date that the data covers, or null. */
  dataThrough: string | null
  /** What the load should say besides. */
  notes: string[]
}

/** A shape of file that a subject understands. */
export interface Format {
  name: string
  summary: string
  /** Where ids come from; loads of different id spaces can replace but never merge with one another. Null: it has no ids of the kind, so
   * it can only be merged, into whatever is published. */
  idSpace: string | null
  /** What tells one record from another: the source's own id, or a key for which the registry has an id. */
  identifiedBy: 'id' | 'key'
  files: FileFormat[]
}

export interface FileFormat<Row = unknown> {
  /** What the file holds. */
  family: Family<Row>
  fileName: string
  /** Lesser files of the same kind, taken where there is none of that name. */
  otherNames?: string[]
  required: boolean
  /** How it is written: CSV under a header, one JSON array of objects, or a JSON object on each line. */
  read: 'csv' | 'json' | 'json-lines'
  /** There are as many files of the kind as one likes, in whatever folders: all whose names, without their folder, are such. */
  every?: RegExp
  /** Columns without which the file is of no use: the header must have them. Records of JSON may leave out any key. */
  columns: string[]
  /** Columns that are read where they stand, and unknown where they do not: dumps gain and lose them. */
  optional: string[]
  /** Columns that tell its header from those of like formats. A file that goes by its name may lack them. */
  telling: string[]
  /** Where the names of columns differ from file to file: whether these are such. All are read, and every file that fits. */
  fits?(columns: string[]): boolean
  /** Columns whose bad cell costs the record; a bad cell elsewhere costs only itself. */
  identity: string[]
  /**
   * Cells (text, or JSON values; blank is null) → row. Issues carry `params.code`; those of one member of a list also `params.rest`, the
   * cell without it.
   */
  record: z.ZodType<Row, Record<string, unknown>>
  /** Facts of another family that this file fills along with its own; they go with its records. */
  brings?: string[]
  bulk?: Bulk<Row>
}

/** How a file too large to be staged goes into its fact at once; `read-bulk.ts` says how. One line of it is one record. */
export interface Bulk<Row> {
  /** A heavy fact of the family. */
  fact: string
  /** Column of the file → column of the fact, and the regular expression of a cell that can go there as it is. */
  cells: Record<string, { column: string; clean: string }>
  /** A sound record's cells, in the order of `cells`. */
  copied(row: Row): (string | number)[]
}
