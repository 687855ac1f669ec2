import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { z } from 'zod'

// biome-ignore-start lint/suspicious/noExplicitAny: each report knows its own subject's tables; the engine asks none of them

/** A query that yields rows of this shape. */
export type Rows<Row> = SelectQueryBuilder<any, any, Row>

/**
 * A report is one file whose default export says everything about it: what it answers, which parameters it takes, the shape
 * of its rows, and the query. Its place is its URL, and from this one definition come validation, JSON, CSV, NDJSON, Parquet, the
 * OpenAPI entry and its documentation.
 */
export interface Report<DB = any, Params extends z.ZodRawShape = any, Row extends z.ZodRawShape = any> {
  summary: string
  /** What a reader must know to use the figures, in Markdown. */
  description: string
  /** Raised when the same load would now give another answer, so that no cache keeps the old one. */
  version: number
  /** Its own parameters; those of every report (sort, fields, limit …) are added to them. */
  params: z.ZodObject<Params>
  /** Columns, in order, each made by `column`. */
  row: z.ZodObject<Row>
  /** Columns that together tell one row from all others; they break every tie. */
  key: (keyof Row & string)[]
  /** Order when none is asked for, in the notation of `sort`. */
  defaultSort: string
  /** Parameter values of the example in the documentation. */
  example: Record<string, string>
  /**
   * All rows, unordered and unlimited; the engine adds order, page and columns, and runs it. Numbers that are handed on as they are, as parameters
   * of the statement, spare the server writing it for each of them.
   */
  query(db: ReadonlyKysely<DB>, scope: Scope, params: z.output<z.ZodObject<Params>>): Rows<z.output<z.ZodObject<Row>>>
  /**
   * What `meta` tells beside the rows: queries of one row each, whose columns are added to it by name. `excluded` counts what the
   * rows of all pages leave out, by reason. The rows that show are to be read from `page`, their key at least.
   */
  meta?(db: ReadonlyKysely<DB>, scope: Scope, params: z.output<z.ZodObject<Params>>): Rows<Record<string, unknown>>[]
  /** Shapes of these columns. */
  metaShape?: z.ZodRawShape
  /** What each parameter allows but not all of them together: the one that is too many, and the rest of a sentence. */
  contradiction?(params: z.output<z.ZodObject<Params>>): { parameter: string; detail: string } | undefined
  /** Why the parameters cannot be answered from this load, if only it can tell: rows of the parameter and the rest of a sentence. */
  refused?(
    db: ReadonlyKysely<DB>,
    scope: Scope,
    params: z.output<z.ZodObject<Params>>,
  ): Rows<{ parameter: string; detail: string }> | undefined
  /** What the rows rest on and the load has nothing of, as one row; none when it lacks nothing. `meta` and `explain` tell it. */
  lacking?(
    db: ReadonlyKysely<DB>,
    scope: Scope,
    params: z.output<z.ZodObject<Params>>,
  ): Rows<{ lacking: string[] }> | undefined
  /** Which films of the load the rows are made of; without it, `explain` tells of none. */
  counted?(db: ReadonlyKysely<DB>, scope: Scope, params: z.output<z.ZodObject<Params>>): Counted
  /**
   * With these parameters, the most decimals that numbers have, by column: 0 where they are whole, undefined where there may be any number
   * of them. Columns that are not named have those of their kind.
   */
  decimals?(params: z.output<z.ZodObject<Params>>): Record<string, number | undefined>
  /** The table that the figures of its rows are added up from, where there is a choice. */
  addedUpFrom?(scope: Scope, params: z.output<z.ZodObject<Params>>): string
  /**
   * Columns of the key by which PostgreSQL can pick rows before it computes them, as it can by what its query groups by; none where
   * rows are read and not computed.
   */
  pickedBy?(scope: Scope, params: z.output<z.ZodObject<Params>>): string[] | undefined
  /** How its rows in two loads are compared; without it every column but the key counts, and nothing explains a row. */
  compared?: Compared
}

