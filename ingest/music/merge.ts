import { sql, type Transaction } from 'kysely'
import type { MergeResult, MergeScope } from '../subject.ts'
import { addEvents, removeEvents } from './logs.ts'
import { shows } from './repeats.ts'
import { addSongs, removeSongs } from './songs.ts'

/** What was read, less what readers see already, beside it. */
export async function merge(trx: Transaction<unknown>, scope: MergeScope): Promise<MergeResult> {
  const rowCounts = { ...(await addSongs(trx, scope)), ...(await addEvents(trx, scope)) }
  // Here alone: whoever publishes would wait for a load that runs, which holds its locks until it is published in its turn.
  await sql`analyze music.songplay, music.song`.execute(trx)
  const song_match = await matchSongs(trx, scope)
  const covered = await sql<{ data_through: string | null; plays: number; matched: number }>`
    select (select (max(start_time) at time zone 'UTC')::date::text from music.logged
            where load_id = ${scope.loadId} or ${shows('load_id', scope.shown)}) as data_through,
           (select count(*) from music.songplay where load_id = ${scope.loadId}) as plays,
           (select count(*) from music.songplay join music.song_match using (songplay_id) where songplay.load_id = ${scope.loadId}) as matched`.execute(
    trx,
  )
  const { data_through = null, plays = 0, matched = 0 } = covered.rows[0] ?? {}
  const notes = [
    `${Number(matched).toLocaleString('en')} of ${Number(plays).toLocaleString('en')} plays match a song by title, artist and length`,
  ]
  return { rowCounts: { ...rowCounts, song_match }, dataThrough: data_through, notes: Number(plays) > 0 ? notes : [] }
}

/** Takes from a load what others show meanwhile, and finds the songs of plays once more, as there are others now. */
export async function removeRepeated(
  trx: Transaction<unknown>,
  scope: { loadId: number; shown: string },
): Promise<Record<string, number>> {
  const { loadId, shown } = scope
  const count = async () =>
    Number(
      (
        await sql<{ rows: number }>`select count(*) as rows from music.song_match where load_id = ${loadId}`.execute(
          trx,
        )
      ).rows[0]?.rows,
    )
  const before = await count()
  const removed = { ...(await removeSongs(trx, scope)), ...(await removeEvents(trx, scope)) }
  await sql`
    delete from music.song_match own using music.song_match other
    where own.load_id = ${loadId} and other.songplay_id = own.songplay_id and ${shows('other.load_id', shown)}`.execute(
    trx,
  )
  await matchSongs(trx, scope)
  return { ...removed, song_match: before - (await count()) }
}

/**
 * Finds the song of each play that has none: where either is new. Of several that have the same title, artist and length, the first by id.
 * @returns how many plays have one now
 */
async function matchSongs(
  trx: Transaction<unknown>,
  { loadId, shown }: { loadId: number; shown: string },
): Promise<number> {
  // A table, of which the planner knows how large it is: by what it guesses of a condition on loads, it compared each play with each song.
  await sql`
    create temporary table visible_song on commit drop as
    select distinct on (song_id) song_id, artist_id, title, artist_name, duration, load_id
    from music.song where load_id = ${loadId} or ${shows('load_id', shown)}
    order by song_id, (load_id = ${loadId}) desc, load_id desc`.execute(trx)
  await sql`analyze visible_song`.execute(trx)
  const matching = sql`
    select songplay_id, song.song_id, song.artist_id
    from music.songplay play join visible_song song on (song.title, song.artist_name, song.duration) = (play.song, play.artist, play.length)`
  const { numAffectedRows } = await sql`
    insert into music.song_match (load_id, songplay_id, song_id, artist_id)
    select distinct on (songplay_id) ${loadId}::integer, songplay_id, song_id, artist_id
    from (${matching} where play.load_id = ${loadId}
          union all
          ${matching} where song.load_id = ${loadId} and ${shows('play.load_id', shown)}) as found
    where not exists (select from music.song_match match
                      where match.songplay_id = found.songplay_id and (match.load_id = ${loadId} or ${shows('match.load_id', shown)}))
    order by songplay_id, song_id collate "C"`.execute(trx)
  await sql`drop table visible_song`.execute(trx)
  return Number(numAffectedRows ?? 0)
}
