import { hash, Random } from '../../generate/random.ts'
import { companyName, englishName, GENRES, japaneseName, synopsis, TYPES, titleName } from './names.ts'

/** The first ids of the site; those between them it never gave out. */
const FIRST_IDS = [1, 5, 6, 7, 8, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33]
/** Ids that are on lists and of no title. */
export const ABSENT_IDS = [2, 3, 4, 9, 10]

/** A title's id: increasing, with gaps as on the site. */
export const idOf = (seed: number, index: number): number =>
  FIRST_IDS[index] ?? 33 + 3 * (index - FIRST_IDS.length) + 1 + (hash(seed, index) % 3)

export const TITLE_COLUMNS =
  'MAL_ID,Name,Score,Genres,English name,Japanese name,Type,Episodes,Aired,Premiered,Producers,Licensors,Studios,Source,Duration,Rating,Ranked,Popularity,Members,Favorites,Watching,Completed,On-Hold,Dropped,Plan to Watch,Score-10,Score-9,Score-8,Score-7,Score-6,Score-5,Score-4,Score-3,Score-2,Score-1'.split(
    ',',
  )

const UNKNOWN = 'Unknown'
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const SEASONS = ['Winter', 'Spring', 'Summer', 'Fall']
const RATINGS = ['PG-13 - Teens 13 or older', 'G - All Ages', 'R - 17+ (violence & profanity)', 'PG - Children']
const MATERIALS = ['Original', 'Manga', 'Light novel', 'Visual novel', 'Game', 'Other']

export interface MadeTitle {
  cells: string[]
  /** 0: unknown. */
  episodes: number
  /** As the other file has it; null where it has no record of the title. */
  synopsis: string | null
}

/** Makes title number `index`: a pure function of both numbers, so that nothing is remembered. */
export function makeTitle(seed: number, index: number): MadeTitle {
  const random = new Random(seed, index)
  const type = typeOf(random)
  const episodes = episodesOf(random, type)
  const unless = (share: number, cell: () => string) => (random.chance(share) ? UNKNOWN : cell())
  const score = unless(0.29, () => (4 + 5.2 * random.next()).toFixed(2))
  const year = 2020 - Math.floor(55 * random.next() ** 2.2)
  const month = random.below(12)
  const members = Math.ceil(Math.exp(7 + 2.4 * random.normal()))
  const share = (of: number) => String(Math.floor(members * of))
  const cells = [
    String(idOf(seed, index)),
    titleName(random),
    score,
    list(random, 0.004, 1 + random.below(5), () => random.pick(GENRES)),
    unless(0.6, () => englishName(random)),
    unless(0.01, () => japaneseName(random)),
    random.chance(0.002) ? UNKNOWN : type,
    episodes === 0 ? UNKNOWN : String(episodes),
    airedOf(random, { year, month, ongoing: episodes === 0, once: type === 'Movie' || type === 'Music' }),
    type === 'TV' && !random.chance(0.05) ? `${SEASONS[Math.floor(month / 3)]} ${year}` : UNKNOWN,
    list(random, 0.44, 1 + random.below(3), () => companyName(random)),
    list(random, 0.77, 1 + random.below(2), () => companyName(random)),
    list(random, 0.4, random.chance(0.06) ? 2 : 1, () => companyName(random)),
    unless(0.2, () => random.pick(MATERIALS)),
    unless(0.03, () => (type === 'Movie' ? '1 hr. 40 min.' : `${3 + random.below(24)} min. per ep.`)),
    unless(0.04, () => random.pick(RATINGS)),
    unless(0.1, () => `${1 + random.below(15_000)}.0`),
    String(1 + random.below(17_500)),
    String(members),
    share(0.01),
    share(0.05),
    share(0.6),
    share(0.03),
    share(0.04),
    share(0.28),
    ...siteScores(random, members, score === UNKNOWN),
  ]
  return { cells, episodes, synopsis: random.chance(0.077) ? null : synopsis(random) }
}

function typeOf(random: Random): string {
  const lot = random.below(100)
  let below = 0
  for (const [type, share] of TYPES) {
    below += share
    if (lot < below) return type
  }
  return UNKNOWN
}

function episodesOf(random: Random, type: string): number {
  if (random.chance(0.03)) return 0
  if (type === 'Movie' || type === 'Music') return 1
  return type === 'TV' ? random.pick([12, 12, 13, 24, 25, 26, 39, 52, 148]) : 1 + random.below(12)
}

interface OnAir {
  year: number
  month: number
  ongoing: boolean
  once: boolean
}

function airedOf(random: Random, { year, month, ongoing, once }: OnAir): string {
  const form = random.below(100)
  if (form < 2) return UNKNOWN
  if (form < 3) return 'Not available'
  if (form < 6) return String(year)
  if (form < 9) return `${MONTHS[month]} ${year}`
  const day = (of: number) => `${MONTHS[month]} ${1 + random.below(28)}, ${of}`
  if (once) return day(year)
  return `${day(year)} to ${ongoing ? '?' : day(year + 1)}`
}

function siteScores(random: Random, members: number, unknown: boolean): string[] {
  return Array.from({ length: 10 }, (_, nth) =>
    unknown && random.chance(0.3) ? UNKNOWN : `${Math.floor((members * random.next()) / (3 + nth))}.0`,
  )
}

/** Names in one cell, some of them twice. */
function list(random: Random, unknown: number, length: number, name: () => string): string {
  if (random.chance(unknown)) return UNKNOWN
  return Array.from({ length }, name).join(', ')
}
