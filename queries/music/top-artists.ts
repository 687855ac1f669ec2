import { sql } from 'kysely'
import { z } from 'zod'
import { column, report } from '../report.ts'
import { contradiction } from './parts/params.ts'
import type { MusicDb } from './parts/tables.ts'
import { topColumns, topParams, tops } from './parts/tops.ts'

export default report({
  summary: 'Artists by plays',
  description:
    'An artist is a name as the logs have it. `artist_id` is that of the catalog’s artist whose songs most of the plays match, null where none does; `matched_plays` tells how many do.',
  version: 1,
  params: topParams,
  row: z.strictObject({
    artist_id: column.optionalText('The artist of the catalog whose songs most of the plays match; ties by id'),
    artist: column.text('Name'),
    plays: topColumns.plays,
    listeners: topColumns.listeners,
    songs: column.count('Titles that were played', 'songs'),
    sessions: topColumns.sessions,
    matched_plays: topColumns.matched_plays,
    last_played: topColumns.last_played,
  }),
  key: ['artist'],
  defaultSort: '-plays,artist',
  example: { from: '2018-11' },
  query: (db: MusicDb, scope, params) =>
    db
      .selectFrom(
        tops(
          scope,
          params,
          ['artist'],
          [sql`mode() within group (order by artist_id collate "C") as artist_id`, sql`count(distinct song) as songs`],
        ).as('top'),
      )
      .selectAll()
      .$castTo<never>(),
  contradiction,
  compared: { names: [], additive: () => ['plays', 'matched_plays'], choosesRows: ['min_plays'] },
})
