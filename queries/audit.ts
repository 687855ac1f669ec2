import { type RawBuilder, sql } from 'kysely'

export interface DeedView {
  id: number
  at: string
  actor: string
  action: string
  subject: string
  load: number | null
  detail: Record<string, unknown>
}

/** What was done, newest first. */
export function audit(where: {
  subject?: string | undefined
  load?: number | undefined
  before?: number | undefined
  limit: number
}): RawBuilder<DeedView> {
  const { subject, load, before, limit } = where
  return sql<DeedView>`
    select audit_id as id, at, actor, action, subject, load_id as load, detail
    from reelhouse.audit
    where ${subject === undefined ? sql`true` : sql`subject = ${subject}`}
      and ${load === undefined ? sql`true` : sql`load_id = ${load}`}
      and ${before === undefined ? sql`true` : sql`audit_id < ${before}`}
    order by audit_id desc limit ${limit}`
}
