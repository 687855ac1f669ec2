import { sql } from 'kysely'
import { z } from 'zod'
import { once } from '../params.ts'
import { column, report } from '../report.ts'
import { choiceParams, chosen, contradiction } from './parts/params.ts'
import { type MusicDb, plays } from './parts/tables.ts'

/** What a period is, and how it is written. */
const PERIODS = {
  hour: sql`to_char(time.hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24')`,
  day: sql`to_char(time.day, 'YYYY-MM-DD')`,
  week: sql`to_char(time.week, 'IYYY-"W"IW')`,
  month: sql`to_char(time.month, 'YYYY-MM')`,
  year: sql`time.year::text`,
  weekday: sql`(array['1 Monday', '2 Tuesday', '3 Wednesday', '4 Thursday', '5 Friday', '6 Saturday', '7 Sunday'])[time.weekday]`,
  hour_of_day: sql`to_char(time.hour_of_day, 'FM00')`,
  all: sql`'all'::text`,
} as const

const GRAINS = Object.keys(PERIODS) as [keyof typeof PERIODS]
const SPLITS = ['level', 'location', 'agent_family'] as const

export default report({
  summary: 'Plays, listeners and sessions by hour, day, week, month or weekday, also by level, location or browser',
  description:
    'Times are UTC; weeks are those of ISO 8601 and begin on Monday. A listener or session counts once in each row, so neither adds up over rows. With `split` each period has a row for each level, location or browser, `unknown` where the log does not tell.',
  version: 1,
  params: z.strictObject({
    grain: z
      .enum(GRAINS, `takes ${GRAINS.join(', ')}`)
      .optional()
      .describe('What a period is: `day` by default; `weekday` and `hour_of_day` add up all of a kind'),
    split: z
      .enum(SPLITS, `takes ${SPLITS.join(', ')}`)
      .optional()
      .describe('What each period is split by'),
    ...choiceParams,
    song: once.max(400, 'takes at most 400 characters').optional().describe('Title, as the logs have it'),
    artist: once.max(400, 'takes at most 400 characters').optional().describe('Artist, as the logs have them'),
  }),
  row: z.strictObject({
    period: column.text('`2018-11-15T21`, `2018-11-15`, `2018-W46`, `2018-11`, `2018`, `4 Thursday`, `21` or `all`'),
    plays: column.count('Plays', 'plays'),
    listeners: column.count('Users who played something', 'users'),
    sessions: column.count('Sessions in which something was played', 'sessions'),
    group: column.text('The level, location or browser; `all` without a split'),
    matched_plays: column.count('Plays that match a song of the catalog', 'plays'),
  }),
  key: ['period', 'group'],
  defaultSort: 'period,group',
  example: { grain: 'weekday' },
  query: (db: MusicDb, scope, { grain = 'day', split, song, artist, ...choice }) =>
    db
      .selectFrom(
        sql<Record<string, unknown>>`(
          select ${PERIODS[grain]} as period, count(*) as plays, count(distinct user_id) as listeners, count(distinct session_id) as sessions,
                 ${split ? sql`coalesce(${sql.ref(`play.${split}`)}, 'unknown')` : sql`'all'::text`} as "group", count(song_id) as matched_plays
          from ${plays(scope)} join music.time on time.hour = play.hour
          where ${chosen('play', choice)}
            and ${song === undefined ? sql`true` : sql`play.song = ${song}`}
            and ${artist === undefined ? sql`true` : sql`play.artist = ${artist}`}
          group by 1, 5)`.as('plays'),
      )
      .selectAll()
      .$castTo<never>(),
  contradiction,
  compared: { names: [], additive: () => ['plays', 'matched_plays'], choosesRows: [] },
})
