import { sql } from 'kysely'
import { enterKeys, type Keyed, removeRepeated } from '../bulk-keys.ts'
import { keepLast, leaveKnown } from '../keep-last.ts'
import type { Merging, MovieFamily } from './merging.ts'

/** What a user of MovieLens gave to a film. */
export interface Rating {
  userId: number
  movieLensId: number
  /** Half a star to five stars. */
  rating: string
  /** Seconds since 1970-01-01 UTC. */
  ratedAt: string
}

/** Half stars and the columns that count them. */
export const STARS = ['0.5', '1.0', '1.5', '2.0', '2.5', '3.0', '3.5', '4.0', '4.5', '5.0'].map((stars) => ({
  stars,
  column: `stars_${stars.replace('.', '_')}`,
}))
const COLUMNS = STARS.map(({ column }) => column)

const staged = {
  stage: 'stage_rating',
  kept: 'kept_rating',
  key: ['movielens_id', 'user_id'],
  thing: sql`format('the rating of MovieLens id %s by user %s', found.movielens_id, found.user_id)`,
}

const copied: Keyed = {
  fact: 'rating',
  key: ['movielens_id', 'user_id'],
  values: ['rating', 'rated_at'],
  thing: sql`format('the rating of MovieLens id %s by user %s', movielens_id, user_id)`,
  things: 'ratings',
}

/**
 * Every sound rating is stored under its MovieLens id, whether or not the load has its film; those of a whole file were copied into
 * their partition before. The ratings of a film are counted anew in each load, by its own links and films.
 */
export const ratings: MovieFamily<Rating> = {
  name: 'ratings',
  facts: ['film_rating'],
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
      movielens_id: 'integer',
      rating: 'numeric',
      rated_at: 'bigint',
    },
  },
  anyIdSpace: false,
  stage(stager, { userId, movieLensId, rating, ratedAt }, { record, fileNo, line, digest }) {
    stager.add('stage_rating', [record, fileNo, line, digest, userId, movieLensId, rating, ratedAt])
  },

  async merge(merging) {
    const { read, readBy } = merging.scope.part(ratings)
    if (read) {
      await fillRatings(merging)
      await leaveUnmatched(merging)
    }
    const from = read ? merging.scope.loadId : readBy
    if (from !== null) await rateFilms(merging, from)
  },
}

/** Facts `rating` and `rating_total`, and table `rated`: the ratings that this load read, counted by MovieLens id and value. */
async function fillRatings(merging: Merging): Promise<void> {
  const { trx, scope, load, isReplay } = merging
  const { base, readBy } = scope.part(ratings)
  const rating = scope.table('rating')
  const before = base && readBy !== null ? sql`load_id = ${readBy}` : null
  await keepLast(merging, staged)
  await leaveKnown(
    merging,
    staged,
    sql`exists (select from movies.rating before where ${before ?? sql`false`}
                and (before.movielens_id, before.user_id) = (kept.movielens_id, kept.user_id))`,
  )
  await sql`
    insert into ${rating} (load_id, movielens_id, user_id, rating, rated_at)
    select ${load}::integer, movielens_id, user_id, rating, rated_at
    from stage_rating join kept_rating using (record, movielens_id, user_id)`.execute(trx)
  // The key finds repeated ratings at no cost where there are none. Where more rows follow, it is better built behind them.
  const keyed = before === null && (await enterKeys(trx, scope, copied))
  if (!keyed && !isReplay) await removeRepeated(trx, scope, copied)
  await sql`
    create temporary table rated on commit drop as
    select movielens_id, rating, count(*) as ratings from ${rating} group by movielens_id, rating`.execute(trx)
  await sql`analyze rated`.execute(trx)
  const carried = sql`${before ?? sql`false`} ${
    isReplay ? sql`` : sql`and not exists (select from rated where rated.movielens_id = before.movielens_id)`
  }`
  if (before)
    await sql`
      insert into ${rating} (load_id, movielens_id, user_id, rating, rated_at)
      select ${load}::integer, movielens_id, user_id, rating, rated_at from movies.rating before where ${carried}`.execute(
      trx,
    )
  if (!keyed && !(await enterKeys(trx, scope, copied))) throw new Error('Ratings of one film by one user are left.')
  const counted = sql.join(
    STARS.map(
      ({ stars, column }) =>
        sql`coalesce(sum(ratings) filter (where rating = ${sql.lit(stars)}::numeric), 0) as ${sql.ref(column)}`,
    ),
  )
  const columns = sql.join(COLUMNS.map((column) => sql.ref(column)))
  await merging.fill(
    'rating_total',
    `movielens_id, ${COLUMNS.join(', ')}`,
    sql`select ${load}::integer, movielens_id, ${sql.join(COLUMNS.map((column) => sql`sum(${sql.ref(column)})`))}
        from (select movielens_id, ${counted} from rated group by movielens_id
              union all
              select movielens_id, ${columns} from movies.rating_total before where ${carried}) as counted
        group by movielens_id`,
  )
  const all = sql.join(
    COLUMNS.map((column) => sql.ref(column)),
    sql` + `,
  )
  const total = await sql<{ ratings: number }>`
    select coalesce(sum(${all}), 0)::bigint as ratings from ${scope.table('rating_total')}`.execute(trx)
  merging.rowCounts.rating = Number(total.rows[0]?.ratings)
}

