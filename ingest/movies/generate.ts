/**
 * Makes a `movies_metadata.csv` of any length in the real shape of The Movies Dataset, its oddities in their real
 * proportions. Every film is a pure function of seed, number of films and its own number, so nothing is remembered: a
 * film that the file repeats is simply made again.
 */
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { decimal, type Film, MOVIE_COLUMNS, makeFilm, pythonRepr } from './generate/film.ts'
import { World } from './generate/world.ts'

export { MOVIE_COLUMNS, pythonRepr }

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

const OVERVIEW = MOVIE_COLUMNS.indexOf('overview')
const POPULARITY = MOVIE_COLUMNS.indexOf('popularity')
const VOTE_COUNT = MOVIE_COLUMNS.indexOf('vote_count')

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
