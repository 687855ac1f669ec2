import { sql } from 'kysely'
import { z } from 'zod'
import { idList, wholeNumber } from '../params.ts'
import { column, report } from '../report.ts'
import { choiceParams, chosen, contradiction } from './parts/params.ts'
import { logged, type MusicDb } from './parts/tables.ts'

export default report({
  summary: 'Sessions: who, when, for how long, and what was done in them',
  description:
    'All events of a session, also those before somebody logged in; `from`, `to` and the other filters choose events, and with them the sessions that have any. `duration` is from the first event to the last, so a session of one event has none.',
  version: 1,
  params: z.strictObject({
    session_id: idList('Sessions'),
    ...choiceParams,
    min_plays: wholeNumber(1, 999_999_999, 'Only sessions with at least so many plays'),
  }),
  row: z.strictObject({
    session_id: column.id('Number of the session'),
    user_id: column.optionalId('Whose it is; null where nobody logged in. Of several users the lowest'),
    users: column.count('Users who have events in it', 'users'),
    level: column.optionalText('Level at its last event: `free` or `paid`'),
    started_at: column.instant('First event'),
    ended_at: column.instant('Last event'),
    duration: column.number('From the first event to the last', 'seconds'),
    events: column.count('Events', 'events'),
    plays: column.count('Plays among them', 'plays'),
  }),
  key: ['session_id'],
  defaultSort: 'session_id',
  example: { from: '2018-11-01', to: '2018-11-07', sort: '-plays' },
  query: (db: MusicDb, scope, { session_id, min_plays, ...choice }) =>
    db
      .selectFrom(
        sql<Record<string, unknown>>`(
          select session_id, min(user_id) as user_id, count(distinct user_id) as users,
                 (array_agg(level order by start_time desc, item_in_session desc))[1] as level,
                 min(start_time) as started_at, max(start_time) as ended_at,
                 trim_scale(extract(epoch from max(start_time) - min(start_time))) as duration,
                 count(*) as events, count(*) filter (where page = 'NextSong') as plays
          from ${logged(scope)}
          where ${chosen('logged', choice)} and ${session_id ? sql`session_id = any(${session_id}::bigint[])` : sql`true`}
          group by session_id
          having ${min_plays === undefined ? sql`true` : sql`count(*) filter (where page = 'NextSong') >= ${min_plays}`})`.as(
          'sessions',
        ),
      )
      .selectAll()
      .$castTo<never>(),
  contradiction,
  compared: { names: [], additive: () => ['events', 'plays'], choosesRows: ['min_plays'] },
})
