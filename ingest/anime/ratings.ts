import { type RawBuilder, sql } from 'kysely'
import { enterKeys, type Keyed, removeRepeated } from '../bulk-keys.ts'
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
  // The key finds repeated ratings at no cost where there are none. Where more rows follow, it is better built behind them.
  const keyed = before === null && (await enterKeys(trx, scope, copied))
  if (!keyed && !isReplay) await removeRepeated(trx, scope, copied)
  if (before) {
    // Of what the files brought, not of what is taken over.
    await leaveUnmatched(merging, sql`select anime_id, count(*) as ratings from ${rating} group by anime_id`)
    await sql`
      insert into ${rating} (load_id, ${COLUMNS})
      select ${load}::integer, ${COLUMNS} from anime.rating before
      where ${before}
        and not exists (select from ${rating} read where (read.user_id, read.anime_id) = (before.user_id, before.anime_id))`.execute(
      trx,
    )
  }
  if (!keyed && !(await enterKeys(trx, scope, copied))) throw new Error('Ratings of one title by one user are left.')
  await countRatings(merging)
  if (!before)
    await leaveUnmatched(
      merging,
      sql`select anime_id, sum(users) as ratings from ${scope.table('rating_total')} group by anime_id`,
    )
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
 * One entry for each title, not for each rating: there may be millions, and each of them is stored. Its line is 0: rows know theirs only
 * by their place among all others, which nobody should look through for it.
 */
async function leaveUnmatched({ trx, scope }: Merging, counted: RawBuilder<unknown>): Promise<void> {
  await sql`
    insert into reelhouse.reject (load_id, file, line, code, severity, reason, records)
    select ${scope.loadId}, file.name, 0, 'title_absent', 'unmatched',
           format('%s of title %s: the load has no such title',
                  case ratings when 1 then '1 rating' else to_char(ratings, 'FM999,999,999,999') || ' ratings' end, anime_id),
           ratings
    from (${counted}) as counted,
         (select name from reelhouse.load_file where load_id = ${scope.loadId} and family = 'ratings' order by file_no limit 1) as file
    where not exists (select from ${scope.table('title')} title where title.anime_id = counted.anime_id)
    order by anime_id`.execute(trx)
}
