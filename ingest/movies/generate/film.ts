import { Random } from '../../generate/random.ts'
import {
  BAD_DATES,
  COMPANY_COUNTS,
  COUNTRIES,
  companyName,
  formerName,
  GENRE_COUNTS,
  GENRE_LOTS,
  LANGUAGE_LOTS,
  type Language,
  name,
  originalTitle,
  overview,
  STATUS_LOTS,
  sentence,
  tagline,
  title,
  YEAR_LOTS,
} from './names.ts'
import type { Oddity, World } from './world.ts'

/** A film's 24 cells and what the summary counts of it; money is in dollars, 0 where unknown. */
export interface Film {
  cells: string[]
  budget: number
  revenue: number
  dated: boolean
  bad: BadCell | null
  genres: number
  companies: number
}

/** Columns that sound films may have a bad cell in. */
export type BadCell = 'budget' | 'negativeBudget' | 'releaseDate'

export const MOVIE_COLUMNS =
  'adult,belongs_to_collection,budget,genres,homepage,id,imdb_id,original_language,original_title,overview,popularity,poster_path,production_companies,production_countries,release_date,revenue,runtime,spoken_languages,status,tagline,title,video,vote_average,vote_count'.split(
    ',',
  )

/** Makes film number `index`; the cells hold no line end but those of a plot with paragraphs. */
export function makeFilm(world: World, index: number): Film {
  const random = new Random(world.seed, index)
  const has = (oddity: Oddity) => world.has(oddity, index)
  const broken = index >= world.films
  const language = random.pick(LANGUAGE_LOTS)
  const english = title(random)
  const { budget, revenue } = money(random, has('pastInt4'))
  const bad = has('badBudget')
    ? 'budget'
    : has('negativeBudget')
      ? 'negativeBudget'
      : has('badDate')
        ? 'releaseDate'
        : null
  const year = random.pick(YEAR_LOTS)
  const dated = bad !== 'releaseDate' && !has('undated')
  const genres = random.chance(0.054) && !broken ? [] : distinct(random, GENRE_LOTS, random.pick(GENRE_COUNTS))
  const companies = random.chance(0.261) && !broken ? [] : companyEntries(world, random)
  const votes = random.chance(0.064) ? 0 : Math.ceil(Math.exp(2.35 + 1.9 * random.normal()))
  const cells = [
    random.chance(0.0002) ? 'True' : 'False',
    random.chance(0.099) ? collection(world, random) : '',
    budgetCell(random, bad, budget),
    list(genres),
    random.chance(0.17) ? `http://www.${name(random).toLowerCase()}film.com/` : '',
    String(world.id(index)),
    imdbId(world, random, index),
    random.chance(0.0003) ? '' : language.code,
    originalTitle(random, language, english),
    broken ? `${sentence(random)} ${sentence(random)}` : plot(random),
    popularity(random, has('tinyPopularity')),
    random.chance(0.008) && !broken ? '' : poster(random),
    list(companies),
    list(random.chance(0.138) ? [] : countries(random, language)),
    bad === 'releaseDate' ? random.pick(BAD_DATES) : dated ? date(random, year) : '',
    String(revenue),
    random.chance(0.006) ? '' : decimal(random.chance(0.034) ? 0 : minutes(random)),
    list(random.chance(0.084) ? [] : spoken(random, language)),
    random.pick(STATUS_LOTS),
    random.chance(0.55) ? '' : tagline(random),
    english,
    random.chance(0.002) ? 'True' : 'False',
    votes === 0 ? '0.0' : decimal(Math.round(10 * Math.min(10, Math.max(0.5, 6.1 + 1.2 * random.normal()))) / 10),
    String(votes),
  ]
  const known = bad === 'budget' || bad === 'negativeBudget' ? 0 : budget
  return { cells, budget: known, revenue, dated, bad, genres: genres.length, companies: companies.length }
}

function distinct<T>(random: Random, items: readonly T[], count: number): T[] {
  const chosen = new Set<T>()
  while (chosen.size < count) chosen.add(random.pick(items))
  return [...chosen]
}

/** Four films in five have no budget, about as many no revenue; a few amounts were entered in thousands or millions. */
function money(random: Random, pastInt4: boolean): { budget: number; revenue: number } {
  const lot = random.next()
  const spent = random.chance(0.03) ? 1 + random.below(999) : rounded(Math.exp(16 + 1.7 * random.normal()), random)
  const taken = random.chance(0.03) ? 1 + random.below(999) : Math.round(spent * Math.exp(0.3 + 1.3 * random.normal()))
  if (pastInt4) return { budget: 237_000_000, revenue: 2_200_000_000 + random.below(600_000_000) }
  return {
    budget: lot < 0.195 ? Math.min(spent, 380_000_000) : 0,
    revenue: lot < 0.118 || lot > 0.955 ? Math.min(Math.max(taken, 1), 2_100_000_000) : 0,
  }
}

