import { type RawBuilder, sql, type Transaction } from 'kysely'
import { isReplay } from '../keep-last.ts'
import type { Family, FamilyPart, MergeScope } from '../subject.ts'

/** A family of files about films, and how what was staged of it becomes rows. */
export interface MovieFamily<Row = unknown> extends Family<Row> {
  merge(merging: Merging): Promise<void>
}

/** A snapshot in the making: fills its tables from what was read, and from the published load where that is taken over. */
export class Merging {
  readonly trx: Transaction<unknown>
  readonly scope: MergeScope
  /** The load's number, as SQL. */
  readonly load: RawBuilder<number>
  readonly rowCounts: Record<string, number> = {}
  readonly notes: string[] = []
  readonly #films: Family

  constructor(trx: Transaction<unknown>, scope: MergeScope, films: Family) {
    this.trx = trx
    this.scope = scope
    this.load = sql.lit(scope.loadId) as RawBuilder<number>
    this.#films = films
  }

  /** Whether records that another load rejected, or had no film for, are read again. */
  get isReplay(): boolean {
    return isReplay(this.scope)
  }

  /** How the load comes by a fact: with its family, or with the films whose file brings it. */
  partOf(family: Family, fact: string): { part: FamilyPart; byFilms: boolean } {
    const films = this.scope.part(this.#films)
    const brings = (film: Family) =>
      this.scope.format.files.some((of) => of.family === film && of.brings?.includes(fact))
    if (family === this.#films || (films.read && brings(this.#films))) return { part: films, byFilms: true }
    return { part: this.scope.part(family), byFilms: false }
  }

  async fill(table: string, columns: string, rows: RawBuilder<unknown>): Promise<void> {
    const { numAffectedRows } = await sql`
      insert into ${this.scope.table(table)} (load_id, ${sql.raw(columns)}) ${rows}`.execute(this.trx)
    this.rowCounts[table] = (this.rowCounts[table] ?? 0) + Number(numAffectedRows)
  }

  /**
   * A fact of films: what was read, and what is taken over of films that were not read again but are in the load.
   * @param kept table of the records of the family that count, by film
   */
  async fillFact(
    family: Family,
    table: string,
    columns: string,
    rows: RawBuilder<unknown>,
    kept: string,
  ): Promise<void> {
    const { part, byFilms } = this.partOf(family, table)
    if (!part.base) return await this.fill(table, columns, rows)
    const replaced = sql.table(byFilms ? 'kept' : kept)
    const present = sql`and exists (select from ${this.scope.table('film')} present where present.film_id = before.film_id)`
    const carried = sql`
      select ${this.load}::integer, ${sql.raw(columns)} from ${sql.table(`movies.${table}`)} before
      where load_id = ${part.base.loadId}
        and not exists (select from ${replaced} replaced where replaced.film_id = before.film_id)
        ${table === 'film' ? sql`` : present}`
    await this.fill(table, columns, sql`${rows} union all ${carried}`)
  }

  /**
   * A dimension: what the file names, and what else is linked to by what was taken over, as the published load names it.
   * @param named rows of (load_id, id, name)
   * @param linked the ids that the load's facts use
   */
  async fillDimension(
    part: FamilyPart,
    table: string,
    id: string,
    named: RawBuilder<unknown>,
    linked: RawBuilder<unknown>,
  ): Promise<void> {
    const columns = `${id}, name`
    if (!part.base) return await this.fill(table, columns, named)
    const key = sql.ref(id)
    const before = sql`select ${key}, name from ${sql.table(`movies.${table}`)} where load_id = ${part.base.loadId}`
    await this.fill(
      table,
      columns,
      sql`
        with named (load_id, ${key}, name) as materialized (${named})
        select ${this.load}::integer, ${key}, coalesce(named.name, before.name)
        from named left join (${before}) before using (${key})
        union all
        select ${this.load}::integer, ${key}, name from (${before}) before
        where ${key} in (${linked}) and ${key} not in (select ${key} from named)`,
    )
  }

  linked(table: string, id: string): RawBuilder<unknown> {
    return sql`select ${sql.ref(id)} from ${this.scope.table(table)}`
  }

  /**
   * Names as they were read, less those of records that waited in the ledger where the published load has a name already: an old record
   * that finds its film changes no name that others go by.
   * @param rows of (record, id, name)
   */
  firstNamed({ base }: FamilyPart, table: string, id: string, rows: RawBuilder<unknown>): RawBuilder<unknown> {
    const key = sql.ref(id)
    return sql`
      select record, ${key}, name from (${rows}) as read
      where record > 0 or not exists (
        select from ${sql.table(`movies.${table}`)} before where load_id = ${base?.loadId} and before.${key} = read.${key})`
  }

  /**
   * Dimension rows: where an id carries several names the most frequent one, ties by code point.
   * @param rows of (record, id, name)
   */
  mostFrequentName(id: string, rows: RawBuilder<unknown>): RawBuilder<unknown> {
    return sql`
      select distinct on (${sql.ref(id)}) ${this.load}::integer, ${sql.ref(id)}, name
      from (select ${sql.ref(id)}, name, count(distinct record) as films
            from (${rows}) as read where ${sql.ref(id)} is not null
            group by ${sql.ref(id)}, name) as named
      order by ${sql.ref(id)}, films desc, name collate "C"`
  }
}
