import { sql } from 'kysely'
import { z } from 'zod'
import { column, report } from '../report.ts'
import { contradiction } from './parts/params.ts'
import type { MusicDb } from './parts/tables.ts'
import { topColumns, topParams, tops } from './parts/tops.ts'

export default report({
  summary: 'Songs by plays',
  description:
    'A song is a title and an artist as the logs have them. `song_id` is that of the catalog’s song which most of its plays match, null where none does; `matched_plays` tells how many do.',
  version: 1,
  params: topParams,
  row: z.strictObject({
    song_id: column.optionalText('The song of the catalog that most of the plays match; ties by id'),
    song: column.text('Title'),
    artist: column.text('Artist'),
    plays: topColumns.plays,
    listeners: topColumns.listeners,
    sessions: topColumns.sessions,
    matched_plays: topColumns.matched_plays,
    last_played: topColumns.last_played,
  }),
  key: ['song', 'artist'],
  defaultSort: '-plays,song,artist',
  example: { level: 'paid', min_plays: '2' },
  query: (db: MusicDb, scope, params) =>
    db
      .selectFrom(
        tops(
          scope,
          params,
          ['song', 'artist'],
          [sql`mode() within group (order by song_id collate "C") as song_id`],
        ).as('top'),
      )
      .selectAll()
      .$castTo<never>(),
  contradiction,
  compared: { names: [], additive: () => ['plays', 'matched_plays'], choosesRows: ['min_plays'] },
})
