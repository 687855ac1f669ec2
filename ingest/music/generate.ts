import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeLines } from '../generate/csv-file.ts'
import { Random } from '../generate/random.ts'
import type { Generator } from '../subject.ts'

/**
 * Makes logs and songs of the real shape: sessions of plays and other pages, users whose level changes, some of whose plays are of songs that the
 * catalog has. Of every thousand events one is written twice, and of every three thousand one is broken.
 */
export const generate: Generator = {
  sizes: {
    plays: { of: 'plays', most: 1_000_000_000, default: 100_000, few: 2000 },
    songs: { of: 'songs, in a file each', most: 30_000, default: 1000, few: 40 },
  },
  async write({ out, seed, sizes: { plays = 100_000, songs = 1000 } }) {
    const summary: MusicSummary = {
      path: out,
      files: 0,
      songs,
      plays: 0,
      events: 0,
      identical: 0,
      broken: 0,
      matched: 0,
    }
    for (let i = 0; i < songs; i++) {
      const song = songOf(seed, i)
      const [a, b, c] = [song.track[2], song.track[3], song.track[4]] as [string, string, string]
      const place = join(out, 'song_data', a, b, c, `${song.track}.json`)
      await mkdir(dirname(place), { recursive: true })
      await writeFile(place, JSON.stringify(song.record))
      summary.files++
    }
    const days = Math.max(LEAST_DAYS, Math.ceil(plays / PLAYS_A_DAY))
    for (let day = 0; day < days; day++) {
      const date = new Date(FIRST_DAY + day * DAY_MS).toISOString().slice(0, 10)
      const [year, month] = date.split('-') as [string, string]
      const place = join(out, 'log_data', year, month, `${date}-events.json`)
      await mkdir(dirname(place), { recursive: true })
      const wanted = Math.floor((plays * (day + 1)) / days) - Math.floor((plays * day) / days)
      await writeLines(place, linesOf({ seed, day, wanted, songs }, summary))
      summary.files++
    }
    return summary
  },
}

interface MusicSummary {
  path: string
  files: number
  songs: number
  /** Distinct sound plays, and distinct sound events of other pages. */
  plays: number
  events: number
  /** Lines that stand twice. */
  identical: number
  /** Lines that are no JSON, or of a play by nobody. */
  broken: number
  /** Plays of songs that are there. */
  matched: number
}

const DAY_MS = 86_400_000
const FIRST_DAY = Date.UTC(2018, 10, 1)
const PLAYS_A_DAY = 10_000
const LEAST_DAYS = 7
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const WORDS = ['Night', 'River', 'Don’t', 'Señorita', 'Über', 'Blue', '7', 'Heart', 'Stay', '"Live"', "L'amour", 'Home']
const PLACES = [
  'Portland-South Portland, ME',
  'San Jose-Sunnyvale-Santa Clara, CA',
  'Lansing-East Lansing, MI',
  'Waterloo-Cedar Falls, IA',
]
const AGENTS = [
  '"Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/36.0.1985.143 Safari/537.36"',
  'Mozilla/5.0 (Windows NT 6.1; WOW64; rv:31.0) Gecko/20100101 Firefox/31.0',
  '"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_4) AppleWebKit/537.78.2 (KHTML, like Gecko) Version/7.0.6 Safari/537.78.2"',
  'Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; WOW64; Trident/5.0)',
]
const PAGES = ['Home', 'Home', 'Home', 'Settings', 'Help', 'About', 'Logout', 'Upgrade', 'Downgrade']

const idOf = (prefix: string, random: Random) =>
  prefix + Array.from({ length: 18 - prefix.length }, () => LETTERS[random.below(26)]).join('')
const nameOf = (random: Random) => Array.from({ length: 1 + random.below(3) }, () => random.pick(WORDS)).join(' ')

