/**
 * Makes a `movies_metadata.csv` of any length in the real shape of The Movies Dataset, its oddities in their real
 * proportions. Every film is a pure function of seed, number of films and its own number, so nothing is remembered: a
 * film that the file repeats is simply made again.
 */
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import {
  BAD_DATES,
  COMPANY_COUNTS,
  COUNTRIES,
  companyName,
  formerName,
  GENRE_COUNTS,
  GENRE_LOTS,
  hash,
  LANGUAGE_LOTS,
  type Language,
  name,
  originalTitle,
  overview,
  Random,
  STATUS_LOTS,
  sentence,
  tagline,
  title,
  YEAR_LOTS,
} from './generate-names.ts'

/** What a generated file holds, so that a load of it can be held against it. */
export interface GenerateSummary {
  path: string
  bytes: number
  /** Records after the header: films + identical + superseded + 2 × brokenFilms. */
  records: number
  /** Distinct films with a sound record. */
  films: number
  /** Films broken in two by a newline outside quotes: one record of 10 fields, then one of 15. They are not in `films`. */
  brokenFilms: number
  /** Records that say what the last record of the same film says. */
  identical: number
  /** Records that differ from the last record of the same film, in popularity and votes. */
  superseded: number
  /** Cells of sound films that do not hold what their column holds; nothing else is wrong with the film. */
  badCells: { budget: number; negativeBudget: number; releaseDate: number }
  /** Films with a blank or a bad release date. */
  undated: number
  /** Films whose budget, revenue, or both are known: above 0 and not a bad cell. */
  budgetKnown: number
  revenueKnown: number
  bothKnown: number
  withoutGenres: number
  withoutCompanies: number
}

/** One record of the file; the cells are the text between the commas, before quoting. */
export interface MovieRecord {
  kind: 'film' | 'identical' | 'superseding' | 'broken'
  film: Film
  cells: string[]
}

/** A film's 24 cells and what the summary counts of it; money is in dollars, 0 where unknown. */
export interface Film {
  cells: string[]
  budget: number
  revenue: number
  dated: boolean
  bad: keyof GenerateSummary['badCells'] | null
  genres: number
  companies: number
}

export const MOVIE_COLUMNS =
  'adult,belongs_to_collection,budget,genres,homepage,id,imdb_id,original_language,original_title,overview,popularity,poster_path,production_companies,production_countries,release_date,revenue,runtime,spoken_languages,status,tagline,title,video,vote_average,vote_count'.split(
    ',',
  )
const OVERVIEW = MOVIE_COLUMNS.indexOf('overview')
const POPULARITY = MOVIE_COLUMNS.indexOf('popularity')
const VOTE_COUNT = MOVIE_COLUMNS.indexOf('vote_count')

/**
 * The real file: 45,430 sound films, and how often each oddity occurs among them. Its bad cells are all in the halves of
 * broken films; here a few sound films have some too, so that a reader's handling of single cells is tried.
 */
const REAL_FILMS = 45_430
const ODDITIES = {
  repeated: 29,
  broken: 3,
  undated: 87,
  tinyPopularity: 154,
  pastInt4: 1,
  badBudget: 3,
  negativeBudget: 2,
  badDate: 3,
}
type Oddity = keyof typeof ODDITIES
const ODDITY_NAMES = Object.keys(ODDITIES)
const MOST_FILMS = 10_000_000
const CHUNK = 1 << 17
/** Lets the next pieces be made while the disk is busy with a few. */
const BYTES_WAITING = 8 * CHUNK

/** Writes `movies_metadata.csv` into the folder `out`; the same films and seed give the same bytes. */
export async function generateMovies(options: {
  out: string
  /** Distinct sound films, 0 to 10 million. */
  films: number
  /** 32 bits of it are used. */
  seed: number
  /** Called after each piece of the file with the films made so far. */
  onProgress?: (films: number) => void
}): Promise<GenerateSummary> {
  const summary = emptySummary(join(options.out, 'movies_metadata.csv'))
  const records = movieRecords(options)
  await mkdir(options.out, { recursive: true })
  const file = createWriteStream(summary.path, { highWaterMark: BYTES_WAITING })
  await pipeline(csvChunks(records, summary, options.onProgress), file)
  return { ...summary, bytes: file.bytesWritten }
}

