import { type RawBuilder, sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import { type Scope, tableOfLoad } from '../../report.ts'

export type AnimeDb = ReadonlyKysely<AnimeTables>

/** The tables that reports on anime read. */
export interface AnimeTables {
  'anime.title': TitleTable
  'anime.title_text': { load_id: number; anime_id: number; synopsis: string }
  'anime.title_rating': TitleRatingTable
  'anime.title_absent': { load_id: number; anime_id: number; ratings: number }
  'reelhouse.load_file': { load_id: number; file_no: number; name: string }
}

/** Their rows by the name of the table alone. */
type RowOf<Name extends string> = `anime.${Name}` extends keyof AnimeTables ? AnimeTables[`anime.${Name}`] : unknown

/** A fact of the load that is read, by the name of the load's own table: of that PostgreSQL has statistics. */
export const fact = <Name extends string>(scope: Scope, name: Name): RawBuilder<RowOf<Name>> =>
  sql<RowOf<Name>>`${sql.table(`anime.${tableOfLoad(name, scope.loadId)}`)}`

/** The ratings that a load has, its own or those of the load that it has them from; none of a load without any. */
export const ratingsOf = ({ readBy }: Scope): RawBuilder<RatingTable> | undefined =>
  readBy.ratings === undefined
    ? undefined
    : sql<RatingTable>`${sql.table(`anime.${tableOfLoad('rating', readBy.ratings)}`)}`

export interface RatingTable {
  user_id: number
  anime_id: number
  episodes: number
  score: number
  status: number
}

export interface TitleTable {
  load_id: number
  anime_id: number
  title: string
  title_english: string | null
  title_japanese: string | null
  type: string | null
  episodes: number | null
  aired_from: string | null
  aired_from_precision: string | null
  aired_to: string | null
  aired_to_precision: string | null
  year: number | null
  season: string | null
  source_material: string | null
  duration: string | null
  age_rating: string | null
  site_score: number | null
  site_rank: number | null
  site_popularity_rank: number | null
  site_members: number | null
  site_favorites: number | null
  site_watching: number | null
  site_completed: number | null
  site_on_hold: number | null
  site_dropped: number | null
  site_planned: number | null
  site_scores: (number | null)[] | null
  source_load_id: number
  source_file_no: number
  source_line: number
}

export interface TitleRatingTable {
  load_id: number
  anime_id: number
  watching: number
  completed: number
  on_hold: number
  dropped: number
  planned: number
  users: number
  watchers: number
  scores: number
  score_sum: number
  score_average: number | null
  score_bayesian: number | null
  episodes_seen: number | null
  watchers_above: number | null
}
