import { type Happening, loadHappenings, publications } from '../queries/events.ts'
import { Problem } from './errors.ts'
import type { News } from './feed.ts'
import type { Snapshots } from './snapshots.ts'
import type { Warehouse } from './warehouse.ts'

/** What watchers are told, read from the warehouse. Whoever is told that a load is published is answered from it. */

/** Before the first happening. */
export const START = -1
/** Publications that a client which comes back is told of; of those before, only that there were some. */
export const MAX_PUBLICATIONS = 1000

/** @throws Problem 404 */
export async function newsOfLoad(
  { writer }: Warehouse,
  snapshots: Snapshots,
  load: number,
  after: number,
): Promise<News> {
  const found = (await loadHappenings(load, after).execute(writer)).rows
  const [first] = found
  if (!first) throw new Problem(404, `There is no load ${load}; GET /v1/loads lists them.`)
  await snapshots.keepUpWith(found.map(({ subject, state }) => ({ id: load, subject, state })))
  // A load of before there were events has none: then its state is all there is to tell.
  const none = first.id === null
  const told = none && after === START ? [{ ...first, id: 0, event: 'state' }] : none ? [] : found
  const happenings = told.map(
    ({ id, event, subject, state, stage, at, data }): Happening => ({
      id,
      event: String(event),
      data: { load, subject, state, stage, at, ...data },
    }),
  )
  return { happenings, ended: first.ended }
}

export async function newsOfPublications(
  { writer }: Warehouse,
  snapshots: Snapshots,
  subject: string | undefined,
  after: number,
): Promise<News> {
  const found = (await publications(subject, after, MAX_PUBLICATIONS + 1).execute(writer)).rows
  if (found.length > 0) await snapshots.refresh()
  const happenings = found.slice(0, MAX_PUBLICATIONS).map(
    ({ id, action, subject, load, previous, at }): Happening => ({
      id,
      event: action === 'publish' ? 'published' : 'rolled-back',
      data: { subject, load, previous, at },
    }),
  )
  happenings.reverse()
  if (found.length > MAX_PUBLICATIONS)
    happenings.unshift({
      id: null,
      event: 'omitted',
      data: { detail: `There were more; the latest ${MAX_PUBLICATIONS} follow.` },
    })
  return { happenings, ended: false }
}
