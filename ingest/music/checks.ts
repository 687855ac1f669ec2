import { sql } from 'kysely'
import type { Check } from '../checks.ts'

/** What must hold of what a load adds, beyond what the tables' constraints enforce. */
export const checks: Check[] = [
  {
    name: 'songplay_once',
    claim: 'No play is there twice',
    severity: 'error',
    kind: 'unique',
    table: 'songplay',
    columns: ['session_id', 'item_in_session', 'start_time'],
  },
  {
    name: 'songplay_level',
    claim: 'The level of the user is known of each play',
    severity: 'warn',
    kind: 'not_null',
    table: 'songplay',
    column: 'level',
  },
  {
    name: 'session_of_one_user',
    claim: 'All plays of a session are of one user',
    severity: 'warn',
    kind: 'plausibility',
    table: 'songplay',
    breaks: ({ loadId }) => sql`session_id in (
      select session_id from music.songplay where load_id = ${loadId} group by session_id having count(distinct user_id) > 1)`,
  },
  {
    name: 'song_artist',
    claim: 'The artist of each song is known',
    severity: 'error',
    kind: 'relationship',
    table: 'song',
    columns: ['artist_id'],
    to: { table: 'artist', columns: ['artist_id'] },
  },
]
