/**
 * What the reports should say, from the files alone: written from the descriptions at `GET /v1`, in plain loops, and sharing nothing with the program.
 */

export interface LogFile {
  name: string
  text: string
}

export interface Event {
  file: string
  line: number
  time: number
  page: string
  user: number | null
  session: number
  item: number
  level: string | null
  location: string | null
  agent: string | null
  family: string | null
  song: string
  artist: string
  length: number | null
  /** Of the catalog. */
  songId: string | null
  artistId: string | null
  person: (string | null)[]
  registered: string | null
}

type Row = Record<string, unknown>
// biome-ignore lint/suspicious/noExplicitAny: whatever a file holds
type Raw = Record<string, any>

const word = (cell: unknown): string | null =>
  cell === null || cell === undefined ? null : String(cell).trim() || null
const whole = (cell: unknown, least: number): boolean =>
  /^\d+(\.0*)?$/.test(String(cell ?? '').trim()) && Number(cell) >= least && Number(cell) < 2 ** 53

/** The sound events of logs in the order of their files, each once: the first that has its session, item and time. */
export function eventsOf(logs: LogFile[], songs: LogFile[]): Event[] {
  const catalog = songs.flatMap(({ text }) =>
    text
      .split('\n')
      .filter((line) => line.trim())
      .map((line) => JSON.parse(line) as Raw),
  )
  const events = new Map<string, Event>()
  for (const { name, text } of [...logs].sort((a, b) => (a.name < b.name ? -1 : 1)))
    for (const [index, line] of text.split('\n').entries()) {
      const raw = parsed(line)
      if (!raw || !isSound(raw)) continue
      const key = [Number(raw.sessionId), Number(raw.itemInSession), Number(raw.ts)].join()
      if (!events.has(key)) events.set(key, eventOf(raw, name, index + 1, catalog))
    }
  return [...events.values()].sort((a, b) => a.time - b.time || a.session - b.session || a.item - b.item)
}

function parsed(line: string): Raw | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function isSound(raw: Raw): boolean {
  if (!whole(raw.ts, Date.UTC(2000, 0)) || Number(raw.ts) >= Date.UTC(2100, 0) || word(raw.page) === null) return false
  if (!whole(raw.sessionId, 1) || !whole(raw.itemInSession, 0)) return false
  if (raw.page !== 'NextSong') return word(raw.userId) === null || whole(raw.userId, 1)
  return whole(raw.userId, 1) && word(raw.song) !== null && word(raw.artist) !== null
}

function eventOf(raw: Raw, file: string, line: number, catalog: Raw[]): Event {
  const [song, artist] = [word(raw.song) ?? '', word(raw.artist) ?? '']
  const length = word(raw.length) === null ? null : Number(raw.length)
  const [match] = catalog
    .filter((one) => one.title.trim() === song && one.artist_name.trim() === artist && one.duration === length)
    .sort((a, b) => (a.song_id < b.song_id ? -1 : 1))
  const agent = word(word(raw.userAgent)?.replace(/^"*(.*?)"*$/s, '$1'))
  return {
    file,
    line,
    time: Number(raw.ts),
    page: raw.page,
    user: word(raw.userId) === null ? null : Number(raw.userId),
    session: Number(raw.sessionId),
    item: Number(raw.itemInSession),
    level: word(raw.level),
    location: word(raw.location),
    agent,
    family: agent && familyOf(agent),
    song,
    artist,
    length,
    songId: match?.song_id ?? null,
    artistId: match?.artist_id ?? null,
    person: [word(raw.firstName), word(raw.lastName), word(raw.gender)],
    registered: word(raw.registration) === null ? null : instant(Number(raw.registration)),
  }
}

/** Enough for the agents of the tests. */
const FAMILIES: [RegExp, string][] = [
  [/MSIE|Trident/, 'Internet Explorer'],
  [/Firefox/, 'Firefox'],
  [/Chromium/, 'Chromium'],
  [/Chrome/, 'Chrome'],
  [/Safari/, 'Safari'],
]
const familyOf = (agent: string) => FAMILIES.find(([pattern]) => pattern.test(agent))?.[1] ?? 'Other'

export const instant = (time: number) => new Date(time).toISOString()

export interface Choice {
  from?: string
  to?: string
  level?: string[]
  location?: string[]
  family?: string[]
  user?: number[]
}

const isPlay = ({ page }: Event) => page === 'NextSong'
/** A day is within a month or a year when it begins with it. */
const since = ({ from }: Choice, { time }: Event) => from === undefined || instant(time).slice(0, from.length) >= from
const until = ({ to }: Choice, { time }: Event) => to === undefined || instant(time).slice(0, to.length) <= to
const among = <T>(list: T[] | undefined, value: T | null) =>
  list === undefined || (value !== null && list.includes(value))

const chosen = (events: Event[], choice: Choice): Event[] =>
  events.filter(
    (event) =>
      since(choice, event) &&
      until(choice, event) &&
      among(choice.level, event.level) &&
      among(choice.location, event.location) &&
      among(choice.family, event.family) &&
      among(choice.user, event.user),
  )

function grouped(events: Event[], by: (event: Event) => unknown): Event[][] {
  const groups = new Map<string, Event[]>()
  for (const event of events) {
    const key = JSON.stringify(by(event))
    groups.set(key, [...(groups.get(key) ?? []), event])
  }
  return [...groups.values()]
}

