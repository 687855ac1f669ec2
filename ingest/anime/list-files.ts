import { z } from 'zod'
import { requiredInt4Id, requiredText, shown, text } from '../cells.ts'
import type { FileFormat } from '../subject.ts'
import { INT4_MAX } from './cells.ts'
import { type Rating, ratings } from './ratings.ts'
import { STATUSES, type Status, statuses } from './statuses.ts'

/** The files of users' lists, and of what the codes in them mean. */

const WHOLE = /^\+?(\d+)(?:\.0*)?$/

/** A whole number from 0 to what four bytes hold. */
const whole = (code: string) =>
  requiredText.transform((value, context): number => {
    const number = Number(WHOLE.exec(value)?.[1] ?? Number.NaN)
    if (number <= INT4_MAX) return number
    const message = Number.isNaN(number)
      ? `${shown(value)} is not a whole number from 0 on`
      : `${shown(value)} is larger than 2^31 - 1`
    context.addIssue({ code: 'custom', message, params: { code } })
    return z.NEVER
  })

const score = requiredText.transform((value, context): number => {
  const number = Number(WHOLE.exec(value)?.[1] ?? Number.NaN)
  if (number <= 10) return number
  const message = `${shown(value)} is not a rating from 1 to 10, nor 0 for none`
  context.addIssue({ code: 'custom', message, params: { code: 'bad_rating' } })
  return z.NEVER
})

const CODES: readonly number[] = STATUSES.map(({ code }) => code)

const status = requiredText.transform((value, context): number => {
  const number = Number(WHOLE.exec(value)?.[1] ?? Number.NaN)
  if (CODES.includes(number)) return number
  const message = `${shown(value)} is not a watching status: those are ${CODES.join(', ')}`
  context.addIssue({ code: 'custom', message, params: { code: 'bad_status' } })
  return z.NEVER
})

const statusesFile: FileFormat<Status> = {
  family: statuses,
  fileName: 'watching_status.csv',
  required: false,
  read: 'csv',
  columns: ['status'],
  // The file's own header has a blank before the name.
  optional: ['description', ' description'],
  telling: [],
  identity: ['status'],
  record: z
    .object({ status, description: text, ' description': text })
    .transform((cells): Status => ({ code: cells.status, description: cells.description ?? cells[' description'] })),
}

const rating = z
  .object({
    user_id: whole('bad_id'),
    anime_id: requiredInt4Id,
    rating: score,
    watching_status: status,
    watched_episodes: whole('bad_count'),
  })
  .transform(
    (cells): Rating => ({
      userId: cells.user_id,
      animeId: cells.anime_id,
      score: cells.rating,
      status: cells.watching_status,
      episodes: cells.watched_episodes,
    }),
  )

const RATING_COLUMNS = Object.keys(rating.in.shape)
/** Shorter than any that int4 could not hold. */
const CLEAN_COUNT = '\\d{1,9}'

const ratingsFile: FileFormat<Rating> = {
  family: ratings,
  fileName: 'animelist.csv',
  required: false,
  read: 'csv',
  columns: RATING_COLUMNS,
  optional: [],
  telling: [],
  identity: RATING_COLUMNS,
  record: rating,
  bulk: {
    fact: 'rating',
    cells: {
      user_id: { column: 'user_id', clean: CLEAN_COUNT },
      anime_id: { column: 'anime_id', clean: '[1-9]\\d{0,8}' },
      rating: { column: 'score', clean: '(?:10|\\d)' },
      watching_status: { column: 'status', clean: `[${CODES.join('')}]` },
      watched_episodes: { column: 'episodes', clean: CLEAN_COUNT },
    },
    copied: ({ userId, animeId, score, status, episodes }) => [userId, animeId, score, status, episodes],
  },
}

export const listFiles = [statusesFile, ratingsFile]
