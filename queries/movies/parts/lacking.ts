import { sql } from 'kysely'
import type { Rows, Scope } from '../../report.ts'
import { DEFAULT_JOB, type DimensionName } from './dimensions.ts'
import type { CellParams } from './film-params.ts'
import { fact, type MoviesDb } from './tables.ts'

/**
 * What a load may have nothing of, so that what rests on it is empty or unknown and not none: nobody loaded who played in its films,
 * say.
 */

/** The family of files that has it, and the rows that it is; a format may bring them along with its films. */
const THINGS = {
  crew: { family: 'credits', rows: 'film_crew', which: sql`true` },
  cast: { family: 'credits', rows: 'film_cast', which: sql`true` },
  keywords: { family: 'keywords', rows: 'film_keyword', which: sql`true` },
  ratings: { family: 'ratings', rows: 'film_rating', which: sql`true` },
  content_ratings: { family: null, rows: 'film', which: sql`f.content_rating is not null` },
}

type Thing = keyof typeof THINGS

/** Whether the load has it: files of the family, or any such row. */
export const isLoaded = (scope: Scope, thing: Thing) => {
  const { family, rows, which } = THINGS[thing]
  return sql<boolean>`(
    exists (select from reelhouse.load_family where load_id = ${scope.load} and family = ${sql.lit(family)})
    or exists (select from ${fact(scope, rows)} f where f.load_id = ${scope.load} and ${which}))`
}

/** What a report rests on: what it groups by and what the parameters ask of films, and its measure. */
export function restingOn(
  params: CellParams,
  { by = [], measure }: { by?: DimensionName[]; measure?: string | undefined },
): Thing[] {
  const { job = [DEFAULT_JOB], person_id, keyword_id, content_rating } = params
  const things: Thing[] = []
  const countsPeople = by.includes('person')
  const asksAny = person_id !== undefined && params.job === undefined && !countsPeople
  const asksJobs = countsPeople || person_id !== undefined
  if (asksAny || (asksJobs && job.some((one) => one !== 'cast'))) things.push('crew')
  if (asksAny || (asksJobs && job.includes('cast'))) things.push('cast')
  if (keyword_id || by.includes('keyword')) things.push('keywords')
  if (measure === 'rating_average' || measure === 'rating_count') things.push('ratings')
  if (content_rating || by.includes('content_rating')) things.push('content_ratings')
  return things
}

/** Which of these the load has nothing of; no row when it has something of each. */
export function lacking(db: MoviesDb, scope: Scope, things: Thing[]): Rows<{ lacking: string[] }> | undefined {
  if (things.length === 0) return undefined
  const found = sql<{ lacking: string[] | null }>`(
    select array_agg(thing) as lacking
    from (values ${sql.join(things.map((thing) => sql`(${sql.lit(thing)}, ${isLoaded(scope, thing)})`))}) as things (thing, is_loaded)
    where not is_loaded)`
  return db.selectFrom(found.as('found')).select('lacking').where('lacking', 'is not', null) as unknown as Rows<{
    lacking: string[]
  }>
}
