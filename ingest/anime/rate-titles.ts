import { type RawBuilder, sql } from 'kysely'
import { bayesianMean, PRIOR_SCORES, plainMean } from '../../queries/anime/parts/scores.ts'
import type { Merging } from './merging.ts'
import { codeOf, STATUSES } from './statuses.ts'

const SCORES = Array.from({ length: 10 }, (_, index) => index + 1)

/** Facts `title_rating`, `score_total` and `title_absent`: what the load's own titles make of the ratings that load `from` read. */
export async function rateTitles(merging: Merging, from: number): Promise<void> {
  const { scope, load } = merging
  // Its own are not attached yet.
  const totals = from === scope.loadId ? scope.table('rating_total') : sql.table('anime.rating_total')
  const planned = sql.lit(codeOf('planned'))
  const title = scope.table('title')
  const users = (which: RawBuilder<unknown>) => sql`coalesce(sum(users) filter (where ${which}), 0)::bigint`
  const counts = {
    ...Object.fromEntries(STATUSES.map(({ code, name }) => [name, users(sql`status = ${sql.lit(code)}`)])),
    users: sql`sum(users)::bigint`,
    watchers: users(sql`status <> ${planned}`),
    scores: users(sql`score > 0`),
    score_sum: sql`sum(users * score)::bigint`,
    ...Object.fromEntries(SCORES.map((score) => [`score_${score}`, users(sql`score = ${sql.lit(score)}`)])),
  }
  const own = { scores: sql`counted.scores`, sum: sql`counted.score_sum` }
  const all = { scores: sql`everything.scores`, sum: sql`everything.sum` }
  await merging.fill(
    'title_rating',
    `anime_id, ${Object.keys(counts).join(', ')}, score_average, score_bayesian, episodes_seen, watchers_above`,
    sql`
      with counted as materialized (
        select anime_id, ${sql.join(Object.entries(counts).map(([name, value]) => sql`${value} as ${sql.ref(name)}`))}
        from ${totals} total where load_id = ${sql.lit(from)}
          and anime_id in (select anime_id from ${title})
        group by anime_id),
      everything as (select sum(scores) as scores, sum(score_sum) as sum from counted),
      seen as (
        select anime_id, sum(least(total.episodes, title.episodes) * users)::bigint as episodes,
               coalesce(sum(users) filter (where total.episodes > title.episodes), 0)::bigint as above
        from ${totals} total join ${title} title using (anime_id)
        where total.load_id = ${sql.lit(from)} and status <> ${planned} and title.episodes is not null
        group by anime_id)
      select ${load}::integer, anime_id, ${sql.join(Object.keys(counts).map((name) => sql.ref(`counted.${name}`)))},
             ${plainMean(own)},
             case when counted.scores > 0 then ${bayesianMean(own, all, sql.lit(PRIOR_SCORES))} end,
             case when title.episodes is not null then coalesce(seen.episodes, 0) end,
             case when title.episodes is not null then coalesce(seen.above, 0) end
      from counted cross join everything join ${title} title using (anime_id) left join seen using (anime_id)`,
  )
  await merging.fill(
    'score_total',
    'scores, score_sum',
    sql`select ${load}::integer, coalesce(sum(scores), 0), coalesce(sum(score_sum), 0) from ${scope.table('title_rating')}`,
  )
  await merging.fill(
    'title_absent',
    'anime_id, ratings',
    sql`select ${load}::integer, anime_id, sum(users) from ${totals} total
        where load_id = ${sql.lit(from)} and anime_id not in (select anime_id from ${title}) group by anime_id`,
  )
}
