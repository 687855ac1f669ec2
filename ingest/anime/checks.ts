import { type RawBuilder, sql } from 'kysely'
import type { Check } from '../checks.ts'
import { STATUSES } from './statuses.ts'

const all = (terms: RawBuilder<unknown>[]) => sql.join(terms, sql` + `)
const SCORES = Array.from({ length: 10 }, (_, index) => index + 1)

/** What must hold of a load of anime, beyond what the tables' constraints enforce. */
export const checks: Check[] = [
  {
    name: 'title_row_count',
    claim: 'The load has titles',
    severity: 'error',
    kind: 'row_count',
    table: 'title',
    min: 1,
  },
  {
    name: 'title_volume',
    claim: 'At most 5 % of the titles are gone since the last published load of the same format and source',
    severity: 'error',
    kind: 'volume',
    table: 'title',
    maxLoss: 0.05,
  },
  {
    name: 'title_source',
    claim: 'The file that each title was read from is in the ledger',
    severity: 'error',
    kind: 'relationship',
    table: 'title',
    columns: ['source_load_id', 'source_file_no'],
    to: { table: 'reelhouse.load_file', columns: ['load_id', 'file_no'] },
  },
  {
    name: 'title_type',
    claim: 'The type of each title is one that the site has',
    severity: 'warn',
    kind: 'accepted_values',
    table: 'title',
    column: 'type',
    values: ['TV', 'Movie', 'OVA', 'Special', 'ONA', 'Music'],
  },
  {
    name: 'title_year',
    claim: 'Each title has a year; those without are in no yearly row',
    severity: 'warn',
    kind: 'not_null',
    table: 'title',
    column: 'year',
  },
  {
    name: 'title_aired',
    claim: 'No title ended before it began',
    severity: 'warn',
    kind: 'plausibility',
    table: 'title',
    breaks: () => sql`aired_to < aired_from`,
  },
  {
    name: 'title_rating_counts',
    claim: 'What users have of each title adds up, by status and by score',
    severity: 'error',
    kind: 'plausibility',
    table: 'title_rating',
    breaks: () => sql`(users, scores, score_sum) is distinct from (
      ${all(STATUSES.map(({ name }) => sql.ref(name)))},
      ${all(SCORES.map((score) => sql.ref(`score_${score}`)))},
      ${all(SCORES.map((score) => sql`${sql.lit(score)} * ${sql.ref(`score_${score}`)}`))})`,
  },
  {
    name: 'rating_volume',
    claim: 'At most 5 % of the ratings are gone since the last published load of the same format and source',
    severity: 'error',
    kind: 'volume',
    table: 'rating',
    maxLoss: 0.05,
  },
  {
    name: 'rating_matched',
    claim: 'Most entries of lists are of titles that the load has (from 100 others on)',
    severity: 'error',
    kind: 'plausibility',
    table: 'score_total',
    breaks: ({ loadId }) => sql`
      (select sum(ratings) from anime.title_absent where load_id = ${loadId})
      > greatest(99, (select sum(users) from anime.title_rating where load_id = ${loadId}))`,
  },
  {
    name: 'rating_title',
    claim: 'The load has each title that is on a list; ratings of others are in no report',
    severity: 'warn',
    kind: 'plausibility',
    table: 'title_absent',
    breaks: () => sql`true`,
  },
]
