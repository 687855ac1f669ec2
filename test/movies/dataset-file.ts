import fc from 'fast-check'
import { type Beside, beside } from './dataset-beside.ts'
import { besideFiles, told } from './dataset-beside-files.ts'
import {
  countries,
  LARGEST_ID,
  money,
  name,
  named,
  namedList,
  popularity,
  releaseDate,
  runtime,
  spoken,
  status,
  voteAverage,
  voteCount,
} from './film-arbitraries.ts'
import { type FilmRecord, type Named, nothingMore } from './oracle-figures.ts'
import { python } from './python-repr.ts'

/**
 * Small files of the format the-movies-dataset, with all that goes wrong in the real one, and what a reader must make of them.
 */
export interface DatasetFile {
  entries: Entry[]
  newline: '\n' | '\r\n'
  byteOrderMark: boolean
  /** Whether the last line ends. */
  ended: boolean
  /** What other files tell of the films; without it the file stands alone. */
  beside?: Beside
}

/** What stands between two line starts: a record of a film, or text that is so many records and none of them sound. */
export type Entry =
  | { cells: Record<string, string>; film: Omit<FilmRecord, 'line'>; warnings: number }
  | { text: string; records: number }

const COLUMNS =
  'adult,belongs_to_collection,budget,genres,homepage,id,imdb_id,original_language,original_title,overview,popularity,poster_path,production_companies,production_countries,release_date,revenue,runtime,spoken_languages,status,tagline,title,video,vote_average,vote_count'.split(
    ',',
  )

const film = fc.record({
  id: fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 1, max: 14 }) }, fc.constant(LARGEST_ID)),
  title: name,
  releaseDate,
  status,
  originalLanguage: fc.constantFrom('', 'en', 'fr', 'xx'),
  contentRating: fc.constant(''),
  runtime,
  budget: money,
  revenue: money,
  popularity,
  voteAverage,
  voteCount,
  collection: fc.option(named(3), { freq: 2 }),
  companies: namedList(5, 4),
  genres: namedList(4, 3),
  releasePrecision: fc.constant('day' as const),
  countries,
  spoken,
  keywords: fc.constant<Named[]>([]),
  cast: fc.constant<Named[]>([]),
  crew: fc.constant<FilmRecord['crew']>([]),
})

/** Cells that cannot be read: each is blank to the reader, and one warning. */
const BAD_CELLS: { column: string; texts: string[]; blank: Partial<FilmRecord> }[] = [
  { column: 'budget', texts: ['/ff9qCepilowshEtG2GYWwzt2bs4.jpg', '-5', '12.50'], blank: { budget: '' } },
  { column: 'revenue', texts: ['9223372036854775808', '1e6'], blank: { revenue: '' } },
  { column: 'release_date', texts: ['22', '1995-02-30', '12/30/1995'], blank: { releaseDate: '' } },
  { column: 'popularity', texts: ['Beware Of Frost Bites', '-1'], blank: { popularity: '' } },
  { column: 'vote_count', texts: ['many', '1.5'], blank: { voteCount: '' } },
  { column: 'genres', texts: ["[{'id': 'x', 'name': 'Drama'}]", "[{'id': 1"], blank: { genres: [] } },
  { column: 'production_companies', texts: ['False', '{}'], blank: { companies: [] } },
  { column: 'production_countries', texts: ['12', "[{'iso_3166_1': 'US'"], blank: { countries: [] } },
]

const badCells = fc
  .subarray(BAD_CELLS, { maxLength: 2 })
  .chain((some) =>
    fc.tuple(
      ...some.map(({ column, texts, blank }) =>
        fc.record({ column: fc.constant(column), text: fc.constantFrom(...texts), blank: fc.constant(blank) }),
      ),
    ),
  )

const overview = fc.constantFrom('', 'Plain.', 'Two lines,\nand a "quote".', 'Three\n\nlines', "It's 'all' here\\")

const sound: fc.Arbitrary<Entry> = fc
  .tuple(film, overview, fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, badCells), fc.boolean())
  .map(([told, prose, bad, padded]) => ({
    cells: {
      ...cellsOf(told),
      overview: prose,
      // Blanks around a title, a no-break space among them, are not part of it.
      ...(padded ? { title: ` ${told.title}\u00a0` } : {}),
      ...Object.fromEntries(bad.map(({ column, text }) => [column, text])),
    },
    film: Object.assign({ ...told, title: told.title.trim() }, ...bad.map(({ blank }) => blank)),
    warnings: bad.length,
  }))

const untold: Omit<FilmRecord, 'line'> = {
  ...nothingMore,
  id: 3,
  title: '',
  releaseDate: '1995-10-30',
  status: 'Released',
  originalLanguage: 'en',
  contentRating: '',
  runtime: '',
  budget: '1000',
  revenue: '1000',
  popularity: '',
  voteAverage: '',
  voteCount: '',
  companies: [],
  genres: [],
}

const broken: fc.Arbitrary<Entry> = fc.constantFrom(
  // A film broken in two by a stray newline, as three are in the real file.
  {
    text: "False,,0,\"[{'id': 18, 'name': 'Drama'}]\",,82663,tt0113002,en,Midnight Man,\n - Written by Otter,0.065,,\"[{'name': 'Aniplex', 'id': 2883}]\",,1997-08-20,0,104.0,,Released,,Midnight Man,False,6.0,1",
    records: 2,
  },
  { text: 'False,too,few,fields', records: 1 },
  { text: line(cellsOf({ ...untold, title: 'No id' }, { id: '' })), records: 1 },
  { text: line(cellsOf({ ...untold, title: 'A date for an id' }, { id: '1997-08-20' })), records: 1 },
  { text: line(cellsOf({ ...untold, title: 'Half an id' }, { id: '12.5' })), records: 1 },
  { text: line(cellsOf({ ...untold, title: 'Zero is no id' }, { id: '0' })), records: 1 },
  { text: line(cellsOf(untold)), records: 1 },
  { text: line(cellsOf(untold, { title: ' \u00a0' })), records: 1 },
  { text: line(cellsOf({ ...untold, title: 'A stray quote' })).replace('en', 'e"n'), records: 1 },
  { text: line(cellsOf({ ...untold, title: 'Text behind a quote' })).replace('en', '"e"n'), records: 1 },
)

