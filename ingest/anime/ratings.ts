import { sql } from 'kysely'
import { copiedFile, enterKeys, inOrderOfLines, type Keyed, lineOf, removeRepeated } from '../bulk-keys.ts'
import { keepLast, leaveKnown } from '../keep-last.ts'
import type { AnimeFamily, Merging } from './merging.ts'
import { rateTitles } from './rate-titles.ts'

/** An entry of a user's list: a title, how far the user is with it, and perhaps a score. */
export interface Rating {
  userId: number
  animeId: number
  /** 1 to 10; 0: none. */
  score: number
  /** A code of `STATUSES`. */
  status: number
  /** Episodes seen. */
  episodes: number
}

const staged = {
  stage: 'stage_rating',
  kept: 'kept_rating',
  key: ['user_id', 'anime_id'],
  thing: sql`format('the rating of title %s by user %s', found.anime_id, found.user_id)`,
}

const copied: Keyed = {
  fact: 'rating',
  key: ['user_id', 'anime_id'],
  values: ['score', 'status', 'episodes'],
  thing: sql`format('the rating of title %s by user %s', anime_id, user_id)`,
  things: 'ratings',
}

const COLUMNS = sql`user_id, anime_id, episodes, score, status`

/**
 * Every sound entry is stored, whether or not the load has its title; those of a whole file were copied into their partition before.
 * What users have of a title is counted anew in each load, by its own titles.
 */
export const ratings: AnimeFamily<Rating> = {
  name: 'ratings',
  facts: ['title_rating', 'score_total', 'title_absent'],
  heavyFacts: ['rating', 'rating_total'],
  dimensions: [],
  // Few records come this way: those that are read again.
  stageTables: {
    stage_rating: {
      record: 'bigint',
      file_no: 'smallint',
      line: 'bigint',
      digest: 'text',
      user_id: 'integer',
      anime_id: 'integer',
      episodes: 'integer',
      score: 'smallint',
      status: 'smallint',
    },
  },
  anyIdSpace: false,
  stage(stager, { userId, animeId, episodes, score, status }, { record, fileNo, line, digest }) {
    stager.add('stage_rating', [record, fileNo, line, digest, userId, animeId, episodes, score, status])
  },

  async merge(merging) {
    const { read, readBy } = merging.scope.part(ratings)
    if (read) await fillRatings(merging)
    const from = read ? merging.scope.loadId : readBy
    if (from !== null) await rateTitles(merging, from)
  },
}

/** Facts `rating` and `rating_total`. */
async function fillRatings(merging: Merging): Promise<void> {
  const { trx, scope, load, isReplay } = merging
  const { base, readBy } = scope.part(ratings)
  const rating = scope.table('rating')
  const before = base && readBy !== null ? sql`before.load_id = ${readBy}` : null
  await keepLast(merging, staged)
  await leaveKnown(
    merging,
    staged,
    sql`exists (select from anime.rating before where ${before ?? sql`false`}
                and (before.user_id, before.anime_id) = (kept.user_id, kept.anime_id))`,
  )
  await sql`
    insert into ${rating} (load_id, ${COLUMNS})
    select ${load}::integer, ${COLUMNS} from stage_rating join kept_rating using (record, user_id, anime_id)`.execute(
    trx,
  )
  if (!isReplay) await findAbsent(merging)
  // The key finds repeated ratings at no cost where there are none. Where more rows follow, it is better built behind them.
  const keyed = before === null && (await enterKeys(trx, scope, copied))
  if (!keyed && !isReplay) {
    await removeRepeated(trx, scope, copied)
    await sql`delete from absent using repeated where absent.heap = repeated.heap`.execute(trx)
  }
  await leaveUnmatched(merging)
  if (before)
    await sql`
      insert into ${rating} (load_id, ${COLUMNS})
      select ${load}::integer, ${COLUMNS} from anime.rating before
      where ${before}
        and not exists (select from ${rating} read where (read.user_id, read.anime_id) = (before.user_id, before.anime_id))`.execute(
      trx,
    )
  if (!keyed && !(await enterKeys(trx, scope, copied))) throw new Error('Ratings of one title by one user are left.')
  await countRatings(merging)
}

async function countRatings(merging: Merging): Promise<void> {
  const { trx, scope, load } = merging
  await merging.fill(
    'rating_total',
    'anime_id, status, score, episodes, users',
    sql`select ${load}::integer, anime_id, status, score, episodes, count(*)
        from ${scope.table('rating')} group by anime_id, status, score, episodes`,
  )
  const total = await sql<{ ratings: number }>`
    select coalesce(sum(users), 0)::bigint as ratings from ${scope.table('rating_total')}`.execute(trx)
  merging.rowCounts.rating = Number(total.rows[0]?.ratings)
}

/**
 * Table `absent`: rows of titles that the load does not have, with their place among all that were copied, which tells their line. Before any
 * row is gone, as each would move those behind it.
 */
async function findAbsent({ trx, scope }: Merging): Promise<void> {
  await inOrderOfLines(
    trx,
    sql`
    create temporary table absent on commit drop as
    select heap, nth, user_id, anime_id
    from (select ctid as heap, row_number() over () - 1 as nth, user_id, anime_id from ${scope.table('rating')}) as read
    where anime_id not in (select anime_id from ${scope.table('title')})`,
  )
}

/** Ratings that are told one by one; of a list that is of other titles there would be millions. */
const NAMED = 10_000

/** What a rating is of, for a sentence. */
const named = sql`format('title %s of user %s: the load has no such title', anime_id, user_id)`

/** Ratings of titles that the load does not have are stored, and are in no report until it has them. */
async function leaveUnmatched({ trx, scope, isReplay }: Merging): Promise<void> {
  if (isReplay) {
    await sql`
      insert into reelhouse.reject (load_id, file, line, code, severity, reason)
      select ${scope.loadId}, file.name, line, 'title_absent', 'unmatched', ${named}
      from stage_rating join kept_rating using (record, user_id, anime_id)
      join reelhouse.load_file file using (file_no)
      where file.load_id = ${scope.loadId} and anime_id not in (select anime_id from ${scope.table('title')})`.execute(
      trx,
    )
    return
  }
  const line = lineOf('nth')
  await sql`
    insert into reelhouse.reject (load_id, file, line, code, severity, reason, records)
    with file as (${copiedFile(scope.loadId)}),
    placed as (select *, row_number() over (order by nth) as place from absent)
    select ${scope.loadId}::integer, name, ${line}, 'title_absent', 'unmatched', ${named}, 1
    from placed, file where place <= ${NAMED}
    union all
    select ${scope.loadId}::integer, name, min(${line}), 'title_absent', 'unmatched',
           format('from here on %s more are of titles that the load does not have', to_char(count(*), 'FM999,999,999,999')), count(*)
    from placed, file where place > ${NAMED} group by name`.execute(trx)
}
