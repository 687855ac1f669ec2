import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import { idList, once, wholeNumber, yes } from '../params.ts'
import { column, type Rows, report, type Scope } from '../report.ts'
import { lacking } from './parts/lacking.ts'
import { type AnimeDb, fact, ratingsOf } from './parts/tables.ts'
import { all } from './parts/title-params.ts'

const SPLITS = ['train', 'test'] as const
const SEED = 1
const TEST_SHARE = 0.2

const params = {
  user_id: idList('Ratings by these users'),
  anime_id: idList('Ratings of these titles'),
  status: idList('Entries of these statuses: 1 watching, 2 completed, 3 on hold, 4 dropped, 6 planned'),
  scored: yes('`true` leaves out entries without a score'),
  split: once
    .pipe(z.enum(SPLITS, `takes ${SPLITS.join(' or ')}`))
    .optional()
    .describe('Only the rows to train on, or only those to test with'),
  seed: wholeNumber(0, 999_999_999, `Another number makes another split: ${SEED} by default`),
  test_share: once
    .regex(/^0?\.\d{0,5}[1-9]0*$/, 'takes a share above 0 and below 1 with at most six decimals, such as 0.2')
    .transform(Number)
    .optional()
    .describe(`About which share of the rows is to test with: ${TEST_SHARE} by default`),
}

type Params = z.output<z.ZodObject<typeof params>>

export default report({
  summary: 'Every user’s entry of every title, with its score: what a recommender is trained on',
  description:
    'Without `limit`, CSV, NDJSON and Parquet stream all rows by user and title. `score` is null where the user gave none. Each row is for training or for testing, whatever load, server or order it comes from: it is `test` when the first 8 hexadecimal digits of the MD5 of `seed:user_id:anime_id` (decimal numbers, such as `1:0:67`), read as a whole number, are below `test_share × 2^32`. Entries of titles that the load does not have are in no row (`meta.excluded`).',
  version: 1,
  params: z.strictObject(params),
  row: z.strictObject({
    user_id: column.id('The user’s id'),
    anime_id: column.id('The title’s id at MyAnimeList'),
    score: column.optionalCount('1 to 10; null where the user gave none', 'points of 10'),
    status: column.count('1 watching, 2 completed, 3 on hold, 4 dropped, 6 planned', 'code'),
    episodes: column.count('Episodes seen, as the source has them: some are more than there are', 'episodes'),
    split: column.text('`train` or `test`'),
  }),
  key: ['user_id', 'anime_id'],
  defaultSort: 'user_id,anime_id',
  example: { scored: 'true', split: 'test' },
  query: (db: AnimeDb, scope, params: Params) =>
    db.selectFrom(entries(scope, params).as('entry')).selectAll().$castTo<never>(),
  metaShape: {
    excluded: z
      .strictObject({ title_absent: z.int().describe('Entries of titles that the load does not have, by all users') })
      .describe('What the rows leave out, whatever is filtered'),
  },
  meta: (db: AnimeDb, scope) => [excluded(db, scope)],
  lacking,
  compared: { names: [], additive: () => ['episodes'], choosesRows: Object.keys(params) },
})

function entries(scope: Scope, { user_id, anime_id, status, scored, split, seed, test_share }: Params) {
  const ratings = ratingsOf(scope)
  const tests = isTest(seed ?? SEED, test_share ?? TEST_SHARE)
  const wanted = [
    ...(user_id === undefined ? [] : [sql`r.user_id = any(${user_id}::bigint[])`]),
    ...(anime_id === undefined ? [] : [sql`r.anime_id = any(${anime_id}::bigint[])`]),
    ...(status === undefined ? [] : [sql`r.status = any(${status}::bigint[])`]),
    ...(scored ? [sql`r.score > 0`] : []),
    ...(split === undefined ? [] : [split === 'test' ? tests : sql`not ${tests}`]),
    // Few, if any. PostgreSQL looks them up in a table of its own, and goes on in the order of the key.
    ...(ratings ? [sql`r.anime_id not in (select anime_id from ${fact(scope, 'title_absent')})`] : [sql`false`]),
  ]
  const none = sql`(values (null::integer, null::integer, null::integer, null::smallint, null::smallint))`
  return sql<Record<string, unknown>>`(
    select r.user_id, r.anime_id, nullif(r.score, 0) as score, r.status, r.episodes,
           case when ${tests} then 'test' else 'train' end as split
    from ${ratings ?? none} as r (${ratings ? sql`load_id, ` : sql``}user_id, anime_id, episodes, score, status)
    where ${all(wanted)})`
}

/** Digits are compared as text, which is as good as by value where all are of one length: a text that goes on is behind its beginning. */
function isTest(seed: number, share: number): RawBuilder<boolean> {
  const bound = Math.ceil(share * 2 ** 32)
    .toString(16)
    .padStart(8, '0')
  return sql<boolean>`(md5(${`${seed}:`}::text || r.user_id || ':' || r.anime_id) collate "C" < ${bound}::text)`
}

function excluded(db: AnimeDb, scope: Scope): Rows<Record<string, unknown>> {
  const told = sql<Record<string, unknown>>`(
    select json_build_object('title_absent', coalesce(sum(ratings), 0)) as excluded
    from ${fact(scope, 'title_absent')} where load_id = ${scope.load})`
  return db.selectFrom(told.as('told')).select(['excluded']) as unknown as Rows<Record<string, unknown>>
}
