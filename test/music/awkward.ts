import { type Cells, log, play, song, trackFile, visit } from './scene.ts'

/** Logs written by hand, of what makes counting hard. */

const at = (date: string) => Date.parse(`${date}Z`)
const SAFARI =
  '"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_4) AppleWebKit/537.78.2 (KHTML, like Gecko) Version/7.0.6 Safari/537.78.2"'

/** One title by one artist in three lengths, of which the catalog has two, one of them twice. */
const twins = [
  song({ song_id: 'SOTWINB', duration: 200.5 }),
  song({ song_id: 'SOTWINA', duration: 200.5 }),
  song({ song_id: 'SOTWINC', duration: 201 }),
  song({
    song_id: 'SOUNICODE',
    artist_id: 'ARUNI',
    artist_name: 'Sigur Rós “Live”',
    title: 'Ára bátur 夢 \\ "x"',
    duration: 1e2,
  }),
  // Another spelling of the same letters is another title.
  song({ song_id: 'SODECOMPOSED', artist_id: 'ARUNI', artist_name: 'Sigur Rós “Live”', title: 'Ára', duration: 100 }),
]

const lengths = [200.5, 201, 201, 202, null, 200.5].map((length, item) =>
  play({ length, itemInSession: item, ts: 60 + item }),
)

/** Of nobody, of somebody, of nobody again; and then of two users. */
const anonymous = {
  userId: '',
  firstName: null,
  lastName: null,
  gender: null,
  registration: null,
  location: null,
  userAgent: null,
}
const login = [
  visit({ ...anonymous, auth: 'Logged Out', page: 'Home', sessionId: 7, itemInSession: 0, ts: 100 }),
  visit({ ...anonymous, userId: null, page: 'Login', sessionId: 7, itemInSession: 1, ts: 101 }),
  play({ sessionId: 7, itemInSession: 2, ts: 102, userId: 12, location: 'São José, CA | "x"' }),
  play({ sessionId: 7, itemInSession: 3, ts: 103, userId: '11', userAgent: SAFARI, location: "L'Île" }),
  visit({ ...anonymous, level: null, page: 'Logout', sessionId: 7, itemInSession: 4, ts: 104 }),
  visit({ ...anonymous, sessionId: 8, itemInSession: 0, ts: 100 }),
]

/** To and fro, with two changes in one second, an event that tells no level, and a new name. */
const levels = ['free', 'paid', 'paid', null, 'free', 'paid', 'free', 'free', 'paid'].flatMap((level, number) => [
  visit({
    userId: '20',
    level,
    lastName: number < 5 ? 'Koch' : 'O’Neil',
    sessionId: 20 + (number % 2),
    itemInSession: number,
    ts: 86_400 * number,
  }),
  play({
    userId: '20',
    level,
    sessionId: 20 + (number % 2),
    itemInSession: 100 + number,
    ts: 86_400 * number,
    lastName: number < 5 ? 'Koch' : 'O’Neil',
  }),
])

/** Over midnight, the new year, and weeks 53 and 1: 2020 ends in week 53, 2018-12-31 is in week 1 of 2019. */
const nights = [
  '2018-12-30T23:59:59.999',
  '2018-12-31T00:00:00.000',
  '2019-01-01T00:00:00.001',
  '2020-02-29T12:00:00.000',
  '2020-12-27T23:59:59.999',
  '2020-12-31T23:59:59.999',
  '2021-01-01T00:00:00.000',
  '2021-01-03T23:30:00.000',
  '2021-01-04T00:00:00.000',
].flatMap((date, number) => [
  play({ userId: '30', sessionId: 30 + Math.floor(number / 3), itemInSession: number, ts: at(date) }),
  play({
    userId: '31',
    sessionId: 30 + Math.floor(number / 3),
    itemInSession: number,
    ts: at(date) + 1,
    level: 'paid',
  }),
])

const odd: (Cells | string)[] = [
  play({ sessionId: 40, song: ' Ára bátur 夢 \\ "x" ', artist: 'Sigur Rós “Live”', length: 100, userAgent: '""' }),
  play({
    sessionId: 40,
    itemInSession: 1,
    song: 'A\u0301ra',
    artist: 'Sigur Rós “Live”',
    length: 100.0,
    userAgent: 'Wget/1.9',
  }),
  play({
    sessionId: 40,
    itemInSession: 2,
    song: 'you gotta be',
    userAgent: 'Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1)',
  }),
  play({ sessionId: 40, itemInSession: 3, song: '🎵\u2028', artist: 'null', location: 'constructor', level: '' }),
  // The same event again, also with other values, and the same again but for a millisecond.
  play({ sessionId: 41, ts: 500 }),
  play({ sessionId: 41, ts: 500 }),
  play({ sessionId: 41, ts: 500, song: 'Another', level: 'paid' }),
  play({ sessionId: 41, ts: at('2018-11-15T00:08:20.001') }),
  // What is none.
  '{"artist": "broken',
  play({ userId: '', sessionId: 42 }),
  play({ userId: 'abc', sessionId: 42, itemInSession: 1 }),
  play({ song: ' ', sessionId: 42, itemInSession: 2 }),
  visit({ userId: 'abc', sessionId: 42, itemInSession: 3 }),
  play({ ts: 1_542_241_826, sessionId: 42, itemInSession: 4 }),
  '',
]

/** Two hundred lines of one hour, of forty users, who play few songs again and again. */
const many = Array.from({ length: 200 }, (_, number) =>
  (number % 5 === 0 ? visit : play)({
    userId: String(100 + (number % 40)),
    sessionId: 100 + (number % 57),
    itemInSession: number,
    ts: 3600 * 20 + ((number * 17) % 3600),
    level: number % 3 === 0 ? 'paid' : 'free',
    location: ['Paris', 'Rome', null][number % 3],
    ...(number % 5 === 0 ? {} : { song: `Song ${number % 7}`, artist: `Artist ${number % 4}` }),
  }),
)

export const awkward: Record<string, string> = {
  'log_data/2018/11/2018-11-15-events.json': log(...lengths, ...odd, ...login),
  'log_data/2018/11/2018-11-16-events.json': log(...levels, ...many),
  // The same again, with other things between: repeats of another file.
  'log_data/2018/12/2018-12-30-events.json': log(...lengths, ...nights, ...login.slice(2)),
  ...Object.fromEntries(twins.map((one, number) => [trackFile(number), JSON.stringify(one)])),
}