/** The records of the file in order; each is made when it is asked for. */
export function movieRecords({ films, seed }: { films: number; seed: number }): Iterable<MovieRecord> {
  if (!Number.isInteger(films) || films < 0 || films > MOST_FILMS) {
    throw new RangeError(`films must be a whole number from 0 to ${MOST_FILMS}, not ${films}`)
  }
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed must be a whole number, not ${seed}`)
  return allRecords(new World(films, seed))
}

function* allRecords(world: World): Generator<MovieRecord> {
  let broken = 0
  let repeated = 0
  for (let i = 0; i < world.films; i++) {
    const film = makeFilm(world, i)
    yield { kind: 'film', film, cells: film.cells }
    if (world.has('repeated', i)) yield* repeats(world, i, repeated++)
    // Broken films have numbers, and so ids, after those of all sound films.
    if (world.has('broken', i)) yield* halves(makeFilm(world, world.films + broken++))
  }
}

/**
 * Of 29 films that are repeated 16 are repeated as they were (one of them twice) and 13 with newer figures. The film is
 * an earlier one of the same stretch of the file, so that no film is chosen twice.
 */
function* repeats(world: World, at: number, nth: number): Generator<MovieRecord> {
  const film = makeFilm(world, world.earlierSound(at))
  const newer = (nth * 13 + 16) % 29 >= 16
  if (!newer) yield { kind: 'identical', film, cells: film.cells }
  if (nth % 29 === 1) yield { kind: 'identical', film, cells: film.cells }
  if (newer) yield { kind: 'superseding', film, cells: newerFigures(film.cells) }
}

function newerFigures(cells: string[]): string[] {
  return cells
    .with(POPULARITY, decimal(Math.round(1e6 * Number(cells[POPULARITY]) + 250_000) / 1e6))
    .with(VOTE_COUNT, String(Number(cells[VOTE_COUNT]) + 1))
}

/** The first ten fields with the plot cut short, then the rest of the plot in front of the other fourteen. */
function* halves(film: Film): Generator<MovieRecord> {
  const plot = film.cells[OVERVIEW] ?? ''
  const cut = plot.indexOf('.') + 1
  const first = film.cells.slice(0, OVERVIEW).concat(plot.slice(0, cut))
  const second = [plot.slice(cut), ...film.cells.slice(OVERVIEW + 1)]
  yield { kind: 'broken', film, cells: first }
  yield { kind: 'broken', film, cells: second }
}

/** Yields pieces of the file, counting what they hold. The disk is never more than a few behind. */
function* csvChunks(records: Iterable<MovieRecord>, summary: GenerateSummary, onProgress?: (films: number) => void) {
  let chunk = `${MOVIE_COLUMNS.join(',')}\n`
  for (const record of records) {
    chunk += csvLine(record.cells)
    count(record, summary)
    if (chunk.length > CHUNK) {
      yield chunk
      onProgress?.(summary.films)
      chunk = ''
    }
  }
  yield chunk
  onProgress?.(summary.films)
}

const csvLine = (cells: string[]) => `${cells.map(csvCell).join(',')}\n`

const csvCell = (cell: string) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)

function emptySummary(path: string): GenerateSummary {
  const badCells = { budget: 0, negativeBudget: 0, releaseDate: 0 }
  const records = { records: 0, films: 0, brokenFilms: 0, identical: 0, superseded: 0 }
  const known = { undated: 0, budgetKnown: 0, revenueKnown: 0, bothKnown: 0, withoutGenres: 0, withoutCompanies: 0 }
  return { path, bytes: 0, ...records, badCells, ...known }
}

function count({ kind, film, cells }: MovieRecord, summary: GenerateSummary): void {
  summary.records++
  if (kind === 'identical') summary.identical++
  if (kind === 'superseding') summary.superseded++
  if (kind === 'broken' && cells.length > OVERVIEW + 1) summary.brokenFilms++
  if (kind !== 'film') return
  summary.films++
  if (film.bad !== null) summary.badCells[film.bad]++
  if (!film.dated) summary.undated++
  if (film.budget > 0) summary.budgetKnown++
  if (film.revenue > 0) summary.revenueKnown++
  if (film.budget > 0 && film.revenue > 0) summary.bothKnown++
  if (film.genres === 0) summary.withoutGenres++
  if (film.companies === 0) summary.withoutCompanies++
}

/** What films have in common: their number, their ids, the companies there are, and where the oddities fall. */
class World {
  readonly films: number
  readonly seed: number
  /** Companies that may occur. As in the real file about half do, and they grow more slowly than the films. */
  readonly companies: number
  readonly id: (index: number) => number
  readonly imdb: (index: number) => number

  constructor(films: number, seed: number) {
    this.films = films
    this.seed = seed
    this.companies = Math.ceil(50_000 * (films / REAL_FILMS) ** 0.7)
    const numbers = films + oddities('broken', films)
    this.id = permutation(numbers * 10 + 10, seed)
    this.imdb = permutation(Math.max(numbers * 20, 6_000_000), seed + 1)
  }

  /**
   * Whether an oddity befalls a film. The file is cut into as many equal stretches as the oddity has cases, and in each
   * stretch one film is drawn: the count is exact, and nobody has to remember who was drawn.
   */
  has(oddity: Oddity, index: number): boolean {
    if (index >= this.films) return false
    return this.#drawn(oddity, this.#stretch(oddity, index)) === index
  }

  /** A film without a bad cell in the stretch of the repeated film `at`, before it if there is one. */
  earlierSound(at: number): number {
    const { start } = this.#stretch('repeated', at)
    const first = start + (hash(this.seed, at) % (at - start + 1))
    for (let i = first; i < at; i++) if (!this.isBad(i)) return i
    return at
  }

  isBad(index: number): boolean {
    return this.has('badBudget', index) || this.has('negativeBudget', index) || this.has('badDate', index)
  }

  #stretch(oddity: Oddity, index: number) {
    const cases = oddities(oddity, this.films)
    const nth = Math.floor((index * cases) / this.films)
    const start = Math.ceil((nth * this.films) / cases)
    return { nth, start, end: Math.ceil(((nth + 1) * this.films) / cases) }
  }

  #drawn(oddity: Oddity, { nth, start, end }: { nth: number; start: number; end: number }): number {
    return start + (hash(this.seed + ODDITY_NAMES.indexOf(oddity), nth) % (end - start))
  }
}

/** In proportion to the real file, and at least one in any file that has films. */
const oddities = (oddity: Oddity, films: number) => Math.ceil((ODDITIES[oddity] * films) / REAL_FILMS)

/** Spreads 0, 1, 2, … over 2 … modulus + 1 without meeting the same number twice. */
function permutation(modulus: number, seed: number): (index: number) => number {
  let step = Math.floor(modulus * 0.618)
  while (gcd(step, modulus) !== 1) step++
  const offset = hash(seed, 0) % modulus
  return (index) => 2 + ((index * step + offset) % modulus)
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

/** Makes film number `index`; the cells hold no line end but those of a plot with paragraphs. */
function makeFilm(world: World, index: number): Film {
  const random = new Random(world.seed, index)
  const has = (oddity: Oddity) => world.has(oddity, index)
  const broken = index >= world.films
  const language = random.pick(LANGUAGE_LOTS)
  const english = title(random)
  const { budget, revenue } = money(random, has('pastInt4'))
  const bad = has('badBudget')
    ? 'budget'
    : has('negativeBudget')
      ? 'negativeBudget'
      : has('badDate')
        ? 'releaseDate'
        : null
  const year = random.pick(YEAR_LOTS)
  const dated = bad !== 'releaseDate' && !has('undated')
  const genres = random.chance(0.054) && !broken ? [] : distinct(random, GENRE_LOTS, random.pick(GENRE_COUNTS))
  const companies = random.chance(0.261) && !broken ? [] : companyEntries(world, random)
  const votes = random.chance(0.064) ? 0 : Math.ceil(Math.exp(2.35 + 1.9 * random.normal()))
  const cells = [
    random.chance(0.0002) ? 'True' : 'False',
    random.chance(0.099) ? collection(world, random) : '',
    budgetCell(random, bad, budget),
    list(genres),
    random.chance(0.17) ? `http://www.${name(random).toLowerCase()}film.com/` : '',
    String(world.id(index)),
    imdbId(world, random, index),
    random.chance(0.0003) ? '' : language.code,
    originalTitle(random, language, english),
    broken ? `${sentence(random)} ${sentence(random)}` : plot(random),
    popularity(random, has('tinyPopularity')),
    random.chance(0.008) && !broken ? '' : poster(random),
    list(companies),
    list(random.chance(0.138) ? [] : countries(random, language)),
    bad === 'releaseDate' ? random.pick(BAD_DATES) : dated ? date(random, year) : '',
    String(revenue),
    random.chance(0.006) ? '' : decimal(random.chance(0.034) ? 0 : minutes(random)),
    list(random.chance(0.084) ? [] : spoken(random, language)),
    random.pick(STATUS_LOTS),
    random.chance(0.55) ? '' : tagline(random),
    english,
    random.chance(0.002) ? 'True' : 'False',
    votes === 0 ? '0.0' : decimal(Math.round(10 * Math.min(10, Math.max(0.5, 6.1 + 1.2 * random.normal()))) / 10),
    String(votes),
  ]
  const known = bad === 'budget' || bad === 'negativeBudget' ? 0 : budget
  return { cells, budget: known, revenue, dated, bad, genres: genres.length, companies: companies.length }
}

