import { mkdir, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type FilmRecord, type Named, nothingMore } from '../movies/oracle-figures.ts'
import { type Cells, metadata } from '../movies/sources.ts'
import type { Chance } from './chance.ts'

/** A source of the storm, and what it holds. */
export interface StormFile {
  /** As loads name it. */
  source: string
  /** Sound records in the order of the file; of one film the last counts. */
  records: FilmRecord[]
  /** Records that are rejected, and what an admin says each should have been. */
  rejected: { film: FilmRecord; raw: string }[]
}

export const FILE_NAME = 'movies_metadata.csv'
export const FILE_DATE = '2026-10-31'

/** A file of less than a hundred records may have any share of rejected ones. Ids go from 1 to this, so that files have most of their films in common, each with figures of its own. */
const IDS = 100

const COMPANIES = ['Pixar', 'Otter Films', "Mom's Pictures", 'Gaumont', 'Aniplex', 'Nordisk', 'Toho', 'Studio 8']
const GENRES = ['Drama', 'Comedy', 'Animation', 'War', 'Western']

/** Writes a small file of random films, a few of which stand twice, and three of which cannot be read. */
export async function writeStormFile(folder: string, chance: Chance, films: number): Promise<StormFile> {
  const ids = Array.from({ length: IDS }, (_, n) => ({ id: n + 1, place: chance.share() }))
    .sort((a, b) => a.place - b.place)
    .map(({ id }) => id)
  const wanted = ids.slice(0, films)
  const told = [...wanted, ...wanted.slice(0, 4)].map((id) => randomFilm(id, chance))
  const entries: { film: FilmRecord; cells: Cells }[] = told.map((film) => ({ film, cells: cellsOf(film) }))
  // An id that the file has already, one that it has later, and one that it has not at all.
  for (const [place, id] of [
    [films - 5, wanted[3]],
    [3, wanted[films - 3]],
    [7, ids[films]],
  ] as const) {
    const film = randomFilm(id as number, chance)
    entries.splice(place, 0, { film, cells: { ...cellsOf(film), id: 'unreadable' } })
  }
  for (const [index, { film }] of entries.entries()) film.line = index + 2

  const place = path.join(folder, FILE_NAME)
  await mkdir(folder, { recursive: true })
  await writeFile(place, metadata(entries.map(({ cells }) => cells)))
  await utimes(place, new Date(FILE_DATE), new Date(FILE_DATE))
  const broken = entries.filter(({ cells }) => cells.id === 'unreadable')
  return {
    source: place,
    records: entries.filter((entry) => !broken.includes(entry)).map(({ film }) => film),
    rejected: broken.map(({ film }) => ({ film, raw: metadata([cellsOf(film)]).split('\n')[1] as string })),
  }
}

function randomFilm(id: number, chance: Chance): FilmRecord {
  const some = (names: string[], most: number): Named[] => {
    const count = chance.below(most + 1)
    return [...new Set(Array.from({ length: count }, () => chance.below(names.length)))].map((index) => ({
      id: index + 1,
      name: names[index] as string,
    }))
  }
  const money = () => (chance.share() < 0.4 ? '0' : String(1000 + chance.below(900_000_000)))
  const two = (number: number) => String(number).padStart(2, '0')
  return {
    ...nothingMore,
    id,
    line: 0,
    title: `Film ${id} ${chance.below(1000)}`,
    releaseDate:
      chance.share() < 0.05
        ? ''
        : `${1995 + chance.below(12)}-${two(1 + chance.below(12))}-${two(1 + chance.below(28))}`,
    status: 'Released',
    originalLanguage: chance.of(['en', 'fr', 'ja']),
    contentRating: '',
    runtime: String(60 + chance.below(90)),
    budget: money(),
    revenue: money(),
    popularity: `${chance.below(60)}.${chance.below(1_000_000)}`,
    voteAverage: `${chance.below(10)}.${chance.below(10)}`,
    voteCount: String(chance.below(9000)),
    companies: some(COMPANIES, 3),
    genres: some(GENRES, 2),
  }
}

function cellsOf(film: FilmRecord): Cells {
  const list = (things: Named[]) => `[${things.map(({ id, name }) => `{'id': ${id}, 'name': "${name}"}`).join(', ')}]`
  return {
    id: String(film.id),
    title: film.title,
    release_date: film.releaseDate,
    budget: film.budget,
    revenue: film.revenue,
    popularity: film.popularity,
    status: film.status,
    original_language: film.originalLanguage,
    runtime: film.runtime,
    vote_average: film.voteAverage,
    vote_count: film.voteCount,
    production_companies: list(film.companies),
    genres: list(film.genres),
  }
}
