import type { Kysely } from 'kysely'
import { buryTheDead } from '../ingest/ledger.ts'
import { type LoadView, loads } from '../queries/loads.ts'

/** Loads as they are now: one whose process has died since the ledger was written shows as failed, not as running. */
export async function loadsNow(db: Kysely<unknown>, where: Parameters<typeof loads>[0]): Promise<LoadView[]> {
  const found = (await loads(where).execute(db)).rows
  if (!found.some(({ state }) => state === 'queued' || state === 'running')) return found
  await buryTheDead(db)
  return (await loads(where).execute(db)).rows
}
