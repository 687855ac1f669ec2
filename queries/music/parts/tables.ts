import { type RawBuilder, sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Scope } from '../../report.ts'

export type MusicDb = ReadonlyKysely<Record<string, Record<string, unknown>>>

/** Whether readers of the load see a row, by the load that added it. */
export const visible = (scope: Scope, alias: string): RawBuilder<boolean> =>
  sql<boolean>`${sql.ref(`${alias}.load_id`)} <@ ${scope.shows}::int4multirange`

/** Plays that readers see, with the song and the artist of the catalog that they match: rows of `play`. */
export const plays = (scope: Scope): RawBuilder<unknown> => sql`
  (select songplay.*, match.song_id, match.artist_id
   from music.songplay left join music.song_match match on match.songplay_id = songplay.songplay_id and ${visible(scope, 'match')}
   where ${visible(scope, 'songplay')}) as play`

/** Everything that was logged and that readers see: rows of `logged`. */
export const logged = (scope: Scope): RawBuilder<unknown> => sql`
  (select * from music.logged where ${visible(scope, 'logged')}) as logged`
