import { type FilmRecord, integer, known, type Named, yearOf } from './oracle-figures.ts'
import type { Params } from './oracle-reports.ts'

/** Which films count. */

/** Whether it passes all film filters; `q` is part of the title here. */
export function counts(film: FilmRecord, params: Params, fileDate: string): boolean {
  const { status, content_rating, min_votes, exclude_suspect } = params
  const language = params.language?.map((code) => code.toLowerCase())
  const country = params.country?.map((code) => code.toUpperCase())
  return (
    among(film.companies, params.company_id) &&
    among(film.genres, params.genre_id) &&
    among(film.collection ? [film.collection] : [], params.collection_id) &&
    among([...film.crew, ...film.cast], params.person_id) &&
    (!params.job || among(doing(film, params.job), params.person_id)) &&
    among(film.keywords, params.keyword_id) &&
    (!country || film.countries.some(({ code }) => country.includes(code))) &&
    (!language || language.includes(film.originalLanguage)) &&
    (!status || status.includes(film.status)) &&
    (!content_rating || content_rating.includes(film.contentRating)) &&
    (min_votes === undefined || (film.voteCount !== '' && integer(film.voteCount) >= BigInt(min_votes))) &&
    isWithin(film, params) &&
    holds(film.title, params.q) &&
    !(exclude_suspect && suspicions(film, fileDate).length > 0)
  )
}

/** Who did one of these in it. */
const doing = ({ crew, cast }: FilmRecord, jobs: string[]): Named[] => [
  ...crew.filter(({ job }) => jobs.includes(job) && job !== 'cast'),
  ...(jobs.includes('cast') ? cast : []),
]

const among = (things: Named[], ids: number[] | undefined) => !ids || things.some(({ id }) => ids.includes(id))

export const holds = (text: string, part: string | undefined) =>
  part === undefined || asTyped(text).includes(asTyped(part))

const LIKE: Record<string, string> = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ı: 'i' }

/** Letter by letter: without accents, case and blanks. */
function asTyped(text: string): string {
  let typed = ''
  for (const letter of text.normalize('NFKD').toLowerCase())
    if (!/[\u0300-\u036f\s]/.test(letter)) typed += LIKE[letter] ?? letter
  return typed
}

export function isWithin(film: FilmRecord, { from, to, year }: Params): boolean {
  if (from === undefined && to === undefined && year === undefined) return true
  if (film.releaseDate === '') return false
  const released = yearOf(film)
  return released >= (from ?? 0) && released <= (to ?? 9999) && released === (year ?? released)
}

/** Why its figures are probably wrong. */
export function suspicions({ budget, revenue, releaseDate }: FilmRecord, fileDate: string): string[] {
  const cost = known(budget)
  const income = known(revenue)
  const flags: string[] = []
  if (cost !== null && cost < 1000n) flags.push('budget_under_1000')
  if (income !== null && income < 1000n) flags.push('revenue_under_1000')
  if (cost !== null && cost < 1000n && income !== null && income > 1_000_000n)
    flags.push('revenue_over_1000000_on_budget_under_1000')
  if (releaseDate > fileDate) flags.push('released_after_file')
  return flags
}
