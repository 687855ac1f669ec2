import { sql } from 'kysely'
import { z } from 'zod'
import { words, year } from '../params.ts'
import { report } from '../report.ts'
import { containing } from '../search.ts'
import type { AnimeDb } from './parts/tables.ts'
import { sourceColumns, titleDecimals, titleFactColumns, titleFacts } from './parts/title-facts.ts'
import { counts, titleParams } from './parts/title-params.ts'

export default report({
  summary: 'The titles behind a figure, each with the line of the file that it was read from',
  description:
    'Takes the filters of every report on titles: with those of a row (`genre_id` or `studio_id`, and `year`) its rows add up to that row. Titles without a year are listed too, unless years are asked for.',
  version: 1,
  params: z.strictObject({
    q: words('Part of the title, the English or the Japanese one, in any case'),
    year: year('The year'),
    ...titleParams,
  }),
  row: z.strictObject({ ...titleFactColumns, ...sourceColumns }),
  key: ['anime_id'],
  defaultSort: 'anime_id',
  example: { type: 'TV', sort: '-site_score' },
  query: (db: AnimeDb, scope, { q, ...params }) => {
    const titles = titleFacts(db, scope).where(counts(scope, params))
    if (q === undefined) return titles
    const named = ['title', 'title_english', 'title_japanese'].map(
      (name) => sql`coalesce(${containing(sql.ref(`t.${name}`), q)}, false)`,
    )
    return titles.where(sql<boolean>`(${sql.join(named, sql` or `)})`)
  },
  decimals: titleDecimals,
  compared: {
    names: ['title'],
    additive: () => [],
    provenance: Object.keys(sourceColumns),
    choosesRows: ['q', 'year', ...Object.keys(titleParams)],
  },
})
