import fc from 'fast-check'
import { LARGEST_ID, named, namedList } from './film-arbitraries.ts'
import type { FilmRecord, Named } from './oracle-figures.ts'

/**
 * What stands beside the films of the-movies-dataset: credits, keywords, links to MovieLens, ratings and price indexes, about
 * films that the file of films may or may not have.
 */
export interface Beside {
  credits: Credits[]
  keywords: { film: number; keywords: Named[] }[]
  links: Link[]
  ratings: (Rating | { text: string })[]
  series: Series[]
  newline: '\n' | '\r\n'
}

export interface Credits {
  film: number
  cast: (Named & { character: string })[]
  crew: (FilmRecord['crew'][0] & { department: string })[]
  /** A cell that cannot be read is a warning, and tells of nobody. */
  unreadable: 'cast' | 'crew' | null
}

export interface Link {
  movie: number
  /** Null where the cell is blank. */
  film: number | null
}

export interface Rating {
  user: number
  movie: number
  /** Half stars, from 1 to 10. */
  halves: number
  /** `4` is `4.0`, too. */
  short: boolean
  timestamp: number
}

export interface Series {
  name: string
  heads: 'Date' | 'DATE' | 'observation_date'
  /** Month, `YYYY-MM`, and the value as it is written. */
  months: [string, string][]
}

/** Films 15 and 16 are in no file of films, and others need not be. */
const film = fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 1, max: 16 }) }, fc.constant(LARGEST_ID))

/** Twice on a film by the same job, in one department or two. */
const twice = <T>(one: fc.Arbitrary<T>, most: number) =>
  fc
    .tuple(fc.array(one, { maxLength: most }), fc.array(fc.nat(), { maxLength: 2 }))
    .map(([list, again]) => [...list, ...again.flatMap((index) => list[index % list.length] ?? [])])

const credits: fc.Arbitrary<Credits> = fc.record({
  film,
  cast: twice(
    fc
      .tuple(named(5), fc.constantFrom('', 'Himself', "Mom's 'best'", '"Otter"'))
      .map(([person, character]) => ({ ...person, character })),
    4,
  ),
  crew: twice(
    fc
      .tuple(
        named(5),
        fc.constantFrom('Director', 'Director', 'Producer', 'Writer', 'Director of Photography'),
        fc.constantFrom('Directing', 'Crew'),
      )
      .map(([person, job, department]) => ({ ...person, job, department })),
    4,
  ),
  unreadable: fc.constantFrom<Credits['unreadable']>(null, null, null, null, null, null, 'cast', 'crew'),
})

const link = fc.record({
  movie: fc.integer({ min: 1, max: 8 }),
  film: fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 6, arbitrary: film }),
})

/** Movie 9 has no link. */
const rating: fc.Arbitrary<Rating> = fc.record({
  user: fc.integer({ min: 1, max: 7 }),
  movie: fc.integer({ min: 1, max: 9 }),
  halves: fc.integer({ min: 1, max: 10 }),
  short: fc.boolean(),
  timestamp: fc.integer({ min: 789652009, max: 1501829870 }),
})

const noRating = fc.constantFrom('1,2,5.5,964982703', '1,2,0,964982703', 'x,2,4.0,964982703', '1,2', '1,2,,964982703')

const value = fc
  .tuple(fc.integer({ min: 20, max: 300 }), fc.constantFrom('', '.4', '.65', '.700', '.123'))
  .map((parts) => parts.join(''))
const gap = fc.constantFrom('', '.')
const perhaps = fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: gap })

/** 1996 is whole; what is before and after it has gaps, begins late, and ends early. */
const series = (name: string): fc.Arbitrary<Series> =>
  fc
    .record({
      heads: fc.constantFrom<Series['heads']>('Date', 'DATE', 'observation_date'),
      before: fc.array(perhaps, { maxLength: 14 }),
      whole: fc.array(value, { minLength: 12, maxLength: 12 }),
      after: fc.oneof(fc.array(perhaps, { maxLength: 12 }), fc.array(value, { minLength: 12, maxLength: 14 })),
    })
    .map(({ heads, before, whole, after }) => ({
      name,
      heads,
      months: [...before, ...whole, ...after].map((cell, index): [string, string] => [
        monthAt(index - before.length),
        cell,
      ]),
    }))

/** So many months after January of 1996. */
function monthAt(after: number): string {
  const count = 1996 * 12 + after
  return `${Math.floor(count / 12)}-${String((count % 12) + 1).padStart(2, '0')}`
}

export const beside: fc.Arbitrary<Beside> = fc.record({
  credits: fc.array(credits, { minLength: 4, maxLength: 24, size: 'max' }),
  keywords: fc.array(fc.record({ film, keywords: namedList(4, 3) }), { maxLength: 10, size: 'max' }),
  links: fc.uniqueArray(link, { selector: ({ movie }) => movie, minLength: 3, maxLength: 8, size: 'max' }),
  ratings: fc.array(
    fc.oneof({ weight: 20, arbitrary: rating }, { weight: 1, arbitrary: noRating.map((text) => ({ text })) }),
    { minLength: 10, maxLength: 80, size: 'max' },
  ),
  series: fc.tuple(series('CPIAUCSL'), series('CUSR0000SS62031')),
  newline: fc.constantFrom('\n', '\r\n'),
})
