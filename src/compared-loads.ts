import { type Kysely, sql } from 'kysely'
import { readBy } from '../queries/report.ts'
import { badParameter, Problem } from './errors.ts'

/** A load whose rows can be compared. */
export interface ComparedLoad {
  id: number
  subject: string
  state: 'published' | 'superseded' | 'held' | 'blocked'
  /** Null until readers see it. */
  published_at: string | null
  data_through: string | null
  created_at: string
  /** By family, the load that read what this one has of it. */
  read_by: Record<string, number>
  /** Of an append-only subject: the loads whose rows readers of it see. */
  shows: string | null
}

const WITH_ROWS = ['published', 'superseded', 'held', 'blocked']
/** What nobody but admins may read: it has not been published yet, or must not be. */
const FOR_ADMINS = ['held', 'blocked']

/**
 * The two loads of a comparison.
 * @param against the one to compare with; the one that was published when the first was made, if none is named
 * @param assertAdmin throws unless whoever asks is an admin
 * @throws Problem 404, 409 or 410 when one of them is not there, has no rows or has them no more; 400 when their subjects differ
 */
export async function comparedLoads(
  db: Kysely<unknown>,
  { id, against }: { id: number; against: number | undefined },
  assertAdmin: () => void,
): Promise<{ load: ComparedLoad; against: ComparedLoad }> {
  const load = await loadWithRows(db, id)
  const other = against ?? load.previous_load_id
  if (other === null)
    throw new Problem(
      404,
      `Load ${id} is the first of ${load.subject}: there is none before it to compare with. Name another by against.`,
    )
  const before = await loadWithRows(db, other)
  if (before.subject !== load.subject)
    throw badParameter(
      'against',
      `names load ${other}, which is of ${before.subject}; load ${id} is of ${load.subject}`,
    )
  if ([load, before].some(({ state }) => FOR_ADMINS.includes(state))) assertAdmin()
  return { load, against: before }
}

async function loadWithRows(
  db: Kysely<unknown>,
  id: number,
): Promise<ComparedLoad & { previous_load_id: number | null }> {
  const [load] = (
    await sql<ComparedLoad & { previous_load_id: number | null }>`
      select load_id as id, subject, state, published_at, data_through, created_at, previous_load_id, ${readBy} as read_by, shows::text
      from reelhouse.load where load_id = ${id}`.execute(db)
  ).rows
  if (!load) throw new Problem(404, `There is no load ${id}; GET /v1/loads lists them.`)
  if ((load.state as string) === 'dropped')
    throw new Problem(
      410,
      `Load ${id} has been dropped, so it cannot be compared; ${await whatIsThere(db, load.subject)}.`,
    )
  if (!WITH_ROWS.includes(load.state))
    throw new Problem(409, `Load ${id} is ${load.state}, so it has no rows to compare.`)
  return load
}

async function whatIsThere(db: Kysely<unknown>, subject: string): Promise<string> {
  const { rows } = await sql<{ id: number }>`
    select load_id as id from reelhouse.load
    where subject = ${subject} and state in ('published', 'superseded') order by load_id`.execute(db)
  if (rows.length === 0) return `no load of ${subject} is there any more`
  return `of ${subject} there ${rows.length === 1 ? 'is load' : 'are loads'} ${rows.map((row) => row.id).join(', ')}`
}
