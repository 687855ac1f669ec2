import { sql } from 'kysely'
import { z } from 'zod'
import { column, type Rows, type Scope } from '../../report.ts'
import { type AnimeDb, fact } from './tables.ts'
import { counts, type TitleParams } from './title-params.ts'

/** What every report on single titles shows of them. */
export const titleColumns = {
  anime_id: column.id('The title’s id at MyAnimeList'),
  title: column.text('Title'),
  type: column.optionalText('`TV`, `Movie`, `OVA`, `Special`, `ONA` or `Music`'),
  year: column.year('Year of the premiere, else of the start of airing'),
}

/** Of title `t`, without the zeros at its end. */
export const siteScore = sql<number | null>`trim_scale(t.site_score)`.as('site_score')

export const statusColumns = {
  watching: column.count('Users who watch it now', 'users'),
  completed: column.count('Users who have seen all of it', 'users'),
  on_hold: column.count('Users who have put it on hold', 'users'),
  dropped: column.count('Users who have given it up', 'users'),
  planned: column.count('Users who plan to watch it', 'users'),
}

/** Titles `t` that are on anybody's list, with what users have of each as `r`. */
export const ratedTitles = (db: AnimeDb, scope: Scope, params: TitleParams) =>
  db
    .selectFrom(fact(scope, 'title_rating').as('r'))
    .innerJoin(fact(scope, 'title').as('t'), (join) =>
      join.onRef('t.load_id', '=', 'r.load_id').onRef('t.anime_id', '=', 'r.anime_id'),
    )
    .where('r.load_id', '=', scope.load)
    .where(counts(scope, params))

export const excludedShape = {
  excluded: z
    .strictObject({ unlisted: z.int().describe('Titles that pass every filter and are on nobody’s list') })
    .describe('What the rows leave out'),
}

/** Titles that nobody has on a list. */
export function excludedTitles(db: AnimeDb, scope: Scope, params: TitleParams): Rows<Record<string, unknown>> {
  const excluded = sql<Record<string, unknown>>`(
    select json_build_object('unlisted', count(*)) as excluded
    from ${fact(scope, 'title')} t
    where t.load_id = ${scope.load} and ${counts(scope, params)}
      and not exists (select from ${fact(scope, 'title_rating')} r where r.load_id = t.load_id and r.anime_id = t.anime_id))`
  return db.selectFrom(excluded.as('told')).select(['excluded']) as unknown as Rows<Record<string, unknown>>
}
