import { type RawBuilder, sql, type Transaction } from 'kysely'
import { isReplay } from '../keep-last.ts'
import type { Family, FamilyPart, MergeScope } from '../subject.ts'

/** A family of files about anime, and how what was staged of it becomes rows. */
export interface AnimeFamily<Row = unknown> extends Family<Row> {
  merge(merging: Merging): Promise<void>
}

/** A snapshot in the making: fills its tables from what was read, and from the published load where that is taken over. */
export class Merging {
  readonly trx: Transaction<unknown>
  readonly scope: MergeScope
  /** The load's number, as SQL. */
  readonly load: RawBuilder<number>
  readonly rowCounts: Record<string, number> = {}

  constructor(trx: Transaction<unknown>, scope: MergeScope) {
    this.trx = trx
    this.scope = scope
    this.load = sql.lit(scope.loadId) as RawBuilder<number>
  }

  /** Whether records that another load rejected are read again. */
  get isReplay(): boolean {
    return isReplay(this.scope)
  }

  async fill(table: string, columns: string, rows: RawBuilder<unknown>): Promise<void> {
    const { numAffectedRows } = await sql`
      insert into ${this.scope.table(table)} (load_id, ${sql.raw(columns)}) ${rows}`.execute(this.trx)
    this.rowCounts[table] = (this.rowCounts[table] ?? 0) + Number(numAffectedRows)
  }

  /**
   * A fact of titles: what was read, and what is taken over of titles that were not read again but are in the load.
   * @param kept table of the records of the family that count, by title
   */
  async fillFact(
    { base }: FamilyPart,
    table: string,
    columns: string,
    rows: RawBuilder<unknown>,
    kept: string,
  ): Promise<void> {
    await this.fill(table, columns, rows)
    if (!base) return
    const present = sql`and exists (select from ${this.scope.table('title')} present where present.anime_id = before.anime_id)`
    await this.fill(
      table,
      columns,
      sql`select ${this.load}::integer, ${sql.raw(columns)} from ${sql.table(`anime.${table}`)} before
          where load_id = ${base.loadId}
            and not exists (select from ${sql.table(kept)} replaced where replaced.anime_id = before.anime_id)
            ${table === 'title' ? sql`` : present}`,
    )
  }

  /** A dimension of what sources only name: the registry has the names. @param linked the ids that the load's facts use */
  async fillNamed(kind: string, linked: RawBuilder<unknown>): Promise<void> {
    await this.fill(
      kind,
      `${kind}_id, name`,
      sql`select ${this.load}::integer, id, key from reelhouse.registry
          where subject = 'anime' and kind = ${kind} and id in (${linked})`,
    )
  }
}