/** A function of its number alone: logs name songs without remembering them. */
function songOf(seed: number, number: number) {
  const random = new Random(seed, number)
  // Half as many artists; their id and name go together.
  const artist = new Random(seed, 1_000_000 + Math.floor(number / 2))
  const artistId = idOf('AR', artist)
  return {
    track: `TR${idOf('', random).slice(0, 9)}${String(number).padStart(7, '0')}`,
    record: {
      num_songs: 1,
      artist_id: artistId,
      artist_latitude: artist.chance(0.5) ? Number((artist.next() * 180 - 90).toFixed(5)) : null,
      artist_longitude: null,
      artist_location: artist.chance(0.5) ? artist.pick(PLACES) : '',
      artist_name: `${nameOf(artist)} ${Math.floor(number / 2)}`,
      song_id: idOf('SO', random),
      title: `${nameOf(random)} ${number}`,
      duration: Number((60 + random.next() * 400).toFixed(5)),
      year: random.chance(0.6) ? 0 : 1960 + random.below(50),
    },
  }
}

interface Day {
  seed: number
  day: number
  /** Plays. */
  wanted: number
  songs: number
}

/** Sessions of a day, one after the other; a play in five is of a song that is there. */
function* linesOf({ seed, day, wanted, songs }: Day, summary: MusicSummary): Iterable<string> {
  const random = new Random(seed, 2_000_000 + day)
  let left = wanted
  for (let session = 0; left > 0; session++) {
    const user = userOf(seed, random.below(100), day)
    let at = FIRST_DAY + day * DAY_MS + random.below(DAY_MS - 4_000_000)
    const length = Math.min(left, 1 + random.below(30))
    const items = length + 2
    for (let item = 0; item < items; item++) {
      const play = item > 0 && item <= length
      const out = item === 0 && random.chance(0.3)
      const known = play && songs > 0 && random.chance(0.2)
      const song = known ? songOf(seed, random.below(songs)).record : undefined
      at += 1000 * (1 + random.below(play ? 300 : 20))
      const line = JSON.stringify({
        artist: play ? (song?.artist_name ?? nameOf(random)) : null,
        auth: out ? 'Logged Out' : 'Logged In',
        firstName: out ? null : user.firstName,
        gender: out ? null : user.gender,
        itemInSession: item,
        lastName: out ? null : user.lastName,
        length: play ? (song?.duration ?? Number((60 + random.next() * 400).toFixed(5))) : null,
        level: user.level,
        location: out ? null : user.location,
        method: play ? 'PUT' : 'GET',
        page: play ? 'NextSong' : out ? 'Login' : random.pick(PAGES),
        registration: out ? null : 1_540_000_000_000 + user.id,
        sessionId: 1 + day * 100_000 + session,
        song: play ? (song?.title ?? nameOf(random)) : null,
        status: play ? 200 : random.pick([200, 200, 307]),
        ts: at,
        userAgent: out ? null : user.agent,
        userId: out ? '' : String(user.id),
      })
      summary[play ? 'plays' : 'events']++
      if (song) summary.matched++
      yield `${line}\n`
      if (random.chance(0.001)) {
        summary.identical++
        yield `${line}\n`
      }
      if (random.chance(0.0003)) {
        summary.broken++
        yield random.chance(0.5)
          ? `${line.slice(0, 100)}\n`
          : `${line
              .replace(/"userId":"\d+"/, '"userId":""')
              .replace('"page":"Home"', '"page":"NextSong"')
              .replace(/"itemInSession":\d+/, '"itemInSession":-1')}\n`
      }
    }
    left -= length
  }
}

/** One of a hundred; one in five changes their level on a day of their own. */
function userOf(seed: number, number: number, day: number) {
  const random = new Random(seed, 3_000_000 + number)
  const [firstName, lastName] = [
    random.pick(['Lily', 'Kaylee', 'Ryan', 'Jóse']),
    random.pick(['Koch', 'Summers', 'O’Neil']),
  ]
  const gender = random.pick(['F', 'M'])
  const paidFrom = random.chance(0.2) ? random.below(20) : random.chance(0.3) ? 0 : Number.POSITIVE_INFINITY
  return {
    id: 1 + number,
    firstName,
    lastName,
    gender,
    location: random.pick(PLACES),
    agent: random.pick(AGENTS),
    level: day >= paidFrom ? 'paid' : 'free',
  }
}