/** @param fewest entries */
const fileOf = (fewest: number): fc.Arbitrary<DatasetFile> =>
  fc
    .record({
      entries: fc
        .array(
          fc.oneof(
            { weight: 14, arbitrary: sound },
            { weight: 2, arbitrary: broken },
            // The same line again, from anywhere before it.
            { weight: 2, arbitrary: fc.nat().map((of) => ({ of })) },
          ),
          { minLength: fewest, maxLength: 26, ...(fewest > 1 ? { size: 'max' } : {}) },
        )
        .map(resolveRepeats)
        // A file without any film is blocked by its checks, which is another law.
        .filter((entries) => entries.some((entry) => 'film' in entry)),
      newline: fc.constantFrom('\n', '\r\n'),
      byteOrderMark: fc.boolean(),
      ended: fc.boolean(),
    })
    // A failure shows the file as it would be written.
    .map((file) => Object.assign(file, { [fc.toStringMethod]: () => writeDataset(file).text }))

export const datasetFile = fileOf(1)

/** The same with all that may stand beside it; films enough to be ranked and shared. */
export const datasetFolder: fc.Arbitrary<DatasetFile> = fc.tuple(fileOf(8), beside).map(([file, others]) =>
  Object.assign({}, file, {
    beside: others,
    [fc.toStringMethod]: () =>
      [['movies_metadata.csv', writeDataset(file).text], ...besideFiles(others)]
        .map(([name, text]) => `${name}\n${text}`)
        .join('\n\n'),
  }),
)

function resolveRepeats(drawn: (Entry | { of: number })[]): Entry[] {
  const entries: Entry[] = []
  for (const entry of drawn) {
    if (!('of' in entry)) entries.push(entry)
    else if (entries.length > 0) entries.push(entries[entry.of % entries.length] as Entry)
  }
  return entries
}

/** The file's text, and the sound records in it, each with the physical line where it starts. */
export function writeDataset({ entries, newline, byteOrderMark, ended, beside }: DatasetFile) {
  const sound: (FilmRecord & { raw: string; warnings: number })[] = []
  const lines = [COLUMNS.join(',')]
  let at = 2
  for (const entry of entries) {
    const text = 'text' in entry ? entry.text.replaceAll('\n', newline) : line(entry.cells)
    if ('film' in entry) sound.push({ ...entry.film, line: at, raw: text, warnings: entry.warnings })
    lines.push(text)
    at += text.split('\n').length
  }
  return {
    text: `${byteOrderMark ? '\uFEFF' : ''}${lines.join(newline)}${ended ? newline : ''}`,
    records: beside ? told(sound, beside) : sound,
    rejected: entries.reduce((sum, entry) => sum + ('records' in entry ? entry.records : 0), 0),
  }
}

/** The entries in another order; those of one film keep theirs. */
export const shuffled = (entries: Entry[], order: number[]): Entry[] =>
  inTurn(entries, order, (entry) => ('film' in entry ? entry.film.id : null))

/** The other way round; what is told of one thing keeps its order. */
export function turned(others: Beside): Beside {
  const turn = <T>(list: T[], keyOf: (one: T) => unknown) => inTurn(list, [...list.keys()].reverse(), keyOf)
  return {
    ...others,
    credits: turn(others.credits, ({ film }) => film),
    keywords: turn(others.keywords, ({ film }) => film),
    links: turn(others.links, ({ movie }) => movie),
    ratings: turn(others.ratings, (rating) => ('text' in rating ? null : `${rating.user} ${rating.movie}`)),
  }
}

function inTurn<T>(list: T[], order: number[], keyOf: (one: T) => unknown): T[] {
  const waiting = [...list]
  return order.map((index) => {
    const key = keyOf(list[index] as T)
    if (key === null) return list[index] as T
    const next = waiting.findIndex((candidate) => keyOf(candidate) === key)
    return waiting.splice(next, 1)[0] as T
  })
}

function cellsOf(told: Omit<FilmRecord, 'line'>, other: Record<string, string> = {}): Record<string, string> {
  const { collection } = told
  return {
    adult: 'False',
    belongs_to_collection: collection
      ? python({ id: collection.id, name: collection.name, poster_path: null, backdrop_path: '/a.jpg' })
      : '',
    budget: told.budget,
    genres: python(told.genres.map(({ id, name }) => ({ id, name }))),
    id: String(told.id),
    original_language: told.originalLanguage,
    popularity: told.popularity,
    production_companies: python(told.companies.map(({ id, name }) => ({ name, id }))),
    production_countries: python(told.countries.map(({ code, name }) => ({ iso_3166_1: code, name }))),
    release_date: told.releaseDate,
    revenue: told.revenue,
    runtime: told.runtime,
    spoken_languages: python(told.spoken.map(({ code, name }) => ({ iso_639_1: code, name }))),
    status: told.status,
    title: told.title,
    video: 'False',
    vote_average: told.voteAverage,
    vote_count: told.voteCount,
    ...other,
  }
}

/** One CSV record; quotes where they are needed. */
function line(cells: Record<string, string>): string {
  return COLUMNS.map((column) => cells[column] ?? '')
    .map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(',')
}
