import { sql } from 'kysely'
import { column, type Scope } from '../../report.ts'
import { hasRatings } from './lacking.ts'
import { siteScore, titleColumns } from './rated-titles.ts'
import { type AnimeDb, fact } from './tables.ts'

/** A title as it stands in the snapshot, and where it was read. */
export const titleFactColumns = {
  ...titleColumns,
  season: column.optionalText('`winter`, `spring`, `summer` or `fall`, of the premiere or else of the start of airing'),
  episodes: column.optionalCount('Episodes that there are; null is unknown', 'episodes'),
  aired_from: column.date('When it began; the first day where the source tells the month or year alone'),
  aired_from_precision: column.optionalText('How much of that the source tells: `day`, `month` or `year`'),
  aired_to: column.date('When it ended; null while it goes on, and where the source tells one day'),
  aired_to_precision: column.optionalText('How much of that the source tells'),
  source_material: column.optionalText('What it was made of: `Manga`, `Original`, `Light novel` …'),
  duration: column.optionalText('How long it is, as the source has it'),
  age_rating: column.optionalText('For whom it is, as the source has it'),
  users: column.optionalCount('Users who have it on their list; null when the load has no ratings at all', 'users'),
  scores: column.optionalCount('Users who gave it a score; null when the load has no ratings at all', 'scores'),
  score_average: column.number('Mean of those scores, 6 decimals', 'points of 10'),
  site_score: column.number('The site’s own score, of all its members', 'points of 10'),
  site_rank: column.optionalCount('Its place by that score', 'rank'),
  site_popularity_rank: column.optionalCount('Its place by members', 'rank'),
  site_members: column.optionalCount('Members of the site who have it on their list', 'users'),
  site_favorites: column.optionalCount('Members who count it among their favorites', 'users'),
}

export const sourceColumns = {
  source_file: column.text('File that the title was read from'),
  source_line: column.count('Physical line where its record starts (header = 1)', 'line'),
  load_id: column.id('The load whose snapshot this is'),
  source_load_id: column.id('The load that read the line'),
}

export const titleDecimals = () => ({ score_average: 6 })

/** What is told of titles `t`. */
export const titleFacts = (db: AnimeDb, scope: Scope) => {
  const known = (count: 'users' | 'scores') =>
    hasRatings(scope)
      ? sql<number | null>`coalesce(${sql.ref(`r.${count}`)}, 0)`.as(count)
      : sql<number | null>`null::bigint`.as(count)
  return db
    .selectFrom(fact(scope, 'title').as('t'))
    .leftJoin(fact(scope, 'title_rating').as('r'), (join) =>
      join.onRef('r.load_id', '=', 't.load_id').onRef('r.anime_id', '=', 't.anime_id'),
    )
    .where('t.load_id', '=', scope.load)
    .select([
      't.anime_id',
      't.title',
      't.type',
      't.year',
      't.season',
      't.episodes',
      't.aired_from',
      't.aired_from_precision',
      't.aired_to',
      't.aired_to_precision',
      't.source_material',
      't.duration',
      't.age_rating',
      known('users'),
      known('scores'),
      'r.score_average',
      siteScore,
      't.site_rank',
      't.site_popularity_rank',
      't.site_members',
      't.site_favorites',
      // Not joined: PostgreSQL takes the two columns for independent, and few titles for left.
      sql<string>`(select name from reelhouse.load_file file where file.load_id = t.source_load_id and file.file_no = t.source_file_no)`.as(
        'source_file',
      ),
      't.source_line',
      't.load_id',
      't.source_load_id',
    ])
}
