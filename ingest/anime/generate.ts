/**
 * Makes files of any length in the real shape of the Anime Recommendation Database 2020, their oddities included: titles, synopses, the
 * statuses, and users' lists. Each title and each user is a pure function of the seed and its own number.
 */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { csvLine, writeLines } from '../generate/csv-file.ts'
import type { Generator } from '../subject.ts'
import { NO_SYNOPSIS } from './generate/names.ts'
import { type RatingsSummary, writeRatings } from './generate/ratings.ts'
import { makeTitle, TITLE_COLUMNS } from './generate/title.ts'
import { STATUSES } from './statuses.ts'

const USUAL = { titles: 17_562, ratings: 100_000 }

/** What a generated folder holds, so that a load of it can be held against it. */
export interface AnimeSummary {
  titles: { path: string; bytes: number; records: number; withoutEpisodes: number }
  /** `none` of the records say that there is none. */
  synopses: { path: string; bytes: number; records: number; none: number }
  ratings: RatingsSummary
}

export async function generateAnime(options: {
  out: string
  titles: number
  ratings: number
  seed: number
}): Promise<AnimeSummary> {
  const { out, seed } = options
  await mkdir(out, { recursive: true })
  const file = (name: string) => ({ path: join(out, name), bytes: 0, records: 0 })
  const titles = { ...file('anime.csv'), withoutEpisodes: 0 }
  const synopses = { ...file('anime_with_synopsis.csv'), none: 0 }
  const episodes = new Uint16Array(options.titles)
  const every = function* () {
    for (let index = 0; index < options.titles; index++) yield { index, ...makeTitle(seed, index) }
  }
  titles.bytes = await writeLines(
    titles.path,
    (function* () {
      yield csvLine(TITLE_COLUMNS)
      for (const title of every()) {
        titles.records++
        episodes[title.index] = title.episodes
        if (title.episodes === 0) titles.withoutEpisodes++
        yield csvLine(title.cells)
      }
    })(),
  )
  synopses.bytes = await writeLines(
    synopses.path,
    (function* () {
      yield 'MAL_ID,Name,Score,Genres,sypnopsis\n'
      for (const { cells, synopsis } of every()) {
        if (synopsis === null) continue
        synopses.records++
        if (synopsis === NO_SYNOPSIS) synopses.none++
        yield csvLine([...cells.slice(0, 4), synopsis])
      }
    })(),
  )
  await writeLines(join(out, 'watching_status.csv'), [
    'status, description\n',
    ...STATUSES.map(({ code, description }) => `${code},${description}\n`),
  ])
  const ratings = await writeRatings(join(out, 'animelist.csv'), options.ratings, { seed, episodes })
  return { titles, synopses, ratings }
}

export const generate: Generator = {
  sizes: {
    titles: { of: 'titles', most: 1_000_000, default: USUAL.titles, few: 300 },
    ratings: { of: 'entries of users’ lists', most: 1_000_000_000, default: USUAL.ratings, few: 2000 },
  },
  write: ({ out, seed, sizes: { titles = USUAL.titles, ratings = USUAL.ratings } }) =>
    generateAnime({ out, seed, titles, ratings }),
}
