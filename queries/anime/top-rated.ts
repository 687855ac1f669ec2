import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { wholeNumber } from '../params.ts'
import { column, type Rows, report, type Scope } from '../report.ts'
import { lacking } from './parts/lacking.ts'
import { ratedTitles, siteScore, titleColumns } from './parts/rated-titles.ts'
import { bayesianMean, PRIOR_SCORES, plainMean } from './parts/scores.ts'
import { type AnimeDb, fact } from './parts/tables.ts'
import { counts, type TitleParams, titleParams } from './parts/title-params.ts'

const MIN_SCORES = 10

type Params = TitleParams & { min_scores?: number | undefined; prior_scores?: number | undefined }

export default report({
  summary: 'Titles by the scores that users gave them',
  description:
    'A user who gave no score (0 in the source) is in no mean. `score_bayesian` is `(prior_scores × mean of all + sum of the title’s scores) / (prior_scores + scores)`, where the mean of all is over every score of the load, whatever is filtered (`meta.mean_of_all`): a title with few scores stays close to it. Rows go by it unless another order is asked for.',
  version: 1,
  params: z.strictObject({
    min_scores: wholeNumber(1, 1_000_000_000, `Only titles with at least so many scores: ${MIN_SCORES} by default`),
    prior_scores: wholeNumber(
      0,
      1_000_000,
      `How many scores of the mean of all are added to each title’s own: ${PRIOR_SCORES} by default`,
    ),
    ...titleParams,
  }),
  row: z.strictObject({
    ...titleColumns,
    scores: column.count('Users who gave it a score', 'scores'),
    score_average: column.number('Mean of those scores, 6 decimals', 'points of 10'),
    score_bayesian: column.number('The same, drawn towards the mean of all, 6 decimals', 'points of 10'),
    site_score: column.number('The site’s own score, of all its members', 'points of 10'),
  }),
  key: ['anime_id'],
  defaultSort: '-score_bayesian',
  example: { type: 'TV', min_scores: '1' },
  query: (db: AnimeDb, scope, params: Params) =>
    ratedTitles(db, scope, params)
      .where('r.scores', '>=', params.min_scores ?? MIN_SCORES)
      .select([
        'r.anime_id',
        't.title',
        't.type',
        't.year',
        'r.scores',
        'r.score_average',
        bayesian(scope, params.prior_scores).as('score_bayesian'),
        siteScore,
      ]),
  metaShape: {
    mean_of_all: z.number().nullable().describe('Mean of every score of the load, 6 decimals'),
    excluded: z
      .strictObject({
        unscored: z.int().describe('Titles that pass every other filter and have no score'),
        min_scores: z.int().describe('Titles that have fewer scores than are asked for'),
      })
      .describe('What the rows leave out'),
  },
  meta: (db: AnimeDb, scope, params: Params) => [meanOfAll(db, scope), excluded(db, scope, params)],
  lacking,
  decimals: () => ({ score_average: 6, score_bayesian: 6 }),
  compared: {
    names: ['title'],
    additive: () => ['scores'],
    choosesRows: ['min_scores', ...Object.keys(titleParams)],
  },
})

/** With the prior that loads compute it with it is read, so that an index has its order. */
function bayesian(scope: Scope, prior: number | undefined): RawBuilder<number | null> {
  if (prior === undefined || prior === PRIOR_SCORES) return sql<number | null>`r.score_bayesian`
  const total = (of: string) => sql`(select ${sql.ref(of)} from ${fact(scope, 'score_total')})`
  const all = { scores: total('scores'), sum: total('score_sum') }
  return bayesianMean({ scores: sql`r.scores`, sum: sql`r.score_sum` }, all, sql`${prior}::integer`)
}

function meanOfAll(db: AnimeDb, scope: Scope): Rows<Record<string, unknown>> {
  const mean = sql<Record<string, unknown>>`(
    select ${plainMean({ scores: sql`sum(scores)`, sum: sql`sum(score_sum)` })} as mean_of_all from ${fact(scope, 'score_total')})`
  return db.selectFrom(mean.as('told')).select(['mean_of_all']) as unknown as Rows<Record<string, unknown>>
}

function excluded(db: AnimeDb, scope: Scope, params: Params): Rows<Record<string, unknown>> {
  const told = sql<Record<string, unknown>>`(
    select json_build_object(
             'unscored', count(*) filter (where r.scores is null or r.scores = 0),
             'min_scores', count(*) filter (where r.scores > 0 and r.scores < ${params.min_scores ?? MIN_SCORES})) as excluded
    from ${fact(scope, 'title')} t
    left join ${fact(scope, 'title_rating')} r on r.load_id = t.load_id and r.anime_id = t.anime_id
    where t.load_id = ${scope.load} and ${counts(scope, params)})`
  return db.selectFrom(told.as('told')).select(['excluded']) as unknown as Rows<Record<string, unknown>>
}
