import { type Kysely, sql } from 'kysely'

/** Something that a person, a schedule or retention did. */
export interface Deed {
  /** The admin's name, `cli:<user>`, `schedule`, `sample` or `retention`. */
  actor: string
  action: 'load' | 'publish' | 'rollback' | 'cancel' | 'drop' | 'replay'
  subject: string
  loadId: number
  detail?: Record<string, unknown>
}

/** Enters a deed; in the transaction of the deed itself, so that neither is there without the other. */
export async function enterDeed(trx: Kysely<unknown>, { actor, action, subject, loadId, detail = {} }: Deed) {
  await sql`
    insert into reelhouse.audit (actor, action, subject, load_id, detail)
    values (${actor}, ${action}, ${subject}, ${loadId}, ${JSON.stringify(detail)}::jsonb)`.execute(trx)
}
