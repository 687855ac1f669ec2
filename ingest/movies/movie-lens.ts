import { z } from 'zod'
import { count, id, requiredInt4Id, requiredText, shown, text } from '../cells.ts'
import type { FileFormat } from '../subject.ts'
import { type Link, links } from './links.ts'
import { type Rating, ratings } from './ratings.ts'

/** The files of MovieLens: ratings by its own ids, and links that say which film of TMDB each of them is. */

/** IMDb's without its letters: `0114709` is `tt0114709`. */
const imdbId = text.transform((value, context): string | null => {
  if (value === null) return null
  const [, digits] = /^(\d{1,10})(?:\.0*)?$/.exec(value) ?? []
  if (digits !== undefined) return `tt${digits.padStart(7, '0')}`
  context.addIssue({ code: 'custom', message: `${shown(value)} is not a number`, params: { code: 'bad_id' } })
  return z.NEVER
})

const link = z
  .object({ movieId: requiredInt4Id, imdbId, tmdbId: id })
  .transform((cells): Link => ({ movieLensId: cells.movieId, imdbId: cells.imdbId, filmId: cells.tmdbId }))

const linksFile: FileFormat<Link> = {
  family: links,
  fileName: 'links.csv',
  otherNames: ['links_small.csv'],
  required: false,
  read: 'csv',
  columns: ['movieId', 'tmdbId'],
  optional: ['imdbId'],
  telling: [],
  identity: ['movieId'],
  record: link,
}

const stars = requiredText.transform((value, context): string => {
  if (/^(?:0?\.50*|[1-4](?:\.[05]0*)?|5(?:\.0+)?)$/.test(value)) return value
  const message = `${shown(value)} is not a rating from 0.5 to 5 in halves`
  context.addIssue({ code: 'custom', message, params: { code: 'bad_rating' } })
  return z.NEVER
})

const seconds = count.transform((value, context): string => {
  if (value !== null) return value
  context.addIssue({ code: 'custom', message: 'is missing', params: { code: 'missing' } })
  return z.NEVER
})

const rating = z
  .object({ userId: requiredInt4Id, movieId: requiredInt4Id, rating: stars, timestamp: seconds })
  .transform(
    (cells): Rating => ({
      userId: cells.userId,
      movieLensId: cells.movieId,
      rating: cells.rating,
      ratedAt: cells.timestamp,
    }),
  )

const RATING_COLUMNS = Object.keys(rating.in.shape)
/** Shorter than any that int4 could not hold. */
const CLEAN_ID = '[1-9]\\d{0,8}'

const ratingsFile: FileFormat<Rating> = {
  family: ratings,
  fileName: 'ratings.csv',
  otherNames: ['ratings_small.csv'],
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
      userId: { column: 'user_id', clean: CLEAN_ID },
      movieId: { column: 'movielens_id', clean: CLEAN_ID },
      rating: { column: 'rating', clean: '(?:0\\.5|[1-4](?:\\.[05])?|5(?:\\.0)?)' },
      timestamp: { column: 'rated_at', clean: '\\d{1,10}' },
    },
    copied: ({ userId, movieLensId, rating, ratedAt }) => [userId, movieLensId, rating, ratedAt],
  },
}

export const movieLensFiles = [linksFile, ratingsFile]
