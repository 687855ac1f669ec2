import fc from 'fast-check'
import type { Coded, Named } from './oracle-figures.ts'

/**
 * What films may hold, over few ids, years and names, so that ties, repeats and shared cells are the rule and not the exception.
 * `№` is never among the characters: it marks numbers (exact.ts).
 */
const PIECES = [
  'Otter',
  "Mom's",
  '"Grand" Finale',
  `it's "both"`,
  'no\u00a0break',
  'tab\there',
  'back\\slash\\',
  'line\nbreak',
  '映画',
  'É',
  'é',
  'Ａ',
  '🎬',
  'a,b|c',
  '100%_',
]

export const piece = fc.constantFrom(...PIECES)
export const name = fc.array(piece, { minLength: 1, maxLength: 2 }).map((pieces) => pieces.join(' '))

/** Few different names, so that one id carries several, equally often. */
const namesake = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('Otter', "Mom's", 'É', 'é', '🎬', 'Ａ') }, name)

export const LARGEST_ID = Number.MAX_SAFE_INTEGER

export const named = (ids: number): fc.Arbitrary<Named> =>
  fc.record(
    {
      id: fc.oneof({ weight: 12, arbitrary: fc.integer({ min: 1, max: ids }) }, fc.constant(LARGEST_ID)),
      name: namesake,
    },
    { noNullPrototype: true },
  )

/** A film's list, in which some stand twice, by the same name or another. */
export const namedList = (ids: number, most: number): fc.Arbitrary<Named[]> =>
  fc
    .tuple(fc.array(named(ids), { maxLength: most }), fc.array(fc.nat(), { maxLength: 2 }))
    .map(([list, again]) => [...list, ...again.flatMap((index) => list[index % list.length] ?? [])])

/** After it a release date is suspect. */
export const FILE_DATE = '2017-10-02'

export const releaseDate = fc.oneof(
  { weight: 2, arbitrary: fc.constant('') },
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      '1990-10-01',
      '1991-02-28',
      '1995-01-01',
      '1995-10-30',
      '1995-12-31',
      '1996-01-01',
      '1996-02-29',
      '1997-06-15',
    ),
  },
  { weight: 2, arbitrary: fc.constantFrom('0987-06-05', '1874-12-09', FILE_DATE, '2017-10-03', '2020-12-16') },
)

/** Unknown, a handful of equal amounts, suspect, past int4, and up to the largest that a bigint holds. */
export const money = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('', '0', '0.0') },
  { weight: 5, arbitrary: fc.constantFrom('1000', '30000000', '030000000', '373554033', '373554033.0') },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 999 }).map(String) },
  { weight: 2, arbitrary: fc.constantFrom('2787965087', '2147483648', '9007199254740993') },
  { weight: 1, arbitrary: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }).map(String) },
)

export const popularity = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('', '0', '0.0') },
  { weight: 4, arbitrary: fc.constantFrom('21.946943', '1e-06', '8.58E-05', '4.0', '547.488298') },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.nat(2_000_000_000), fc.nat(9_999_999)).map(([units, rest]) => `${units}.${rest}`),
  },
)

export const voteAverage = fc.oneof(fc.constant(''), fc.constantFrom('0.0', '7.7', '10', '6.05'))
export const voteCount = fc.oneof(fc.constantFrom('', '0', '5415.0'), fc.nat(20_000).map(String))
export const runtime = fc.constantFrom('', '0.0', '81.0', '104', '99.5')
export const status = fc.constantFrom('', 'Released', 'Released', 'Rumored', 'Post Production')

/** A film's codes, of which some have several names or none, and some stand twice. */
const coded = (codes: string[], names: string[]): fc.Arbitrary<Coded[]> =>
  fc.array(fc.record({ code: fc.constantFrom(...codes), name: fc.constantFrom(...names) }, { noNullPrototype: true }), {
    maxLength: 3,
  })

/** Of countries the source always has the name. */
export const countries = coded(['US', 'FR', 'GB', 'XC'], ['Otter', "C\u00f4te d'Ivoire", '🎬'])
export const spoken = coded(['en', 'fr', 'de'], ['English', 'Fran\u00e7ais', '映画', ''])
