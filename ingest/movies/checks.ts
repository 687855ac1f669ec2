import { type RawBuilder, sql } from 'kysely'
import type { Check } from '../checks.ts'
import { STARS } from './ratings.ts'

const all = (terms: RawBuilder<unknown>[]) => sql.join(terms, sql` + `)

/** What must hold of a load of films, beyond what the tables' constraints enforce. */
export const checks: Check[] = [
  { name: 'film_row_count', claim: 'The load has films', severity: 'error', kind: 'row_count', table: 'film', min: 1 },
  {
    name: 'film_volume',
    claim: 'At most 5 % of the films are gone since the last published load of the same format and source',
    severity: 'error',
    kind: 'volume',
    table: 'film',
    maxLoss: 0.05,
  },
  {
    name: 'film_source',
    claim: 'The file that each film was read from is in the ledger',
    severity: 'error',
    kind: 'relationship',
    table: 'film',
    columns: ['source_load_id', 'source_file_no'],
    to: { table: 'reelhouse.load_file', columns: ['load_id', 'file_no'] },
  },
  {
    name: 'film_released_since_1870',
    claim: 'No film was released before there was film',
    severity: 'warn',
    kind: 'plausibility',
    table: 'film',
    breaks: () => sql`release_date < '1870-01-01'`,
  },
  {
    name: 'film_suspect',
    claim: 'No film has figures that are probably wrong',
    severity: 'warn',
    kind: 'plausibility',
    table: 'film',
    breaks: () => sql`suspect <> '{}'`,
  },
  {
    name: 'film_release_date',
    claim: 'Each film has a release date; those without are in no yearly row',
    severity: 'warn',
    kind: 'not_null',
    table: 'film',
    column: 'release_date',
  },
  {
    name: 'film_imdb_id',
    claim: 'No two films have the same IMDb id',
    severity: 'warn',
    kind: 'unique',
    table: 'film',
    columns: ['imdb_id'],
  },
  {
    name: 'film_status',
    claim: 'The status of each film is one that TMDB has',
    severity: 'warn',
    kind: 'accepted_values',
    table: 'film',
    column: 'status',
    values: ['Released', 'Post Production', 'In Production', 'Planned', 'Rumored', 'Canceled'],
  },
  {
    name: 'film_freshness',
    claim: 'The films reach to within a year of the date of their file',
    severity: 'warn',
    kind: 'freshness',
    maxDays: 366,
  },
  {
    name: 'film_rating_stars',
    claim: 'The ratings of each film, and their stars, add up to what is counted by star',
    severity: 'error',
    kind: 'plausibility',
    table: 'film_rating',
    breaks: () => sql`(rating_count, rating_sum) is distinct from (
      ${all(STARS.map(({ column }) => sql.ref(column)))},
      ${all(STARS.map(({ stars, column }) => sql`${sql.lit(stars)}::numeric * ${sql.ref(column)}`))})`,
  },
  {
    name: 'rating_volume',
    claim: 'At most 5 % of the ratings are gone since the last published load of the same format and source',
    severity: 'warn',
    kind: 'volume',
    table: 'rating',
    maxLoss: 0.05,
  },
  {
    name: 'link_film',
    claim: 'The film of each link is in the load; ratings of others come to no film',
    severity: 'warn',
    kind: 'relationship',
    table: 'link',
    columns: ['load_id', 'film_id'],
    to: { table: 'film', columns: ['load_id', 'film_id'] },
  },
  {
    name: 'link_film_id',
    claim: 'No two MovieLens ids are of the same film; where they are, their ratings add up',
    severity: 'warn',
    kind: 'unique',
    table: 'link',
    columns: ['film_id'],
  },
  {
    name: 'price_index_gap',
    claim: 'The months of each price index that have a value follow one another as its others do',
    severity: 'warn',
    kind: 'plausibility',
    table: 'price_index',
    // A quarterly index goes by threes.
    breaks: ({ loadId }) => sql`(series, month) in (
      select series, month
      from (select series, month, step, min(step) over (partition by series) as usual
            from (select series, month, number - lag(number) over (partition by series order by number) as step
                  from (select series, month, 12 * extract(year from month) + extract(month from month) as number
                        from movies.price_index where load_id = ${loadId} and value is not null) as numbered) as stepped) as told
      where step > usual)`,
  },
]
