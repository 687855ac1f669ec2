import type { LoadRequest } from '../../ingest/ledger.ts'
import type { LoadView } from '../../queries/loads.ts'
import { ADMIN_TOKEN, type House } from '../build.ts'

/** Logs and songs as their files have them, and what a test asks of a house that loads them. */

export type Cells = Record<string, unknown>

const DAY = Date.UTC(2018, 10, 15)

/** A play of user 8, in the free level, unless told otherwise; `ts` in seconds after 2018-11-15 where it is small. */
export function play(cells: Cells = {}): Cells {
  const all = {
    artist: 'Des’ree',
    auth: 'Logged In',
    firstName: 'Kaylee',
    gender: 'F',
    itemInSession: 0,
    lastName: 'Summers',
    length: 246.30812,
    level: 'free',
    location: 'Phoenix-Mesa-Scottsdale, AZ',
    method: 'PUT',
    page: 'NextSong',
    registration: 1540344794796,
    sessionId: 139,
    song: 'You Gotta Be',
    status: 200,
    ts: 0,
    userAgent:
      '"Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/35.0.1916.153 Safari/537.36"',
    userId: '8',
    ...cells,
  }
  const { ts } = all
  return typeof ts === 'number' && ts >= 0 && ts < 1e7 && Number.isInteger(ts) ? { ...all, ts: DAY + ts * 1000 } : all
}

export const visit = (cells: Cells = {}): Cells =>
  play({ page: 'Home', method: 'GET', song: null, artist: null, length: null, ...cells })

export const song = (cells: Cells = {}): Cells => ({
  num_songs: 1,
  artist_id: 'ARDESREE000000000A',
  artist_latitude: null,
  artist_longitude: null,
  artist_location: '',
  artist_name: 'Des’ree',
  song_id: 'SOGOTTABE00000000A',
  title: 'You Gotta Be',
  duration: 246.30812,
  year: 0,
  ...cells,
})

/** A log's text: an object on each line, or a line as it is. */
export const log = (...lines: (Cells | string)[]): string =>
  lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')

let folders = 0

/** Writes files by their place into a folder of its own. */
export async function tree(house: House, files: Record<string, string | Buffer>): Promise<string> {
  const folder = `source-${++folders}`
  for (const [name, content] of Object.entries(files)) await house.file(`${folder}/${name}`, content)
  return `${house.folder}/${folder}`
}

export const LOG = 'log_data/2018/11/2018-11-15-events.json'
export const trackFile = (number: number) => `song_data/A/A/TRAAAAA${String(number).padStart(11, '0')}.json`

/** Loads files of logs and songs. */
export const loaded = async (
  house: House,
  files: Record<string, string | Buffer>,
  request: Partial<LoadRequest> = {},
): Promise<LoadView> => await house.load(await tree(house, files), { subject: 'music', ...request })

/** The whole of a report. */
export async function rowsOf(house: House, report: string, query = ''): Promise<Cells[]> {
  const { statusCode, body } = await house.app.inject({
    url: `/v1/music/${report}?format=ndjson${query && `&${query}`}`,
  })
  if (statusCode !== 200) throw new Error(`${report}?${query}: ${body}`)
  return body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .slice(0, -1)
}

/** What an admin asks for. */
export async function deed(house: House, url: string, payload: object = {}, method: 'POST' | 'DELETE' = 'POST') {
  const { statusCode, body } = await house.app.inject({
    url: `/v1/admin${url}`,
    method,
    headers: {
      authorization: `Bearer ${ADMIN_TOKEN}`,
      ...(method === 'POST' && { 'content-type': 'application/json' }),
    },
    ...(method === 'POST' && { payload: JSON.stringify(payload) }),
  })
  return { status: statusCode, body: body === '' ? {} : JSON.parse(body) }
}

/** Has readers see a load that is held, or was seen before. */
export async function publish(house: House, id: number, how: object = {}): Promise<void> {
  const { status, body } = await deed(house, `/loads/${id}/publish`, how)
  if (status !== 200) throw new Error(JSON.stringify(body))
}

/** @returns what readers see now */
export async function rollBack(house: House, to?: number): Promise<number> {
  const { status, body } = await deed(house, '/subjects/music/rollback', to === undefined ? {} : { to })
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body.load
}

/** What was left out of a load: `file line code severity: reason`. */
export async function leftOut(house: House, id: number): Promise<string[]> {
  const { body } = await house.get(`/v1/loads/${id}/rejects?limit=1000`)
  return body.data.map(
    (row: Cells) =>
      `${row.file} ${row.line} ${row.code} ${row.severity}: ${row.column ? `${row.column}: ` : ''}${row.reason}`,
  )
}

/** Numbers of each file: read = loaded + rejected + duplicate. */
export const countsOf = ({ files }: LoadView): string[] =>
  files.map(
    ({ name, read, loaded, rejected, duplicate, unmatched }) =>
      `${name.replace(/.*\//, '')}: ${read} = ${loaded} + ${rejected} + ${duplicate} + ${unmatched}`,
  )

/** Columns that tell how a row came here, and not what it says. */
const PROVENANCE = ['songplay_id', 'source_load_id', 'source_file', 'source_line']
const REPORTS = ['top-songs', 'top-artists', 'plays', 'users', 'sessions', 'songplays']

/** Everything that readers are told, whatever the order in which it came. */
export async function figures(house: House, asOf?: number): Promise<Record<string, string[]>> {
  const query = asOf === undefined ? '' : `as_of=${asOf}`
  const all = REPORTS.map(async (report) => {
    const rows = await rowsOf(house, report, query)
    for (const row of rows) for (const column of PROVENANCE) delete row[column]
    return [report, rows.map((row) => JSON.stringify(row)).sort()]
  })
  return Object.fromEntries(await Promise.all(all))
}

/** Plays that readers see, as `session/item`. */
export const playsSeen = async (house: House, query = ''): Promise<string[]> =>
  (await rowsOf(house, 'songplays', `${query}&sort=session_id,item_in_session`)).map(
    ({ session_id, item_in_session }) => `${session_id}/${item_in_session}`,
  )
