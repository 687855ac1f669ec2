import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { quotient } from '../../quotient.ts'
import { column, type Rows, report, type Scope } from '../../report.ts'
import { hasRatings } from './lacking.ts'
import { plainMean } from './scores.ts'
import { type AnimeDb, type AnimeTables, fact } from './tables.ts'
import { all, asksYears, counts, type TitleParams, titleParams } from './title-params.ts'

/** What titles are gathered by beside their year. */
interface Gathered {
  by: 'genre' | 'studio'
  /** The dimension that has its names. */
  dimension: 'genre' | 'company'
  summary: string
  description: string
  example: Record<string, string>
}

const measures = {
  titles: column.count('Distinct titles', 'titles'),
  episodes: column.optionalCount('Sum of their known episodes; null when none is known', 'episodes'),
  episodes_known: column.count('Titles whose episodes are known', 'titles'),
  scores: column.optionalCount('Scores that users gave them; null when the load has no ratings at all', 'scores'),
  score_average: column.number('Mean of all those scores, 6 decimals', 'points of 10'),
  score_average_known: column.optionalCount(
    'Titles that have any score; null when the load has no ratings at all',
    'titles',
  ),
  site_score: column.number('Mean of the site’s scores of the titles, each counted once, 6 decimals', 'points of 10'),
  site_score_known: column.count('Titles whose score the site tells', 'titles'),
}

/** The figures of titles by a list that they have, and by year. */
export const yearReport = ({ by, dimension, summary, description, example }: Gathered) => {
  const id = `${by}_id` as const
  return report<AnimeTables, typeof titleParams, z.ZodRawShape>({
    summary,
    description: `${description} A title counts in full for each ${by} that it has, once. The year is that of the premiere, else of the start of airing; titles without one, and titles without any ${by}, are in no row (\`meta.excluded\`). \`${id}\` selects rows, all other ids select titles.`,
    version: 1,
    params: z.strictObject(titleParams),
    row: z.strictObject({
      [id]: column.id(`The ${by}’s id, given by its name`),
      [by]: column.text(`The ${by}’s name`),
      year: column.year('The year'),
      ...measures,
    }),
    key: [id, 'year'],
    defaultSort: `${id},year`,
    example,
    query: (db: AnimeDb, scope, params: TitleParams) =>
      db
        .selectFrom(rows(scope, params, by, dimension).as('gathered'))
        .selectAll()
        .$castTo<never>(),
    metaShape: {
      excluded: z
        .strictObject({
          undated: z.int().describe('Titles that pass every other filter and have no year'),
          [`no_${by}`]: z.int().describe(`Titles that have a year and no ${by}`),
        })
        .describe('What the rows leave out'),
    },
    meta: (db: AnimeDb, scope, params: TitleParams) => [excluded(db, scope, params, by)],
    decimals: () => ({ score_average: 6, site_score: 6 }),
    compared: { names: [by], additive: () => ['titles', 'episodes', 'episodes_known', 'scores'], choosesRows: [] },
  })
}

function rows(scope: Scope, params: TitleParams, by: Gathered['by'], dimension: Gathered['dimension']) {
  const id = sql.ref(`link.${by}_id`)
  const wanted = params[`${by}_id`]
  const rated = (figure: RawBuilder<unknown>) => (hasRatings(scope) ? figure : sql`null::bigint`)
  const [scores, sum] = [sql`coalesce(sum(r.scores), 0)`, sql`sum(r.score_sum)`]
  return sql<Record<string, unknown>>`(
    select ${id}, named.name as ${sql.ref(by)}, t.year, count(*) as titles,
           sum(t.episodes)::bigint as episodes, count(t.episodes) as episodes_known,
           ${rated(sql`${scores}::bigint`)} as scores, ${plainMean({ scores, sum })} as score_average,
           ${rated(sql`count(*) filter (where r.scores > 0)`)} as score_average_known,
           ${quotient(sql`sum(t.site_score)`, sql`nullif(count(t.site_score), 0)`, 6)} as site_score,
           count(t.site_score) as site_score_known
    from ${fact(scope, `title_${by}`)} link
    join ${fact(scope, 'title')} t on t.load_id = link.load_id and t.anime_id = link.anime_id
    join ${sql.table(`anime.${dimension}`)} named
      on named.load_id = link.load_id and ${sql.ref(`named.${dimension}_id`)} = ${id}
    left join ${fact(scope, 'title_rating')} r on r.load_id = link.load_id and r.anime_id = link.anime_id
    where link.load_id = ${scope.load} and t.year is not null and ${counts(scope, params, by)}
      and ${wanted === undefined ? sql`true` : sql`${id} = any(${wanted}::bigint[])`}
    group by ${id}, named.name, t.year)`
}

/** Titles that pass every filter, the list's own included: an id that is asked for is had by none without any. */
function excluded(db: AnimeDb, scope: Scope, params: TitleParams, by: Gathered['by']): Rows<Record<string, unknown>> {
  const { from, to, ...others } = params
  const without = sql`not exists (
    select from ${fact(scope, `title_${by}`)} link where link.load_id = t.load_id and link.anime_id = t.anime_id)`
  const passes = all([asksYears({ from, to }) ? sql`(t.year is null or ${counts(scope, { from, to })})` : sql`true`])
  const told = sql<Record<string, unknown>>`(
    select json_build_object('undated', count(*) filter (where t.year is null),
                             ${sql.lit(`no_${by}`)}, count(*) filter (where t.year is not null and ${without})) as excluded
    from ${fact(scope, 'title')} t
    where t.load_id = ${scope.load} and ${counts(scope, others)} and ${passes})`
  return db.selectFrom(told.as('told')).select(['excluded']) as unknown as Rows<Record<string, unknown>>
}