const distinct = (values: unknown[]) => new Set(values).size
/** The most frequent; ties by code point. */
function usual(ids: (string | null)[]): string | null {
  const known = ids.filter((id) => id !== null)
  const times = (id: string) => known.filter((other) => other === id).length
  return known.sort((a, b) => times(b) - times(a) || (a < b ? -1 : a > b ? 1 : 0))[0] ?? null
}

const tally = (plays: Event[]): Row => ({
  plays: plays.length,
  listeners: distinct(plays.map(({ user }) => user)),
  sessions: distinct(plays.map(({ session }) => session)),
  matched_plays: plays.filter(({ songId }) => songId).length,
})

const lastOf = (events: Event[]) => events.at(-1) as Event

export function topSongs(events: Event[], choice: Choice = {}): Row[] {
  return grouped(chosen(events, choice).filter(isPlay), ({ song, artist }) => [song, artist]).map((plays) => ({
    song_id: usual(plays.map(({ songId }) => songId)),
    song: lastOf(plays).song,
    artist: lastOf(plays).artist,
    ...tally(plays),
    last_played: instant(lastOf(plays).time),
  }))
}

export function topArtists(events: Event[], choice: Choice = {}): Row[] {
  return grouped(chosen(events, choice).filter(isPlay), ({ artist }) => artist).map((plays) => ({
    artist_id: usual(plays.map(({ artistId }) => artistId)),
    artist: lastOf(plays).artist,
    songs: distinct(plays.map(({ song }) => song)),
    ...tally(plays),
    last_played: instant(lastOf(plays).time),
  }))
}

const DAYS = ['7 Sunday', '1 Monday', '2 Tuesday', '3 Wednesday', '4 Thursday', '5 Friday', '6 Saturday']
/** A week belongs to the year of its Thursday. */
function weekOf(time: number): string {
  const date = new Date(time)
  const thursday = new Date(
    Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() + 4 - (date.getUTCDay() || 7)),
  )
  const first = Date.UTC(thursday.getUTCFullYear(), 0, 1)
  return `${thursday.getUTCFullYear()}-W${String(1 + Math.floor((thursday.getTime() - first) / 604_800_000)).padStart(2, '0')}`
}

export const PERIODS: Record<string, (time: number) => string> = {
  hour: (time) => instant(time).slice(0, 13),
  day: (time) => instant(time).slice(0, 10),
  week: weekOf,
  month: (time) => instant(time).slice(0, 7),
  year: (time) => instant(time).slice(0, 4),
  weekday: (time) => DAYS[new Date(time).getUTCDay()] as string,
  hour_of_day: (time) => instant(time).slice(11, 13),
  all: () => 'all',
}

export function playsBy(
  events: Event[],
  grain: string,
  split?: 'level' | 'location' | 'family',
  choice: Choice = {},
): Row[] {
  const period = PERIODS[grain] as (time: number) => string
  const group = (event: Event) => (split ? (event[split] ?? 'unknown') : 'all')
  return grouped(chosen(events, choice).filter(isPlay), (event) => [period(event.time), group(event)]).map((plays) => ({
    period: period(lastOf(plays).time),
    group: group(lastOf(plays)),
    ...tally(plays),
  }))
}

export function sessions(events: Event[], choice: Choice = {}): Row[] {
  return grouped(chosen(events, choice), ({ session }) => session).map((all) => {
    const users = all.flatMap(({ user }) => (user === null ? [] : [user]))
    const [first, last] = [all[0] as Event, lastOf(all)]
    return {
      session_id: first.session,
      user_id: users.length > 0 ? Math.min(...users) : null,
      users: distinct(users),
      level: last.level,
      started_at: instant(first.time),
      ended_at: instant(last.time),
      duration: (last.time - first.time) / 1000,
      events: all.length,
      plays: all.filter(isPlay).length,
    }
  })
}

export function users(events: Event[], choice: Choice = {}): Row[] {
  return grouped(
    chosen(events, choice).filter(({ user }) => user !== null),
    ({ user }) => user,
  ).map((active) => {
    const { user } = lastOf(active)
    const all = events.filter((event) => event.user === user)
    const told = lastOf(all)
    let level: string | null = null
    let level_since: string | null = null
    let upgraded_at: string | null = null
    const changes = { paid: 0, free: 0 }
    for (const event of all) {
      if (event.level === null || !until(choice, event) || event.level === level) continue
      if (level !== null && since(choice, event)) {
        changes[event.level as 'paid' | 'free'] += 1
        if (event.level === 'paid') upgraded_at = instant(event.time)
      }
      level = event.level
      level_since = instant(event.time)
    }
    return {
      user_id: user,
      first_name: told.person[0],
      last_name: told.person[1],
      gender: told.person[2],
      level,
      level_since,
      upgrades: changes.paid,
      downgrades: changes.free,
      upgraded_at,
      plays: active.filter(isPlay).length,
      sessions: distinct(active.map(({ session }) => session)),
      events: active.length,
      first_seen: instant((active[0] as Event).time),
      last_seen: instant(lastOf(active).time),
      registered_at: told.registered,
    }
  })
}

/** Without the numbers that the program gives. */
export const songplays = (events: Event[], choice: Choice = {}): Row[] =>
  chosen(events, choice)
    .filter(isPlay)
    .map((event) => ({
      start_time: instant(event.time),
      user_id: event.user,
      level: event.level,
      song_id: event.songId,
      artist_id: event.artistId,
      session_id: event.session,
      location: event.location,
      user_agent: event.agent,
      song: event.song,
      artist: event.artist,
      length: event.length,
      item_in_session: event.item,
      agent_family: event.family,
      source_file: event.file,
      source_line: event.line,
    }))
