import { sql } from 'kysely'
import { z } from 'zod'
import { once } from '../params.ts'
import { column, report } from '../report.ts'
import { choiceParams, chosen, contradiction } from './parts/params.ts'
import { logged, type MusicDb, visible } from './parts/tables.ts'

const { from, to, user_id } = choiceParams

export default report({
  summary: 'Active users: their level and when it changed, and what they played',
  description:
    'One row for each user with an event from `from` to `to`, which choose what is counted. A user’s level is that of their events, so it is known with its time: `level` and `level_since` are as of the last event until `to`, and changes are counted from `from` to `to`, each between one event and the next.',
  version: 1,
  params: z.strictObject({
    from,
    to,
    user_id,
    level: z.enum(['free', 'paid'], 'takes free or paid').optional().describe('Only users who are at this level'),
    changed: once
      .pipe(z.enum(['upgrade', 'downgrade'], 'takes upgrade or downgrade'))
      .optional()
      .describe('Only users who went from free to paid (`upgrade`), or back (`downgrade`), from `from` to `to`'),
  }),
  row: z.strictObject({
    user_id: column.id('Number of the user'),
    first_name: column.optionalText('First name'),
    last_name: column.optionalText('Last name'),
    gender: column.optionalText('`F` or `M`, as the log has it'),
    level: column.optionalText('`free` or `paid`'),
    level_since: column.optionalInstant('Time of the first event at this level since they last had another one'),
    upgrades: column.count('Changes from free to paid', 'changes'),
    downgrades: column.count('Changes from paid to free', 'changes'),
    upgraded_at: column.optionalInstant('Time of the last change from free to paid'),
    plays: column.count('Plays', 'plays'),
    sessions: column.count('Sessions', 'sessions'),
    events: column.count('Events, plays among them', 'events'),
    first_seen: column.instant('Time of the first of them'),
    last_seen: column.instant('Time of the last of them'),
    registered_at: column.optionalInstant('When they registered'),
  }),
  key: ['user_id'],
  defaultSort: 'user_id',
  example: { changed: 'upgrade' },
  query: (db: MusicDb, scope, { from, to, user_id, level, changed }) =>
    db
      .selectFrom(
        sql<Record<string, unknown>>`(
          with until as (
            -- An event that does not tell the level tells nothing of its change.
            select logged.*, lag(level) over own as level_before
            from ${logged(scope)}
            where user_id is not null and level is not null and ${chosen('logged', { to, user_id })}
            window own as (partition by user_id order by start_time, session_id, item_in_session)),
          levels as (
            select user_id, (array_agg(level order by start_time desc, session_id desc, item_in_session desc))[1] as level,
                   coalesce(max(start_time) filter (where level <> level_before), min(start_time)) as level_since
            from until group by user_id),
          moves as (
            select user_id, count(*) filter (where level = 'paid') as upgrades, count(*) filter (where level = 'free') as downgrades,
                   max(start_time) filter (where level = 'paid') as upgraded_at
            from until where level <> level_before and ${chosen('until', { from })} group by user_id),
          counted as (
            select user_id, count(*) filter (where page = 'NextSong') as plays, count(distinct session_id) as sessions, count(*) as events,
                   min(start_time) as first_seen, max(start_time) as last_seen
            from ${logged(scope)} where user_id is not null and ${chosen('logged', { from, to, user_id })} group by user_id),
          told as (
            select distinct on (user_id) user_id, first_name, last_name, gender, registered_at
            from music.user where ${visible(scope, 'user')} order by user_id, told_at desc, load_id desc)
          select user_id, first_name, last_name, gender, level, level_since, coalesce(upgrades, 0) as upgrades, coalesce(downgrades, 0) as downgrades,
                 upgraded_at, plays, sessions, events, first_seen, last_seen, registered_at
          from counted left join levels using (user_id) left join moves using (user_id) left join told using (user_id)
          where ${level === undefined ? sql`true` : sql`level = ${level}`}
            and ${changed === undefined ? sql`true` : changed === 'upgrade' ? sql`upgrades > 0` : sql`downgrades > 0`})`.as(
          'users',
        ),
      )
      .selectAll()
      .$castTo<never>(),
  contradiction,
  compared: {
    names: ['first_name', 'last_name'],
    additive: () => ['upgrades', 'downgrades', 'plays', 'sessions', 'events'],
    choosesRows: ['level', 'changed'],
  },
})
