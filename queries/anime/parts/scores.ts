import { type RawBuilder, sql } from 'kysely'
import { quotient } from '../../quotient.ts'

/** Scores by their number and sum. */
export interface Scores {
  scores: RawBuilder<unknown>
  sum: RawBuilder<unknown>
}

/** How many scores of the mean of all titles are added to those of each title, when nobody says. */
export const PRIOR_SCORES = 50

export const plainMean = ({ scores, sum }: Scores) => quotient(sql`(${sum})::numeric`, sql`nullif(${scores}, 0)`, 6)

/**
 * `(prior × mean of all + sum) / (prior + scores)`, rounded half up to 6 decimals. The mean of all is a quotient itself, of which nothing is
 * rounded away: everything is brought over one denominator. Whole numbers are divided, as all titles are when nobody asks for the usual
 * prior: with forty decimals, as `quotient` has them, it takes several times as long.
 */
export function bayesianMean({ scores, sum }: Scores, all: Scores, prior: RawBuilder<unknown>): RawBuilder<number> {
  const over = sql`((${prior})::numeric * ${all.sum} + (${all.scores})::numeric * (${sum}))`
  const under = sql`((${all.scores})::numeric * (${prior} + ${scores}))`
  return sql<number>`trim_scale(div(2000000 * ${over} + ${under}, nullif(2 * ${under}, 0)) / 1000000)`
}
