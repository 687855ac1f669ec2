import { type Kysely, sql, type Transaction } from 'kysely'
import type { Source, SourceFile } from './choose.ts'
import { countFound, type Published } from './files.ts'
import type { LoadTask } from './ledger.ts'
import { digestOf } from './open.ts'
import type { Subject } from './subject.ts'

/**
 * Append-only subjects: a load adds its rows to those that readers see. Whose rows these are is kept with each load, as `shows`: those of the load
 * before it, and its own. So a load is a snapshot here, too: as of it readers see the same rows for ever, one number decides what they see, and going
 * back hides exactly what was added since.
 */
export interface AppendOnly {
  /**
   * Takes from a load that nobody has seen yet the rows that repeat what others show, and enters them in the ledger as duplicates.
   * @returns how many of each table are gone
   */
  removeRepeated(trx: Transaction<unknown>, scope: { loadId: number; shown: string }): Promise<Record<string, number>>
}

/** No load: what readers see before there is any. */
export const NOTHING = '{}'

/**
 * Enters what readers of a load will see: what they see of the load that it is added to, and its own rows.
 * @param base the load that it is added to; null: it stands for itself
 */
export async function enterShown(trx: Transaction<unknown>, loadId: number, base: number | null): Promise<void> {
  // Numbers between that are of no load with rows of this subject are taken in: one range stands for a year of hourly loads.
  await sql`
    with before as (
      select shows, upper(shows) - 1 as latest
      from (select coalesce((select shows from reelhouse.load where load_id = ${base}), '{}') as shows) as those)
    update reelhouse.load this
    set shows = before.shows + int4multirange(int4range(
      case when before.latest < this.load_id and not exists (
             select from reelhouse.load other
             where other.subject = this.subject and other.load_id > before.latest and other.load_id < this.load_id
               and other.state not in ('failed', 'cancelled', 'unchanged', 'checked'))
           then before.latest else this.load_id end, this.load_id, '[]'))
    from before where this.load_id = ${loadId}`.execute(trx)
}

interface Meanwhile {
  /** The load that it was to be added to. */
  base: number | null
  /** What readers see. */
  current: number | null
  shown: string
  through: string | null
  /** Whether that is all of the base, and perhaps more. */
  holds: boolean
}

/** What became of a load that was added to more than it was made for. */
export interface Added {
  /** Its rows that are gone, by table. */
  removed: Record<string, number>
  /** The latest date that what it was added to covers. */
  through: string | null
}

/**
 * Has a load that nobody has seen yet add to what readers see now, whatever was published since it was made; its repeats of that go.
 * @param trx holds `lockPointers`
 * @returns or, for people, why it cannot: what it was to be added to is not all to be seen
 */
export async function addToShown(
  trx: Transaction<unknown>,
  subject: Subject,
  loadId: number,
): Promise<Added | { refused: string }> {
  const { rows } = await sql<Meanwhile>`
    select this.previous_load_id as base, current.data_through as through, current.load_id as current, current.shows::text as shown,
           current.shows @> before.shows as holds
    from reelhouse.load this
    left join reelhouse.load before on before.load_id = this.previous_load_id
    left join reelhouse.pointer on pointer.subject = this.subject
    left join reelhouse.load current on current.load_id = pointer.load_id
    where this.load_id = ${loadId} and this.mode = 'merge'`.execute(trx)
  const [found] = rows
  if (!found || found.current === found.base || found.current === null) return { removed: {}, through: null }
  const { base, current, shown, through } = found
  if (base !== null && !found.holds)
    return {
      refused: `load ${loadId} was to be added to load ${base}, and readers see load ${current}, which does not show all of that; publish load ${base} before it, or load its files again`,
    }
  const removed = (await subject.appendOnly?.removeRepeated(trx, { loadId, shown })) ?? {}
  await countFound(trx, loadId)
  await sql`update reelhouse.load set previous_load_id = ${current} where load_id = ${loadId}`.execute(trx)
  await enterShown(trx, loadId, current)
  return { removed, through }
}

/** A source, and who asked for it when. */
interface Opened {
  source: Source
  task: LoadTask
  published: Published | undefined
  signal: AbortSignal
}

/** A file that an earlier load read. */
interface Known {
  bytes: number
  sha256: string
  load_id: number
}

/**
 * Leaves out files that were read by a load whose rows readers see: they have nothing to add. A schedule leaves out, too, what is held or was taken
 * back: nobody has decided that it should come again.
 * @returns the source without them, and a note
 */
export async function newFiles(
  db: Kysely<unknown>,
  { name }: Subject,
  { source, task, published, signal }: Opened,
): Promise<Source> {
  const { rows } = await sql<Known>`
    select distinct on (sha256) bytes, sha256, load_id
    from reelhouse.load_file join reelhouse.load using (load_id)
    where subject = ${name} and replay_of is null and not dry_run
      and (load_id <@ (select shows from reelhouse.load where load_id = ${published?.load_id})
           or (${task.trigger === 'schedule'} and state in ('held', 'blocked', 'superseded')))
    order by sha256, load_id desc`.execute(db)
  const sizes = new Set(rows.map(({ bytes }) => bytes))
  const known = new Map(rows.map(({ sha256, load_id }) => [sha256, load_id]))
  const files: SourceFile[] = []
  let passed = 0
  let by = 0
  for (const file of source.files) {
    // Sizes first, where they are known: a file is read twice only when it is probably the same.
    const mayBe = known.size > 0 && (file.content === undefined || sizes.has(file.content))
    const reader = mayBe ? known.get(await digestOf(file, signal)) : undefined
    if (reader === undefined) files.push(file)
    else {
      passed += 1
      by = Math.max(by, reader)
    }
  }
  if (passed === 0) return source
  const note = `${passed.toLocaleString('en')} of ${source.files.length.toLocaleString('en')} files are as earlier loads read them, the last of which is load ${by}`
  return { ...source, files, notes: [...source.notes, note] }
}
