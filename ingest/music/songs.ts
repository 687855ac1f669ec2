import { sql, type Transaction } from 'kysely'
import { keepLast, recordColumns } from '../keep-last.ts'
import type { Family, MergeScope } from '../subject.ts'
import { enterRepeats, shows } from './repeats.ts'

export interface Song {
  songId: string
  title: string
  artistId: string
  artistName: string
  location: string | null
  latitude: string | null
  longitude: string | null
  year: number | null
  /** Seconds. */
  duration: string | null
}

const staged = {
  stage: 'stage_song',
  kept: 'kept_song',
  key: ['song_id'],
  thing: sql`format('song %s', found.song_id)`,
}

export const songs: Family<Song> = {
  name: 'songs',
  facts: [],
  heavyFacts: [],
  dimensions: ['song', 'artist'],
  stageTables: {
    stage_song: {
      ...recordColumns,
      song_id: 'text',
      title: 'text',
      artist_id: 'text',
      artist_name: 'text',
      location: 'text',
      latitude: 'numeric',
      longitude: 'numeric',
      year: 'integer',
      duration: 'numeric',
    },
  },
  anyIdSpace: false,
  stage(stager, song, { record, fileNo, line, digest }) {
    stager.add('stage_song', [
      record,
      fileNo,
      line,
      digest,
      song.songId,
      song.title,
      song.artistId,
      song.artistName,
      song.location,
      song.latitude,
      song.longitude,
      song.year,
      song.duration,
    ])
  },
}

/** Songs and artists of which readers would not be told the same already. @returns rows by table */
export async function addSongs(trx: Transaction<unknown>, scope: MergeScope): Promise<Record<string, number>> {
  await keepLast({ trx, scope }, staged)
  await enterRepeats(
    trx,
    scope,
    sql`
      delete from kept_song kept using stage_song found, (
        select distinct on (song_id) song_id, digest, load_id from music.song where ${shows('load_id', scope.shown)}
        order by song_id, load_id desc) before
      where found.record = kept.record and before.song_id = kept.song_id and before.digest = found.digest
      returning found.file_no, found.line, 'identical' as code, format('song %s is in load %s already, the same', found.song_id, before.load_id) as reason`,
  )
  const { numAffectedRows: song } = await sql`
    insert into music.song (load_id, song_id, title, artist_id, artist_name, year, duration, digest, source_load_id, source_file_no, source_line)
    select ${scope.loadId}::integer, song_id, title, artist_id, artist_name, year, duration, digest, ${scope.sourceLoadId}::integer, file_no, line
    from stage_song join kept_song using (record, song_id)`.execute(trx)
  // An artist is told of by each of their songs: what most of them say, ties by code point.
  const { numAffectedRows: artist } = await sql`
    insert into music.artist (load_id, artist_id, name, location, latitude, longitude)
    select ${scope.loadId}::integer, told.*
    from (select distinct on (artist_id) artist_id, artist_name as name, location, latitude, longitude
          from (select artist_id, artist_name, location, latitude, longitude, count(*) as songs
                from stage_song join kept_song using (record, song_id) group by 1, 2, 3, 4, 5) as said
          order by artist_id, songs desc, artist_name collate "C", location collate "C", latitude, longitude) as told
    where not exists (
      select from (select distinct on (artist_id) * from music.artist where ${shows('load_id', scope.shown)}
                   order by artist_id, load_id desc) as before
      where (before.artist_id, before.name, before.location, before.latitude, before.longitude)
            is not distinct from (told.artist_id, told.name, told.location, told.latitude, told.longitude))`.execute(
    trx,
  )
  return { song: Number(song ?? 0), artist: Number(artist ?? 0) }
}

/** Takes away what others show meanwhile. @returns rows by table */
export async function removeSongs(
  trx: Transaction<unknown>,
  { loadId, shown }: { loadId: number; shown: string },
): Promise<Record<string, number>> {
  const song = await enterRepeats(
    trx,
    { loadId },
    sql`
      delete from music.song found using (
        select distinct on (song_id) song_id, digest, load_id from music.song where ${shows('load_id', shown)} order by song_id, load_id desc) before
      where found.load_id = ${loadId} and before.song_id = found.song_id and before.digest = found.digest
      returning found.source_file_no as file_no, found.source_line as line, 'identical' as code,
                format('song %s is in load %s already, the same', found.song_id, before.load_id) as reason`,
  )
  const { numAffectedRows: artist } = await sql`
    delete from music.artist own using (
      select distinct on (artist_id) * from music.artist where ${shows('load_id', shown)} order by artist_id, load_id desc) before
    where own.load_id = ${loadId}
      and (before.artist_id, before.name, before.location, before.latitude, before.longitude)
          is not distinct from (own.artist_id, own.name, own.location, own.latitude, own.longitude)`.execute(trx)
  return { song, artist: Number(artist ?? 0) }
}