/** Shape of what `lacking` tells. */
export const lackingShape = {
  lacking: z
    .array(z.string())
    .optional()
    .describe(
      'What the report rests on and the load has nothing of: `crew`, `cast`, `keywords`, `ratings`, `content_ratings`; empty rows are unknown then, and not none. Absent when it lacks nothing',
    ),
}

/** The films of a load, and why some are in no row of a report. */
export interface Counted {
  /** What a film may be left out by, in the order of telling. */
  reasons: string[]
  /** Measures that may be unknown of a film. */
  coverage: string[]
  /**
   * One row for each film of the load: `reason`, the first one that leaves it out, or null if it is behind a row (of whatever page);
   * `source_load_id` and `source_file_no`, where it was read; and of each measure in `coverage`, by its name, whether it is known.
   */
  films: Rows<unknown>
}

/** What the report of changes must know of a report whose rows it compares. Columns of the key are never null. */
export interface Compared {
  /** Columns that name a row beside its key: `company`. They may be another one in each load, which is a change. */
  names: string[]
  /** Columns that say the key in other words: `period`. */
  aliases?: string[]
  /** Measures that are sums over what a row is made of: of these, differences and effects are told. */
  additive(params: Record<string, unknown>): string[]
  /** Columns that tell where a row was read: they show, but are no change. */
  provenance?: string[]
  /** Parameters that choose rows and not what is in them: a row shows if it passes in either load. */
  choosesRows: string[]
  /**
   * All rows, as these parameters have them, also those that they hide (or that are hidden by default); by default the report's query
   * without them. For reports whose rows are numbered by a parameter that hides some.
   */
  rows?(db: ReadonlyKysely<any>, scope: Scope, params: any): Rows<unknown>
  /** What `meta` tells of either load, as that of the report does. */
  meta?(db: ReadonlyKysely<any>, scope: Scope, params: any): Rows<Record<string, unknown>>[]
  /** What `meta` tells of rows that show, by their keys as text: of a load that has them. */
  metaOfRows?(db: ReadonlyKysely<any>, scope: Scope, params: any, keys: string[][]): Rows<Record<string, unknown>>[]
  /** What rows are made of; absent where a row is a thing itself. */
  parts?: Parts
  /** Where a row is a thing itself: what else is compared and told of it. */
  itself?: Facts & {
    /** Ids of things, as a column by its name, that are linked to others than before, which no column of the report shows. */
    relinked(before: Scope, after: Scope): RawBuilder<unknown>
  }
}

/** What is known of things beside the figures of rows. */
export interface Facts {
  /** `film`: known by `film_id`, listed as `films`. */
  of: string
  /** Everything of the load: its id, `title`, and all facts that are compared, whose text is equal when they are. */
  facts(db: ReadonlyKysely<any>, scope: Scope): Rows<unknown>
  /** Names of the facts, in the order of telling; `title` is one of them. */
  told: string[]
}

/** The things that a row adds up: films. */
export interface Parts extends Facts {
  /**
   * One row for each thing in each row of the report: the report's key, the thing's id, and one column for each measure, by its
   * name. Of an additive measure it holds what the thing gives to it (null: nothing), of any other whatever decides what it
   * gives: as long as that is the same, the thing does not move the measure. Parameters that choose rows are left out: a thing is in
   * each row that the load has without them.
   */
  query(db: ReadonlyKysely<any>, scope: Scope, params: any): Rows<unknown>
  /** Measures that are no sums, but whose columns in `query` are amounts: things that differ most in them come first. */
  amounts(params: Record<string, unknown>): string[]
  /** Measures that other rows move, too, so that the things of the row are no whole explanation: a rank. */
  elsewhere?: string[]
  /** Facts that are told only where a measure that counts rests on them; any other may move a thing from row to row. */
  figures(params: Record<string, unknown>): string[]
  /** Of these, the ones that each measure rests on. */
  restsOn(params: Record<string, unknown>): Record<string, string[]>
}

