import { z } from 'zod'
import { count, requiredInt4Id } from '../cells.ts'
import type { FileFormat, Format } from '../subject.ts'
import { knownCells, plainNames, plainText, positiveCount, requiredName, siteScore } from './cells.ts'
import { listFiles } from './list-files.ts'
import { fewFigures, type Title } from './title.ts'
import { titles } from './titles.ts'

const cells = z.object({
  anime_id: requiredInt4Id,
  name: requiredName,
  genre: plainNames,
  type: plainText,
  episodes: positiveCount,
  rating: siteScore,
  members: count,
})

const COLUMNS = ['anime_id', 'name', 'genre', 'type', 'episodes']

const titlesFile: FileFormat<Title> = {
  family: titles,
  fileName: 'anime.csv',
  required: true,
  read: 'csv',
  columns: COLUMNS,
  optional: ['rating', 'members'],
  telling: [],
  identity: ['anime_id', 'name'],
  record: knownCells('name')
    .pipe(cells)
    .transform(
      ({ anime_id, name, genre, type, episodes, rating, members }): Title => ({
        id: anime_id,
        title: name,
        titleEnglish: null,
        titleJapanese: null,
        type,
        episodes,
        airedFrom: null,
        airedTo: null,
        year: null,
        season: null,
        sourceMaterial: null,
        duration: null,
        ageRating: null,
        genres: genre,
        studios: [],
        producers: [],
        licensors: [],
        site: fewFigures(rating, members),
      }),
    ),
}

export const anime2016: Format = {
  name: 'anime-2016',
  summary:
    'Anime Recommendations Database (2016): anime.csv, one line a title of MyAnimeList with genres, type, episodes, score and members; with watching_status.csv and animelist.csv, if they are there. It has no dates, studios and synopses',
  idSpace: 'myanimelist',
  identifiedBy: 'id',
  files: [titlesFile, ...listFiles],
}
