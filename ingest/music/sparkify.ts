import { z } from 'zod'
import { bad, count, decimal, key, requiredId, requiredKey, shown, text } from '../cells.ts'
import type { FileFormat, Format } from '../subject.ts'
import { agentFamily } from './agent-family.ts'
import { type Logged, logs } from './logs.ts'
import { type Song, songs } from './songs.ts'

/** The files of Sparkify: logs of what users did, an event on each line, and songs, one in each file. */

/** Before there were players, and after anything that could be in a log. */
const TIMES = [Date.UTC(2000, 0), Date.UTC(2100, 0)] as const

/** Milliseconds since 1970 → an instant. */
const instant = count.transform((digits, context): string | null => {
  if (digits === null) return null
  const time = Number(digits)
  if (time >= TIMES[0] && time < TIMES[1]) return new Date(time).toISOString()
  return bad(context, 'time_out_of_range', `${digits} is not between 2000 and 2100 in milliseconds since 1970`)
})

const requiredInstant = instant.transform((value, context): string => value ?? bad(context, 'missing', 'is missing'))

const requiredCount = count.transform((digits, context): number => {
  if (digits === null) return bad(context, 'missing', 'is missing')
  return Number(digits) < 2 ** 31 ? Number(digits) : bad(context, 'bad_count', `${digits} is too large`)
})

const oneOf = <T extends string>(values: readonly T[], code: string) =>
  text.transform((value, context): T | null => {
    if (value === null || values.includes(value as T)) return value as T | null
    return bad(context, code, `${shown(value)} is none of ${values.join(', ')}`)
  })

const status = count.transform((digits, context): string | null => {
  if (digits === null || /^[1-5]\d\d$/.test(digits)) return digits
  return bad(context, 'bad_status', `${digits} is no status of HTTP`)
})

/** Some are written with the quotes that a CSV file once put around them. */
const userAgent = text.transform((value): string | null => value?.replace(/^"+|"+$/g, '') || null)

/** Of nobody who is logged in it is blank. */
const userId = z.unknown().optional()

const PLAYED = 'NextSong'

const logged = z
  .object({
    ts: requiredInstant,
    page: requiredKey,
    userId,
    sessionId: requiredId,
    itemInSession: requiredCount,
    level: oneOf(['free', 'paid'], 'bad_level'),
    firstName: key,
    lastName: key,
    gender: key,
    registration: instant,
    location: key,
    userAgent,
    auth: key,
    method: key,
    status,
    song: key,
    artist: key,
    length: decimal({ min: 0, max: 1_000_000 }),
  })
  .transform((cells, context): Logged => {
    const played = cells.page === PLAYED
    /** Complains of the cell that it is of. */
    const part = <T>(column: string, read: z.ZodType<T>, value: unknown): T => {
      const result = read.safeParse(value)
      if (result.success) return result.data
      for (const issue of result.error.issues) context.addIssue({ ...issue, input: value, path: [column] } as never)
      return z.NEVER
    }
    const user = played || !isBlank(cells.userId) ? part('userId', requiredId, cells.userId) : null
    const song = played ? part('song', requiredKey, cells.song) : null
    const artist = played ? part('artist', requiredKey, cells.artist) : null
    return {
      startTime: cells.ts,
      page: cells.page,
      userId: user,
      firstName: cells.firstName,
      lastName: cells.lastName,
      gender: cells.gender,
      registeredAt: cells.registration,
      level: cells.level,
      sessionId: cells.sessionId,
      itemInSession: cells.itemInSession,
      location: cells.location,
      userAgent: cells.userAgent,
      agentFamily: agentFamily(cells.userAgent),
      auth: cells.auth,
      method: cells.method,
      status: cells.status,
      song,
      artist,
      length: cells.length,
    }
  })

const isBlank = (value: unknown) =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '')

const logFile: FileFormat<Logged> = {
  family: logs,
  fileName: '2018-11-01-events.json',
  every: /events.*\.(json|jsonl|ndjson)$/i,
  required: true,
  read: 'json-lines',
  columns: ['ts', 'page', 'userId', 'sessionId', 'itemInSession', 'song', 'artist'],
  optional: Object.keys(logged.in.shape).filter(
    (name) => !['ts', 'page', 'userId', 'sessionId', 'itemInSession', 'song', 'artist'].includes(name),
  ),
  telling: [],
  identity: ['ts', 'page', 'userId', 'sessionId', 'itemInSession', 'song', 'artist'],
  record: logged,
}

/** 0 is unknown. */
const songYear = count.transform((digits, context): number | null => {
  const year = Number(digits ?? 0)
  if (year === 0) return null
  return year >= 1000 && year <= 2100 ? year : bad(context, 'bad_year', `${digits} is not a year of four digits`)
})

const song = z
  .object({
    song_id: requiredKey,
    title: requiredKey,
    artist_id: requiredKey,
    artist_name: requiredKey,
    artist_location: text,
    artist_latitude: decimal({ min: -90, max: 90 }),
    artist_longitude: decimal({ min: -180, max: 180 }),
    year: songYear,
    duration: decimal({ min: 0, max: 1_000_000 }),
  })
  .transform(
    (cells): Song => ({
      songId: cells.song_id,
      title: cells.title,
      artistId: cells.artist_id,
      artistName: cells.artist_name,
      location: cells.artist_location,
      latitude: cells.artist_latitude,
      longitude: cells.artist_longitude,
      year: cells.year,
      duration: cells.duration,
    }),
  )

const songFile: FileFormat<Song> = {
  family: songs,
  fileName: 'TRAAAAW128F429D538.json',
  every: /^TR[0-9A-Z]{16}\.(json|jsonl|ndjson)$/i,
  required: false,
  read: 'json-lines',
  columns: ['song_id', 'title', 'artist_id', 'artist_name', 'duration'],
  optional: ['num_songs', 'artist_location', 'artist_latitude', 'artist_longitude', 'year'],
  telling: [],
  identity: ['song_id', 'title', 'artist_id', 'artist_name'],
  record: song,
}

export const sparkify: Format = {
  name: 'sparkify',
  summary: 'Logs of a music player (`log_data`, JSON lines) and its songs (`song_data`, one JSON object each)',
  idSpace: 'sparkify',
  identifiedBy: 'key',
  files: [logFile, songFile],
}
