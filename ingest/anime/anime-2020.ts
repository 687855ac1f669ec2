import { z } from 'zod'
import { count, requiredInt4Id } from '../cells.ts'
import type { FileFormat, Format } from '../subject.ts'
import { aired, premiered, premiereOf } from './aired.ts'
import { knownCells, plainNames, plainText, positiveCount, requiredName, siteScore } from './cells.ts'
import { listFiles } from './list-files.ts'
import { type Synopsis, synopses } from './synopses.ts'
import type { Title } from './title.ts'
import { titles } from './titles.ts'

/** Columns of how many members of the site gave 1, 2 … 10. */
const SCORES = Array.from({ length: 10 }, (_, index) => `Score-${index + 1}`)

const cells = z.object({
  MAL_ID: requiredInt4Id,
  Name: requiredName,
  Score: siteScore,
  Genres: plainNames,
  'English name': plainText,
  'Japanese name': plainText,
  Type: plainText,
  Episodes: positiveCount,
  Aired: aired,
  Premiered: premiered,
  Producers: plainNames,
  Licensors: plainNames,
  Studios: plainNames,
  Source: plainText,
  Duration: plainText,
  Rating: plainText,
  Ranked: positiveCount,
  Popularity: positiveCount,
  Members: count,
  Favorites: count,
  Watching: count,
  Completed: count,
  'On-Hold': count,
  Dropped: count,
  'Plan to Watch': count,
  ...Object.fromEntries(SCORES.map((column) => [column, count])),
})

const record = knownCells('Name')
  .pipe(cells)
  .transform((cells): Title => {
    const scores = SCORES.map((column) => (cells as Record<string, unknown>)[column] as string | null)
    return {
      id: cells.MAL_ID,
      title: cells.Name,
      titleEnglish: cells['English name'],
      titleJapanese: cells['Japanese name'],
      type: cells.Type,
      episodes: cells.Episodes,
      airedFrom: cells.Aired.from,
      airedTo: cells.Aired.to,
      ...premiereOf(cells.Premiered, cells.Aired.from),
      sourceMaterial: cells.Source,
      duration: cells.Duration,
      ageRating: cells.Rating,
      genres: cells.Genres,
      studios: cells.Studios,
      producers: cells.Producers,
      licensors: cells.Licensors,
      site: {
        score: cells.Score,
        rank: cells.Ranked,
        popularityRank: cells.Popularity,
        members: cells.Members,
        favorites: cells.Favorites,
        watching: cells.Watching,
        completed: cells.Completed,
        onHold: cells['On-Hold'],
        dropped: cells.Dropped,
        planned: cells['Plan to Watch'],
        scores: scores.some((users) => users !== null) ? scores : null,
      },
    }
  })

/** Synopses come with the first and fourth of these, so others must tell titles. */
const COLUMNS = ['MAL_ID', 'Name', 'Genres', 'Type', 'Episodes', 'Aired']

const titlesFile: FileFormat<Title> = {
  family: titles,
  fileName: 'anime.csv',
  required: true,
  read: 'csv',
  columns: COLUMNS,
  optional: Object.keys(cells.shape).filter((column) => !COLUMNS.includes(column)),
  telling: [],
  identity: ['MAL_ID', 'Name'],
  record,
}

/** What the site says of a title that nobody has described. */
const isNone = (synopsis: string | null) => synopsis?.startsWith('No synopsis information has been added') ?? false

const synopsesFile: FileFormat<Synopsis> = {
  family: synopses,
  fileName: 'anime_with_synopsis.csv',
  required: false,
  read: 'csv',
  // So spelled.
  columns: ['MAL_ID', 'sypnopsis'],
  optional: [],
  telling: [],
  identity: ['MAL_ID'],
  record: knownCells('')
    .pipe(z.object({ MAL_ID: requiredInt4Id, sypnopsis: plainText }))
    .transform(
      (cells): Synopsis => ({ animeId: cells.MAL_ID, synopsis: isNone(cells.sypnopsis) ? null : cells.sypnopsis }),
    ),
}

export const anime2020: Format = {
  name: 'anime-2020',
  summary:
    'Anime Recommendation Database 2020: anime.csv, one line a title of MyAnimeList, `Unknown` where nothing is known; with anime_with_synopsis.csv, watching_status.csv and animelist.csv, as far as they are there',
  idSpace: 'myanimelist',
  identifiedBy: 'id',
  files: [titlesFile, synopsesFile, ...listFiles],
}
