import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { column, report, type Scope } from '../../report.ts'
import { hasRatings } from '../parts/lacking.ts'
import { type AnimeDb, fact } from '../parts/tables.ts'
import { sourceColumns, titleDecimals, titleFactColumns, titleFacts } from '../parts/title-facts.ts'
import type { Link } from '../parts/title-params.ts'

const linked = (link: Link, description: string) =>
  z.array(z.strictObject({ [`${link}_id`]: z.int(), name: z.string() })).meta({ description, sql: 'text' })

const STATUSES = ['watching', 'completed', 'on_hold', 'dropped', 'planned'] as const
const SCORES = Array.from({ length: 10 }, (_, index) => index + 1)

export default report({
  summary: 'One title with everything that is known of it',
  description:
    'The title’s figures and synopsis, what it is linked to, what users have of it and what the site says, and the line of the file that it was read from.',
  version: 1,
  params: z.strictObject({
    id: z
      .string()
      .regex(/^\d{1,9}$/, 'takes the id of a title')
      .transform(Number)
      .describe('The title’s id'),
  }),
  row: z.strictObject({
    ...titleFactColumns,
    ...sourceColumns,
    title_english: column.optionalText('Title in English'),
    title_japanese: column.optionalText('Title in Japanese'),
    synopsis: column.optionalText('What it is about'),
    genres: linked('genre', 'Genres'),
    studios: linked('studio', 'Studios'),
    producers: linked('producer', 'Producers'),
    licensors: linked('licensor', 'Licensors'),
    users_by_status: z
      .array(z.strictObject({ status: z.int(), description: z.string(), users: z.int() }))
      .nullable()
      .meta({ description: 'Users by how far they are; null when the load has no ratings at all', sql: 'text' }),
    users_by_score: z
      .array(z.strictObject({ score: z.int(), users: z.int() }))
      .nullable()
      .meta({ description: 'Users by their score; null when the load has no ratings at all', sql: 'text' }),
    site_users_by_status: z
      .array(z.strictObject({ status: z.int(), description: z.string(), users: z.int().nullable() }))
      .meta({ description: 'Members of the site by how far they are; null is unknown', sql: 'text' }),
    site_users_by_score: z
      .array(z.strictObject({ score: z.int(), users: z.int().nullable() }))
      .nullable()
      .meta({ description: 'Members of the site by their score; null is unknown', sql: 'text' }),
  }),
  key: ['anime_id'],
  defaultSort: 'anime_id',
  example: { id: '1' },
  query: (db: AnimeDb, scope, { id }) =>
    titleFacts(db, scope)
      .where('t.anime_id', '=', id)
      .leftJoin(fact(scope, 'title_text').as('prose'), (join) =>
        join.onRef('prose.load_id', '=', 't.load_id').onRef('prose.anime_id', '=', 't.anime_id'),
      )
      .select(['t.title_english', 't.title_japanese', 'prose.synopsis'])
      .select([
        links(scope, 'genre', 'genre').as('genres'),
        links(scope, 'studio', 'company').as('studios'),
        links(scope, 'producer', 'company').as('producers'),
        links(scope, 'licensor', 'company').as('licensors'),
        ifRated(
          scope,
          byStatus<number>(scope, (status) => sql`coalesce(${sql.ref(`r.${status}`)}, 0)`),
        ).as('users_by_status'),
        ifRated(
          scope,
          byScore<number>((score) => sql`coalesce(${sql.ref(`r.score_${score}`)}, 0)`),
        ).as('users_by_score'),
        byStatus<number | null>(scope, (status) => sql.ref(`t.site_${status}`)).as('site_users_by_status'),
        sql<{ score: number; users: number | null }[] | null>`
          case when t.site_scores is not null then ${byScore((score) => sql`t.site_scores[${sql.lit(score)}]`)} end`.as(
          'site_users_by_score',
        ),
      ]),
  decimals: titleDecimals,
})

/** What title `t` is linked to, by name, as JSON. */
const links = (scope: Scope, link: Link, dimension: 'genre' | 'company') => sql<{ [id: string]: string | number }[]>`
  (select coalesce(json_agg(row_to_json(one) order by one.name collate "C"), '[]')
   from (select ${sql.ref(`link.${link}_id`)}, of.name
         from ${fact(scope, `title_${link}`)} link
         join ${sql.table(`anime.${dimension}`)} of
           on of.load_id = link.load_id and ${sql.ref(`of.${dimension}_id`)} = ${sql.ref(`link.${link}_id`)}
         where link.load_id = ${scope.load} and link.anime_id = t.anime_id) as one)`

const ifRated = <T>(scope: Scope, list: RawBuilder<T>) => (hasRatings(scope) ? list : sql<T | null>`null::json`)

/** Users of each status, by its code, as the source calls it. */
const byStatus = <Users>(scope: Scope, users: (status: string) => RawBuilder<unknown>) => sql<
  { status: number; description: string; users: Users }[]
>`
  (select json_agg(json_build_object('status', code, 'description', description, 'users',
                                     (array[${sql.join(STATUSES.map(users))}])[place]) order by code)
   from (select code, description, row_number() over (order by code) as place
         from anime.status where load_id = ${scope.load}) as status)`

const byScore = <Users>(users: (score: number) => RawBuilder<unknown>) => sql<{ score: number; users: Users }[]>`
  json_build_array(${sql.join(SCORES.map((score) => sql`json_build_object('score', ${sql.lit(score)}, 'users', ${users(score)})`))})`