function distinct<T>(random: Random, items: readonly T[], count: number): T[] {
  const chosen = new Set<T>()
  while (chosen.size < count) chosen.add(random.pick(items))
  return [...chosen]
}

/** Four films in five have no budget, about as many no revenue; a few amounts were entered in thousands or millions. */
function money(random: Random, pastInt4: boolean): { budget: number; revenue: number } {
  const lot = random.next()
  const spent = random.chance(0.03) ? 1 + random.below(999) : rounded(Math.exp(16 + 1.7 * random.normal()), random)
  const taken = random.chance(0.03) ? 1 + random.below(999) : Math.round(spent * Math.exp(0.3 + 1.3 * random.normal()))
  if (pastInt4) return { budget: 237_000_000, revenue: 2_200_000_000 + random.below(600_000_000) }
  return {
    budget: lot < 0.195 ? Math.min(spent, 380_000_000) : 0,
    revenue: lot < 0.118 || lot > 0.955 ? Math.min(Math.max(taken, 1), 2_100_000_000) : 0,
  }
}

const rounded = (dollars: number, random: Random) => {
  const step = random.chance(0.7) ? 10 ** Math.max(0, Math.floor(Math.log10(dollars)) - 1) : 1
  return Math.max(1, Math.round(dollars / step) * step)
}

