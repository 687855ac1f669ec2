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
 * `(prior × mean of all + sum) / (prior + scores)`. The mean of all is a quotient itself, of which nothing is rounded away: everything is
 * brought over one denominator.
 */
export const bayesianMean = ({ scores, sum }: Scores, all: Scores, prior: RawBuilder<unknown>) =>
  quotient(
    sql`((${prior})::numeric * ${all.sum} + ${all.scores} * (${sum}))`,
    sql`nullif((${all.scores})::numeric * (${prior} + ${scores}), 0)`,
    6,
  )
