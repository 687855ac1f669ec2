import { z } from 'zod'
import { column, report } from '../report.ts'
import { lacking } from './parts/lacking.ts'
import { excludedShape, excludedTitles, ratedTitles, statusColumns, titleColumns } from './parts/rated-titles.ts'
import type { AnimeDb } from './parts/tables.ts'
import { titleParams } from './parts/title-params.ts'

const { anime_id, title, ...more } = titleColumns

export default report({
  summary: 'Titles by how many users watch them: now, to the end, or not any more',
  description:
    'Users by what their list says of a title. `watchers` are all who have begun it: every status but `planned`. Rows go by it unless another order is asked for. Titles on nobody’s list are in no row.',
  version: 1,
  params: z.strictObject(titleParams),
  row: z.strictObject({
    anime_id,
    title,
    ...statusColumns,
    watchers: column.count('Users who have begun it: all but those who plan to', 'users'),
    users: column.count('Users who have it on their list', 'users'),
    ...more,
  }),
  key: ['anime_id'],
  defaultSort: '-watchers',
  example: { type: 'TV', sort: '-completed' },
  query: (db: AnimeDb, scope, params) =>
    ratedTitles(db, scope, params).select([
      'r.anime_id',
      't.title',
      'r.watching',
      'r.completed',
      'r.on_hold',
      'r.dropped',
      'r.planned',
      'r.watchers',
      'r.users',
      't.type',
      't.year',
    ]),
  metaShape: excludedShape,
  meta: (db: AnimeDb, scope, params) => [excludedTitles(db, scope, params)],
  lacking,
  compared: {
    names: ['title'],
    additive: () => [...Object.keys(statusColumns), 'watchers', 'users'],
    choosesRows: Object.keys(titleParams),
  },
})
