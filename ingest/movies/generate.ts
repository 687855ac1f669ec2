/**
 * Makes files of any length in the real shape of The Movies Dataset, their oddities in their real proportions: here
 * `movies_metadata.csv`, in the folder `generate` the others, which are about the same films. Every film is a pure function of seed, number of films and its own number, so nothing is remembered: a
 * film that the file repeats is simply made again.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { csvLine, writeLines } from '../generate/csv-file.ts'
import { type CreditsSummary, writeCredits } from './generate/credits.ts'
import { decimal, type Film, MOVIE_COLUMNS, makeFilm, pythonRepr } from './generate/film.ts'
import { type KeywordsSummary, writeKeywords } from './generate/keywords.ts'
import { type LinksSummary, writeLinks } from './generate/links.ts'
import { type RatingsSummary, writeRatings } from './generate/ratings.ts'
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

export const MOST_FILMS = 10_000_000
export const MOST_RATINGS = 1_000_000_000

/** What a generated folder holds: of the films' file, and of each other one. */
export interface FolderSummary extends GenerateSummary {
  credits?: CreditsSummary
  keywords?: KeywordsSummary
  links?: LinksSummary
  ratings?: RatingsSummary
}

/**
 * Writes `movies_metadata.csv` into the folder `out`, and with a number of ratings the rest of the data set: `credits.csv`, `keywords.csv`,
 * `links.csv` and `ratings.csv`, which are many times as long. The same numbers and seed give the same bytes.
 */
export async function generateMovies(options: {
  out: string
  /** Distinct sound films, 0 to 10 million. */
  films: number
  /** Rows of `ratings.csv`, 0 to a thousand million; without it there are films alone. */
  ratings?: number
  /** 32 bits of it are used. */
  seed: number
  /** Called after each piece of the first file with the films made so far. */
  onProgress?: (films: number) => void
}): Promise<FolderSummary> {
  const { out, films, ratings, seed, onProgress } = options
  const path = (name: string) => join(out, name)
  const summary = emptySummary(path('movies_metadata.csv'))
  const records = movieRecords(options)
  if (ratings !== undefined && (!Number.isInteger(ratings) || ratings < 0 || ratings > MOST_RATINGS))
    throw new RangeError(`ratings must be a whole number from 0 to ${MOST_RATINGS}, not ${ratings}`)
  await mkdir(out, { recursive: true })
  summary.bytes = await writeLines(summary.path, lines(records, summary), () => onProgress?.(summary.films))
  if (ratings === undefined) return summary
  const world = new World(films, seed)
  const lists = {
    credits: await writeCredits(path('credits.csv'), world),
    keywords: await writeKeywords(path('keywords.csv'), world),
  }
  const { links, filmOf } = await writeLinks(path('links.csv'), world)
  return { ...summary, ...lists, links, ratings: await writeRatings(path('ratings.csv'), world, filmOf, ratings) }
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

/** The file's lines; counts what they hold. */
function* lines(records: Iterable<MovieRecord>, summary: GenerateSummary): Generator<string> {
  yield csvLine([...MOVIE_COLUMNS])
  for (const record of records) {
    count(record, summary)
    yield csvLine(record.cells)
  }
}

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