function budgetCell(random: Random, bad: Film['bad'], budget: number): string {
  if (bad === 'budget') return poster(random)
  return bad === 'negativeBudget' ? String(-1 - random.below(5_000_000)) : String(budget)
}

/** A few companies make very many films (their number falls as one over rank), and a fifth of all credits go to anyone. */
function companyEntries(world: World, random: Random): string[] {
  return Array.from({ length: random.pick(COMPANY_COUNTS) }, () => {
    const common = 4 * (1 + world.companies / 4) ** random.next() - 4
    const id = 1 + (random.chance(0.2) ? random.below(world.companies) : Math.floor(common))
    const former = random.chance(0.3) ? formerName(id) : undefined
    return `{'name': ${pythonRepr(former ?? companyName(id))}, 'id': ${id}}`
  })
}

/** A collection looks the same wherever it appears: all that is drawn for it is drawn from its own number. */
function collection(world: World, random: Random): string {
  const id = 10 + Math.floor(random.next() * random.next() * (world.films / 20))
  const own = new Random(world.seed + 1, id)
  const pictures = `'poster_path': '${poster(own)}', 'backdrop_path': ${own.chance(0.3) ? 'None' : `'${poster(own)}'`}`
  return `{'id': ${id}, 'name': ${pythonRepr(`${title(own)} Collection`)}, ${pictures}}`
}

