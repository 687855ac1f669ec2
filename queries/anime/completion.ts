import { sql } from 'kysely'
import { z } from 'zod'
import { quotient } from '../quotient.ts'
import { column, report } from '../report.ts'
import { lacking } from './parts/lacking.ts'
import { excludedShape, excludedTitles, ratedTitles, titleColumns } from './parts/rated-titles.ts'
import type { AnimeDb } from './parts/tables.ts'
import { titleParams } from './parts/title-params.ts'

export default report({
  summary: 'How far users get with each title: episodes seen against those there are, and how many give up',
  description:
    'Watchers are users who have begun a title: every status but `planned`. Of each of them at most as many episodes count as the title has; lists with more are told by `watchers_above`. Where nobody knows how many episodes there are, neither is known how many of them were seen. Titles on nobody’s list are in no row.',
  version: 1,
  params: z.strictObject(titleParams),
  row: z.strictObject({
    ...titleColumns,
    episodes: column.optionalCount('Episodes that there are; null is unknown', 'episodes'),
    watchers: column.count('Users who have begun it', 'users'),
    episodes_seen: column.optionalCount(
      'Episodes that they have seen, of each at most as many as there are; null where that is unknown',
      'episodes',
    ),
    seen_share: column.number(
      '`episodes_seen / (episodes × watchers)`, 6 decimals; null where nobody has begun it, or the episodes are unknown',
      'ratio',
    ),
    watchers_above: column.optionalCount('Watchers whose list has more episodes than there are', 'users'),
    completed: column.count('Users who have seen all of it', 'users'),
    dropped: column.count('Users who have given it up', 'users'),
    drop_rate: column.number(
      '`dropped / (completed + dropped)`, 6 decimals; null where nobody is through with it',
      'ratio',
    ),
  }),
  key: ['anime_id'],
  defaultSort: '-watchers',
  example: { type: 'TV', sort: '-drop_rate' },
  query: (db: AnimeDb, scope, params) =>
    ratedTitles(db, scope, params).select([
      'r.anime_id',
      't.title',
      't.type',
      't.year',
      't.episodes',
      'r.watchers',
      'r.episodes_seen',
      quotient(sql`r.episodes_seen::numeric`, sql`nullif(t.episodes * r.watchers, 0)`, 6).as('seen_share'),
      'r.watchers_above',
      'r.completed',
      'r.dropped',
      quotient(sql`r.dropped::numeric`, sql`nullif(r.completed + r.dropped, 0)`, 6).as('drop_rate'),
    ]),
  metaShape: excludedShape,
  meta: (db: AnimeDb, scope, params) => [excludedTitles(db, scope, params)],
  lacking,
  decimals: () => ({ seen_share: 6, drop_rate: 6 }),
  compared: {
    names: ['title'],
    additive: () => ['watchers', 'episodes_seen', 'watchers_above', 'completed', 'dropped'],
    choosesRows: Object.keys(titleParams),
  },
})