const rounded = (dollars: number, random: Random) => {
  const step = random.chance(0.7) ? 10 ** Math.max(0, Math.floor(Math.log10(dollars)) - 1) : 1
  return Math.max(1, Math.round(dollars / step) * step)
}

function budgetCell(random: Random, bad: Film['bad'], budget: number): string {
  if (bad === 'budget') return poster(random)
  return bad === 'negativeBudget' ? String(-1 - random.below(5_000_000)) : String(budget)
}

/** A few companies make very many films (their number falls as one over rank), and a fifth of all credits go to anyone. */
function companyEntries(world: World, random: Random): string[] {
  return Array.from({ length: random.pick(COMPANY_COUNTS) }, () => {
    const common = 4 * (1 + world.companies / 4) ** random.next() - 4
    const id = 1 + (random.chance(0.2) ? random.below(world.companies) : Math.floor(common))
    const former = random.chance(0.3) ? formerName(id) : undefined
    return `{'name': ${pythonRepr(former ?? companyName(id))}, 'id': ${id}}`
  })
}

/** A collection looks the same wherever it appears: all that is drawn for it is drawn from its own number. */
function collection(world: World, random: Random): string {
  const id = 10 + Math.floor(random.next() * random.next() * (world.films / 20))
  const own = new Random(world.seed + 1, id)
  const pictures = `'poster_path': '${poster(own)}', 'backdrop_path': ${own.chance(0.3) ? 'None' : `'${poster(own)}'`}`
  return `{'id': ${id}, 'name': ${pythonRepr(`${title(own)} Collection`)}, ${pictures}}`
}

function countries(random: Random, { countries }: Language): string[] {
  const codes = new Set([random.pick(countries)])
  while (random.chance(0.2)) codes.add(random.pick(random.pick(LANGUAGE_LOTS).countries))
  return [...codes].map((code) => `{'iso_3166_1': '${code}', 'name': '${COUNTRIES[code] ?? ''}'}`)
}

function spoken(random: Random, first: Language): string[] {
  const languages = new Set([first])
  while (random.chance(0.22)) languages.add(random.pick(LANGUAGE_LOTS))
  return [...languages].map(({ code, name }) => `{'iso_639_1': '${code}', 'name': ${pythonRepr(name)}}`)
}

function plot(random: Random): string {
  if (random.chance(0.021)) return ''
  return random.chance(0.003) ? 'No overview found.' : overview(random)
}

function imdbId(world: World, random: Random, index: number): string {
  if (random.chance(0.0004)) return random.chance(0.15) ? '0' : ''
  return `tt${String(world.imdb(index)).padStart(7, '0')}`
}

/** Below 0.0001 Python writes an exponent of two digits, as in 3.6e-05. */
function popularity(random: Random, tiny: boolean): string {
  if (!tiny) return decimal(Math.max(100, Math.round(1e6 * Math.min(550, Math.exp(0.1 + 1.4 * random.normal())))) / 1e6)
  const millionths = 1 + random.below(99)
  return millionths < 10 ? `${millionths}e-06` : `${millionths / 10}e-05`
}

/** As Python writes a float of ordinary size: 81 is 81.0. */
export const decimal = (number: number) => (Number.isInteger(number) ? `${number}.0` : String(number))

const minutes = (random: Random) =>
  Math.max(1, Math.round(random.chance(0.12) ? 5 + 40 * random.next() : 98 + 18 * random.normal()))

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Many films are known by their year alone, and were given its first day. */
function date(random: Random, year: number): string {
  if (random.chance(0.06)) return `${year}-01-01`
  const month = random.below(12)
  const day = 1 + random.below(DAYS[month] ?? 28)
  return `${year}-${String(month + 1).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789']

function poster(random: Random): string {
  let path = '/'
  for (let i = 0; i < 27; i++) path += random.pick(LETTERS)
  return `${path}.jpg`
}

const list = (entries: string[]) => `[${entries.join(', ')}]`

/** Writes a text as Python's `repr` does: single quotes unless it holds only those, and what cannot be seen as an escape. */
export function pythonRepr(text: string): string {
  if (/^[ !#-&(-[\]-~]*$/.test(text)) return `'${text}'`
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const body = text.replace(/[\\'"\p{C}\p{Z}]/gu, (character) => {
    if (character === ' ') return character
    if (character === '\\' || character === quote) return `\\${character}`
    return character === "'" || character === '"' ? character : unseen(character)
  })
  return `${quote}${body}${quote}`
}

function unseen(character: string): string {
  const short = { '\t': '\\t', '\n': '\\n', '\r': '\\r' }[character]
  if (short !== undefined) return short
  const hex = (character.codePointAt(0) ?? 0).toString(16)
  if (hex.length <= 2) return `\\x${hex.padStart(2, '0')}`
  return hex.length <= 4 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}