function countries(random: Random, { countries }: Language): string[] {
  const codes = new Set([random.pick(countries)])
  while (random.chance(0.2)) codes.add(random.pick(random.pick(LANGUAGE_LOTS).countries))
  return [...codes].map((code) => `{'iso_3166_1': '${code}', 'name': '${COUNTRIES[code] ?? ''}'}`)
}

function spoken(random: Random, first: Language): string[] {
  const languages = new Set([first])
  while (random.chance(0.22)) languages.add(random.pick(LANGUAGE_LOTS))
  return [...languages].map(({ code, name }) => `{'iso_639_1': '${code}', 'name': ${pythonRepr(name)}}`)
}

function plot(random: Random): string {
  if (random.chance(0.021)) return ''
  return random.chance(0.003) ? 'No overview found.' : overview(random)
}

function imdbId(world: World, random: Random, index: number): string {
  if (random.chance(0.0004)) return random.chance(0.15) ? '0' : ''
  return `tt${String(world.imdb(index)).padStart(7, '0')}`
}

/** Below 0.0001 Python writes an exponent of two digits, as in 3.6e-05. */
function popularity(random: Random, tiny: boolean): string {
  if (!tiny) return decimal(Math.max(100, Math.round(1e6 * Math.min(550, Math.exp(0.1 + 1.4 * random.normal())))) / 1e6)
  const millionths = 1 + random.below(99)
  return millionths < 10 ? `${millionths}e-06` : `${millionths / 10}e-05`
}

/** As Python writes a float of ordinary size: 81 is 81.0. */
const decimal = (number: number) => (Number.isInteger(number) ? `${number}.0` : String(number))

const minutes = (random: Random) =>
  Math.max(1, Math.round(random.chance(0.12) ? 5 + 40 * random.next() : 98 + 18 * random.normal()))

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Many films are known by their year alone, and were given its first day. */
function date(random: Random, year: number): string {
  if (random.chance(0.06)) return `${year}-01-01`
  const month = random.below(12)
  const day = 1 + random.below(DAYS[month] ?? 28)
  return `${year}-${String(month + 1).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789']

function poster(random: Random): string {
  let path = '/'
  for (let i = 0; i < 27; i++) path += random.pick(LETTERS)
  return `${path}.jpg`
}

const list = (entries: string[]) => `[${entries.join(', ')}]`

/** Writes a text as Python's `repr` does: single quotes unless it holds only those, and what cannot be seen as an escape. */
export function pythonRepr(text: string): string {
  if (/^[ !#-&(-[\]-~]*$/.test(text)) return `'${text}'`
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const body = text.replace(/[\\'"\p{C}\p{Z}]/gu, (character) => {
    if (character === ' ') return character
    if (character === '\\' || character === quote) return `\\${character}`
    return character === "'" || character === '"' ? character : unseen(character)
  })
  return `${quote}${body}${quote}`
}

function unseen(character: string): string {
  const short = { '\t': '\\t', '\n': '\\n', '\r': '\\r' }[character]
  if (short !== undefined) return short
  const hex = (character.codePointAt(0) ?? 0).toString(16)
  if (hex.length <= 2) return `\\x${hex.padStart(2, '0')}`
  return hex.length <= 4 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}
