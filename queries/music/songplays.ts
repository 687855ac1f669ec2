import { sql } from 'kysely'
import { z } from 'zod'
import { idList, names } from '../params.ts'
import { column, report } from '../report.ts'
import { choiceParams, chosen, contradiction } from './parts/params.ts'
import { type MusicDb, plays } from './parts/tables.ts'

export default report({
  summary: 'Plays, one row each, with the line of the log that it was read from',
  description:
    'A play is an event of page `NextSong`. `song` and `artist` are as the log has them; `song_id` and `artist_id` are of the song that has this title, artist and length, null where there is none.',
  version: 1,
  params: z.strictObject({
    session_id: idList('Sessions'),
    song_id: names('Songs of the catalog, by their ids'),
    artist_id: names('Artists of the catalog, by their ids'),
    ...choiceParams,
  }),
  row: z.strictObject({
    songplay_id: column.id('Number of the play'),
    start_time: column.instant('When it began'),
    user_id: column.id('Who played it'),
    level: column.optionalText('Their level then: `free` or `paid`'),
    song_id: column.optionalText('The song that it matches by title, artist and length'),
    artist_id: column.optionalText('Its artist'),
    session_id: column.id('Session of the user'),
    location: column.optionalText('Where the user was'),
    user_agent: column.optionalText('Their browser, as it names itself'),
    song: column.text('Title, as the log has it'),
    artist: column.text('Artist, as the log has them'),
    length: column.number('Length of the song', 'seconds'),
    item_in_session: column.count('Place among the events of the session, from 0', 'events'),
    agent_family: column.optionalText('Their browser without its version'),
    source_load_id: column.id('The load that read the line'),
    source_file: column.text('The file'),
    source_line: column.count('Its line', 'lines'),
  }),
  key: ['songplay_id'],
  defaultSort: 'start_time',
  example: { from: '2018-11-01', level: 'paid' },
  query: (db: MusicDb, scope, { session_id, song_id, artist_id, ...choice }) =>
    db
      .selectFrom(
        sql<Record<string, unknown>>`(
          select songplay_id, start_time, user_id, level, song_id, artist_id, session_id, location, user_agent, song, artist, trim_scale(length) as length,
                 item_in_session, agent_family, source_load_id, file.name as source_file, source_line
          from ${plays(scope)}
          join reelhouse.load_file file on file.load_id = play.source_load_id and file.file_no = play.source_file_no
          where ${chosen('play', choice)}
            and ${session_id ? sql`session_id = any(${session_id}::bigint[])` : sql`true`}
            and ${song_id ? sql`song_id = any(${song_id}::text[])` : sql`true`}
            and ${artist_id ? sql`artist_id = any(${artist_id}::text[])` : sql`true`})`.as('songplay'),
      )
      .selectAll()
      .$castTo<never>(),
  contradiction,
  compared: {
    names: ['song', 'artist'],
    additive: () => [],
    provenance: ['source_load_id', 'source_file', 'source_line'],
    choosesRows: ['session_id', 'song_id', 'artist_id', ...Object.keys(choiceParams)],
  },
})