/** One entry for each MovieLens id, not for each rating: there may be millions, and each of them is stored. Its line is 0: rows know theirs only
 * by their place among all others, which nobody should look through for it. */
async function leaveUnmatched({ trx, scope }: Merging): Promise<void> {
  await sql`
    insert into reelhouse.reject (load_id, file, line, code, severity, reason, records)
    select ${scope.loadId}, file.name, 0, code, 'unmatched',
           format('%s of MovieLens id %s: %s', case ratings when 1 then '1 rating' else to_char(ratings, 'FM999,999,999,999') || ' ratings' end,
                  movielens_id,
                  case code when 'no_link' then 'no link says which film that is'
                            when 'bad_tmdb_id' then 'the id of the film in its link cannot be read'
                            when 'blank_tmdb_id' then 'its link leaves the film blank'
                            else format('the load has no film %s', film_id) end),
           ratings
    from (select movielens_id, link.film_id, ratings,
                 case when link.movielens_id is null then 'no_link' when link.film_unreadable then 'bad_tmdb_id' when link.film_id is null then 'blank_tmdb_id' else 'film_absent' end as code
          from (select movielens_id, sum(ratings) as ratings from rated group by movielens_id) as counted
          left join ${scope.table('link')} link using (movielens_id)
          where not exists (select from ${scope.table('film')} film where film.film_id = link.film_id)) as unmatched,
         (select name from reelhouse.load_file where load_id = ${scope.loadId} and family = 'ratings' order by file_no limit 1) as file
    order by movielens_id`.execute(trx)
}

/** Fact `film_rating`: what the load's own links and films make of the ratings that a load read. */
async function rateFilms(merging: Merging, from: number): Promise<void> {
  const { scope, load } = merging
  // Its own are not attached yet.
  const totals = from === scope.loadId ? scope.table('rating_total') : sql.table('movies.rating_total')
  const count = sql.join(
    COLUMNS.map((column) => sql`sum(${sql.ref(column)})`),
    sql` + `,
  )
  const sum = sql.join(
    STARS.map(({ stars, column }) => sql`${sql.lit(stars)}::numeric * sum(${sql.ref(column)})`),
    sql` + `,
  )
  await merging.fill(
    'film_rating',
    `film_id, rating_count, rating_sum, ${COLUMNS.join(', ')}`,
    sql`select ${load}::integer, film_id, ${count}, ${sum}, ${sql.join(COLUMNS.map((column) => sql`sum(${sql.ref(column)})`))}
        from ${totals} totals
        join ${scope.table('link')} link using (movielens_id)
        join ${scope.table('film')} film using (film_id)
        where totals.load_id = ${sql.lit(from)}
        group by film_id having ${count} > 0`,
  )
}
