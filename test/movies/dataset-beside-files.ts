import { createHash } from 'node:crypto'
import type { Beside, Credits, Rating } from './dataset-beside.ts'
import type { FilmRecord } from './oracle-figures.ts'
import type { PriceIndexes } from './oracle-prices.ts'
import { python } from './python-repr.ts'

/** The files that stand beside the films, and what a reader must make of them. */

export interface Counts {
  read: number
  loaded: number
  rejected: number
  duplicate: number
  unmatched: number
}

/** The text of each file by its name. */
export function besideFiles({ credits, keywords, links, ratings, series, newline }: Beside): Map<string, string> {
  const text = (lines: string[]) => lines.map((line) => line + newline).join('')
  const seriesFiles = series.map(({ name, heads, months }): [string, string] => {
    const quote = (cell: string) => (heads === 'Date' ? `"${cell}"` : cell)
    const lines = months.map(([month, value]) => `${month}-01,${value}`)
    return [`${name}.csv`, text([`${quote(heads)},${quote(name)}`, ...lines])]
  })
  return new Map([
    ['credits.csv', text(['cast,crew,id', ...credits.map(creditsLine)])],
    [
      'keywords.csv',
      text([
        'id,keywords',
        ...keywords.map(
          ({ film, keywords }) => `${film},${quoted(python(keywords.map(({ id, name }) => ({ id, name }))))}`,
        ),
      ]),
    ],
    [
      'links.csv',
      text([
        'movieId,imdbId,tmdbId',
        ...links.map(({ movie, film }) => `${movie},${String(114000 + movie).padStart(7, '0')},${film ?? ''}`),
      ]),
    ],
    [
      'ratings.csv',
      text([
        'userId,movieId,rating,timestamp',
        ...ratings.map((rating) => ('text' in rating ? rating.text : ratingLine(rating))),
      ]),
    ],
    ...seriesFiles,
  ])
}

function creditsLine({ film, cast, crew, unreadable }: Credits): string {
  const players = cast.map(({ id, name, character }, order) => ({
    cast_id: order,
    character,
    credit_id: `52fe4284c3a36847f80${order}`,
    gender: order % 3,
    id,
    name,
    order,
    profile_path: null,
  }))
  const workers = crew.map(({ id, name, job, department }, index) => ({
    credit_id: `52fe4284c3a36847f81${index}`,
    department,
    gender: index % 3,
    id,
    job,
    name,
    profile_path: '/a.jpg',
  }))
  const cell = (column: 'cast' | 'crew', list: Parameters<typeof python>[0]) =>
    unreadable === column ? quoted("[{'id': 1") : quoted(python(list))
  return `${cell('cast', players)},${cell('crew', workers)},${film}`
}

const ratingLine = ({ user, movie, halves, short, timestamp }: Rating) =>
  `${user},${movie},${short && halves % 2 === 0 ? halves / 2 : (halves / 2).toFixed(1)},${timestamp}`

const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)

/** The records of films with all that the other files tell of them: of what stands twice the last. */
export function told<T extends FilmRecord>(records: T[], { credits, keywords }: Beside): T[] {
  const credited = new Map(credits.map((one) => [one.film, one]))
  const keyed = new Map(keywords.map((one) => [one.film, one.keywords]))
  return records.map((record) => {
    const { cast = [], crew = [], unreadable = null } = credited.get(record.id) ?? {}
    return {
      ...record,
      cast: unreadable === 'cast' ? [] : cast,
      crew: unreadable === 'crew' ? [] : crew,
      keywords: keyed.get(record.id) ?? [],
    }
  })
}

/** Of each user and movie the last. */
const kept = (ratings: Beside['ratings']): Rating[] => [
  ...new Map(
    ratings.flatMap((rating) => ('text' in rating ? [] : [[`${rating.user} ${rating.movie}`, rating] as const])),
  ).values(),
]

/** How often each number of stars was given to each film, over all of its MovieLens ids. */
export function ratingsOf(films: FilmRecord[], { links, ratings }: Beside): Map<number, number[]> {
  const there = new Set(films.map(({ id }) => id))
  const linked = new Map(links.map(({ movie, film }) => [movie, film]))
  const found = new Map<number, number[]>()
  for (const { movie, halves } of kept(ratings)) {
    const film = linked.get(movie) ?? null
    if (film === null || !there.has(film)) continue
    const stars = found.get(film) ?? new Array<number>(10).fill(0)
    stars[halves - 1] = (stars[halves - 1] as number) + 1
    found.set(film, stars)
  }
  return found
}

export function pricesOf(beside: Beside, loadId: number): PriceIndexes {
  const files = besideFiles(beside)
  return new Map(
    beside.series.map(({ name, months }) => {
      const file = `${name}.csv`
      const sha256 = createHash('sha256')
        .update(files.get(file) as string)
        .digest('hex')
      return [name, { file, sha256, loadId, months: new Map(months) }]
    }),
  )
}

/** What becomes of the records of each file. */
export function besideCounts(films: FilmRecord[], { credits, keywords, links, ratings, series }: Beside) {
  const there = new Set(films.map(({ id }) => id))
  const linked = new Map(links.map(({ movie, film }) => [movie, film]))
  const counts = (read: number, sound: number, distinct: number, unmatched: number): Counts => ({
    read,
    loaded: distinct - unmatched,
    rejected: read - sound,
    duplicate: sound - distinct,
    unmatched,
  })
  const ofFilms = (records: { film: number }[]) => {
    const distinct = [...new Set(records.map(({ film }) => film))]
    return counts(records.length, records.length, distinct.length, distinct.filter((film) => !there.has(film)).length)
  }
  const sound = ratings.filter((rating) => !('text' in rating))
  const reasons = kept(ratings).map(({ movie }) => {
    const film = linked.get(movie)
    return film === undefined ? 'no_link' : film === null ? 'blank_tmdb_id' : there.has(film) ? '' : 'film_absent'
  })
  const unmatched = reasons.filter((reason) => reason !== '').length
  return new Map([
    ['credits.csv', ofFilms(credits)],
    ['keywords.csv', ofFilms(keywords)],
    ['links.csv', counts(links.length, links.length, links.length, 0)],
    ['ratings.csv', counts(ratings.length, sound.length, reasons.length, unmatched)],
    ...series.map(
      ({ name, months }) => [`${name}.csv`, counts(months.length, months.length, months.length, 0)] as const,
    ),
  ])
}
