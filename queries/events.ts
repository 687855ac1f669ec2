import { type RawBuilder, sql } from 'kysely'

/** The channel on which the warehouse tells that something happened to a load; the payload is its number. */
export const LOADS = 'reelhouse_loads'

/** What happens to a load, or to what readers see, as those who watch are told of it. */
export interface Happening {
  /** By which a watcher that was cut off goes on; null: nothing to go on from. */
  id: number | null
  event: string
  data: Record<string, unknown>
}

/** One row a happening; a load of which nothing is new has one row without any. */
export interface LoadHappening {
  subject: string
  /** Whether the load has ended by now. */
  ended: boolean
  id: number | null
  event: 'state' | 'stage' | 'progress' | null
  at: string | null
  data: Record<string, unknown> | null
  state: string
  stage: string | null
}

/**
 * What happened to a load after an event of it. Each state and stage, but of progress only the latest: it says all that
 * those before it did. State and stage are those of the time.
 */
export const loadHappenings = (loadId: number, after: number): RawBuilder<LoadHappening> => sql<LoadHappening>`
  select subject, load.state not in ('queued', 'running') as ended, told.event_id as id, told.event, told.at,
         case when told.event_id is null then jsonb_build_object('error', error) else told.data end as data,
         -- Stages and progress are those of a running load: so of very many of them nothing need be looked up.
         case when told.event_id is null then load.state else coalesce(told.data ->> 'state', 'running') end as state,
         case when told.event_id is null then load.stage
              when told.event <> 'state' then told.data ->> 'stage'
              else (select before.data ->> 'stage' from reelhouse.load_event before
                    where before.load_id = told.load_id and before.event = 'stage' and before.event_id < told.event_id
                    order by before.event_id desc limit 1) end as stage
  from reelhouse.load left join lateral (
    select * from reelhouse.load_event event
    where event.load_id = load.load_id and event_id > ${after}
      and (event <> 'progress' or event_id = (select max(event_id) from reelhouse.load_event latest
                                              where latest.load_id = load.load_id and latest.event = 'progress'))
      -- A load is held for an instant before it is published, and nobody else can see that either.
      and not (event = 'state' and data ->> 'state' = 'held' and exists (
        select from reelhouse.load_event next
        where next.load_id = load.load_id and next.event = 'state' and next.event_id > event.event_id
          and next.xmin = event.xmin))) told on true
  where load.load_id = ${loadId}
  order by told.event_id`

export interface PublicationHappening {
  id: number
  subject: string
  load: number
  /** The load that readers saw before. */
  previous: number | null
  action: 'publish' | 'rollback'
  at: string
}

/** Publications after one of them, the latest first. */
export const publications = (
  subject: string | undefined,
  after: number,
  limit: number,
): RawBuilder<PublicationHappening> => sql<PublicationHappening>`
  select publication_id as id, subject, load_id as load, action, at,
         (select load_id from reelhouse.publication before
          where before.subject = publication.subject and before.publication_id < publication.publication_id
          order by before.at desc, before.publication_id desc limit 1) as previous
  from reelhouse.publication
  where publication_id > ${after} and ${subject === undefined ? sql`true` : sql`subject = ${subject}`}
  order by publication_id desc limit ${limit}`

/** The last publication of any subject; 0 when there is none. */
export const lastPublication = (): RawBuilder<{ id: number }> =>
  sql<{ id: number }>`select coalesce(max(publication_id), 0) as id from reelhouse.publication`