// biome-ignore-end lint/suspicious/noExplicitAny: see above

/** Whose rows a report reads: exactly one load's, so no answer can mix two. */
export interface Scope {
  loadId: number
  /** The same, written into the statement: only then can a plan be kept that knows its partitions alone. */
  load: RawBuilder<number>
  /** The rollups that may be read in place of facts, by the names of their tables: those that the load has. */
  rollups: string[]
  /** By family, the load that read what this one has of it: its heavy facts are there. None of what it has nothing of. */
  readBy: Record<string, number>
  /** Of an append-only subject: the loads whose rows readers see, as a text of int4multirange. */
  shows: string
}

/** The table of a fact that has a load's rows and no others: a partition of the fact's own, which the load made. */
export const tableOfLoad = (fact: string, loadId: number): string => `${fact}_${loadId}`

export const scopeOf = (
  loadId: number,
  {
    rollups = [],
    readBy = {},
    shows,
  }: { rollups?: string[]; readBy?: Record<string, number>; shows?: string | null } = {},
): Scope => ({
  loadId,
  load: sql.lit(loadId) as RawBuilder<number>,
  rollups,
  readBy,
  shows: shows ?? `{[${loadId},${loadId}]}`,
})

/** Column `read_by` of loads. */
export const readBy = sql<Record<string, number>>`(
  select coalesce(jsonb_object_agg(family, source_load_id), '{}') from reelhouse.load_family where load_family.load_id = load.load_id)`

/** Gives a report its types; it is the definition itself. */
export const report = <DB, Params extends z.ZodRawShape, Row extends z.ZodRawShape>(
  definition: Report<DB, Params, Row>,
): Report<DB, Params, Row> => definition

/** How PostgreSQL compares a column: order and cursors cast to it. */
export type SqlType = 'bigint' | 'integer' | 'numeric' | 'text' | 'date' | 'timestamptz' | 'boolean' | 'text[]'

export interface ColumnFacts {
  description: string
  unit?: string
  sql: SqlType
  /** The most decimals that a number has, whatever is asked for; without it there may be any number of them. */
  decimals?: number
  [key: string]: unknown
}

const described = <T extends z.ZodType>(
  type: T,
  sql: SqlType,
  description: string,
  unit?: string,
  decimals?: number,
): T =>
  type.meta({
    description,
    sql,
    ...(unit === undefined ? {} : { unit }),
    ...(decimals === undefined ? {} : { decimals }),
  } satisfies ColumnFacts)

/** The kinds of column there are. Their description and unit are shown to users. */
export const column = {
  id: (description: string) => described(z.int(), 'bigint', description),
  text: (description: string) => described(z.string(), 'text', description),
  optionalText: (description: string) => described(z.string().nullable(), 'text', description),
  optionalId: (description: string) => described(z.int().nullable(), 'bigint', description),
  year: (description: string) => described(z.int().nullable(), 'integer', description, 'year'),
  yes: (description: string) => described(z.boolean(), 'boolean', description),
  date: (description: string) => described(z.iso.date().nullable(), 'date', description, 'date'),
  instant: (description: string) => described(z.iso.datetime(), 'timestamptz', description),
  optionalInstant: (description: string) => described(z.iso.datetime().nullable(), 'timestamptz', description),
  count: (description: string, unit = 'films') => described(z.int(), 'bigint', description, unit),
  /** A count that sharing out makes a fraction. */
  share: (description: string, unit = 'films') => described(z.number(), 'numeric', description, unit, 6),
  optionalCount: (description: string, unit: string) => described(z.int().nullable(), 'bigint', description, unit),
  money: (description: string) => described(z.number().nullable(), 'numeric', description, 'US dollars', 2),
  number: (description: string, unit?: string) => described(z.number().nullable(), 'numeric', description, unit),
  texts: (description: string) => described(z.array(z.string()), 'text[]', description),
}

/** What `column` was told of a column. */
export const factsOf = (type: z.ZodType): ColumnFacts => type.meta() as ColumnFacts
