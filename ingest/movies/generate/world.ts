import { hash } from '../../generate/random.ts'

/**
 * The real file: 45,430 sound films, and how often each oddity occurs among them. Its bad cells are all in the halves of
 * broken films; here a few sound films have some too, so that a reader's handling of single cells is tried.
 */
const REAL_FILMS = 45_430
const ODDITIES = {
  repeated: 29,
  broken: 3,
  undated: 87,
  tinyPopularity: 154,
  pastInt4: 1,
  badBudget: 3,
  negativeBudget: 2,
  badDate: 3,
  /** Further files have these: films that the metadata lacks, and links that leave the film blank or name it once more. */
  stranger: 12,
  blankLink: 219,
  repeatedLink: 30,
}
export type Oddity = keyof typeof ODDITIES
const ODDITY_NAMES = Object.keys(ODDITIES)

/** What films have in common: their number, their ids, the companies there are, and where the oddities fall. */
export class World {
  readonly films: number
  readonly seed: number
  /** Companies that may occur. As in the real file about half do, and they grow more slowly than the films. */
  readonly companies: number
  readonly id: (index: number) => number
  readonly imdb: (index: number) => number

  constructor(films: number, seed: number) {
    this.films = films
    this.seed = seed
    this.companies = Math.ceil(50_000 * (films / REAL_FILMS) ** 0.7)
    const numbers = films + oddities('broken', films)
    this.id = permutation(numbers * 10 + 10, seed)
    this.imdb = permutation(Math.max(numbers * 20, 6_000_000), seed + 1)
  }

  /** Films in the order of the files that list them: with those that the metadata lacks, which have numbers past all others. */
  *numbers(): Generator<number> {
    let broken = this.films
    let stranger = this.films + oddities('broken', this.films)
    for (let i = 0; i < this.films; i++) {
      yield i
      if (this.has('broken', i)) yield broken++
      if (this.has('stranger', i)) yield stranger++
    }
  }

  /** The same, and among them the films that are listed again, `again` counting those. */
  *listed(): Generator<{ film: number; again?: number }> {
    let again = 0
    for (const film of this.numbers()) {
      yield { film }
      if (this.has('repeated', film)) yield { film: this.earlierSound(film), again: again++ }
    }
  }

  /**
   * Whether an oddity befalls a film. The file is cut into as many equal stretches as the oddity has cases, and in each
   * stretch one film is drawn: the count is exact, and nobody has to remember who was drawn.
   */
  has(oddity: Oddity, index: number): boolean {
    if (index >= this.films) return false
    return this.#drawn(oddity, this.#stretch(oddity, index)) === index
  }

  /** A film without a bad cell in the stretch of the repeated film `at`, before it if there is one. */
  earlierSound(at: number): number {
    const { start } = this.#stretch('repeated', at)
    const first = start + (hash(this.seed, at) % (at - start + 1))
    for (let i = first; i < at; i++) if (!this.isBad(i)) return i
    return at
  }

  isBad(index: number): boolean {
    return this.has('badBudget', index) || this.has('negativeBudget', index) || this.has('badDate', index)
  }

  #stretch(oddity: Oddity, index: number) {
    const cases = oddities(oddity, this.films)
    const nth = Math.floor((index * cases) / this.films)
    const start = Math.ceil((nth * this.films) / cases)
    return { nth, start, end: Math.ceil(((nth + 1) * this.films) / cases) }
  }

  #drawn(oddity: Oddity, { nth, start, end }: { nth: number; start: number; end: number }): number {
    return start + (hash(this.seed + ODDITY_NAMES.indexOf(oddity), nth) % (end - start))
  }
}

/** In proportion to the real file, and at least one in any file that has films. */
const oddities = (oddity: Oddity, films: number) => Math.ceil((ODDITIES[oddity] * films) / REAL_FILMS)

/** Spreads 0, 1, 2, … over 2 … modulus + 1 without meeting the same number twice. */
export function permutation(modulus: number, seed: number): (index: number) => number {
  let step = Math.floor(modulus * 0.618)
  while (gcd(step, modulus) !== 1) step++
  const offset = hash(seed, 0) % modulus
  return (index) => 2 + ((index * step + offset) % modulus)
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
