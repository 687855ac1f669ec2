import type { FilmRecord } from './oracle-figures.ts'
import { byCodePoint } from './oracle-order.ts'
import type { DimensionName } from './oracle-reports.ts'

/** What the members of dimensions are called: where an id carries several names the one that most films give, ties by code point. */
export class Names {
  readonly #films: FilmRecord[]
  readonly #known = new Map<DimensionName, Map<number | string, string>>()

  constructor(films: FilmRecord[]) {
    this.#films = films
  }

  /** Null where no film tells it. */
  of(dimension: DimensionName, id: number | string): string | null {
    const names = this.#known.get(dimension) ?? this.#names(dimension)
    this.#known.set(dimension, names)
    return names.get(id) ?? null
  }

  #names(dimension: DimensionName): Map<number | string, string> {
    const counted = new Map<number | string, Map<string, number>>()
    for (const film of this.#films)
      for (const pair of new Set(called(film, dimension).map((one) => JSON.stringify(one)))) {
        const [id, name] = JSON.parse(pair) as [number | string, string]
        const names = counted.get(id) ?? new Map<string, number>()
        counted.set(id, names.set(name, (names.get(name) ?? 0) + 1))
      }
    const first = (names: Map<string, number>) =>
      [...names].sort(([a, many], [b, more]) => more - many || byCodePoint(a, b))[0] as [string, number]
    return new Map([...counted].map(([id, names]) => [id, first(names)[0]]))
  }
}

/** Ids and names in a film. */
function called(film: FilmRecord, dimension: DimensionName): [number | string, string][] {
  if (dimension === 'country' || dimension === 'language') {
    const coded = dimension === 'country' ? film.countries : film.spoken
    return coded.filter(({ name }) => name !== '').map(({ code, name }) => [code, name])
  }
  if (dimension === 'content_rating') return [[film.contentRating, film.contentRating]]
  const lists = {
    company: film.companies,
    genre: film.genres,
    collection: film.collection ? [film.collection] : [],
    keyword: film.keywords,
    person: [...film.crew, ...film.cast],
  }
  return lists[dimension].map(({ id, name }) => [id, name])
}
