import {
  compare,
  dividedBy,
  type Fraction,
  fraction,
  numberCell,
  plain,
  plus,
  times,
  whole,
  wholeCell,
} from './exact.ts'
import { cellsOf } from './oracle-cells.ts'
import type { Member } from './oracle-dimensions.ts'
import {
  type Cell,
  decimalOrNull,
  dollarsOrNull,
  measures,
  type Portion,
  type Ratings,
  type Row,
  rated,
  starsOf,
  sum,
} from './oracle-figures.ts'
import type { Names } from './oracle-names.ts'
import { type Params, STARS } from './oracle-reports.ts'

/** Reports on films in groups: the best of each, what came of their budgets, how they are rated. */

interface Group {
  /** `group` and `group_id`. */
  head: Row
  films: Portion[]
}

/** Films without a member of what groups them are in no group, and nor are undated ones in a year or a decade. */
export function groupsOf(films: Portion[], by: string, params: Params, names: Names): Group[] {
  if (by === 'film')
    return films.map((film) => ({
      head: { group: film.film.title, group_id: String(film.film.id) },
      films: [film],
    }))
  if (by === 'company' || by === 'genre')
    return cellsOf(films, [by], { ...params, attribution: 'full' }, undefined).map(({ members, portions }) => {
      const { id } = members[0] as Member
      return { head: { group: names.of(by, id), group_id: String(id) }, films: portions }
    })
  const named = (name: string, portions: Portion[]) => ({ head: { group: name, group_id: name }, films: portions })
  if (by === 'year' || by === 'decade')
    return cellsOf(films, [], {}, by).map(({ period, portions }) => named(period, portions))
  if (by === 'budget_band') {
    const bands = new Map<string, Portion[]>()
    for (const film of films) {
      const band = bandOf(film.budget as bigint)
      bands.set(band, [...(bands.get(band) ?? []), film])
    }
    return [...bands].map(([band, portions]) => named(band, portions))
  }
  return films.length > 0 ? [named('all', films)] : []
}

function bandOf(cents: bigint): string {
  const millions = (count: bigint) => cents >= count * 100_000_000n
  if (millions(100n)) return 'from_100m'
  if (millions(50n)) return '50m_100m'
  if (millions(10n)) return '10m_50m'
  return millions(1n) ? '1m_10m' : 'under_1m'
}

/** Where each film was read. */
export interface Origin {
  fileName: string
}

export function topFilms(films: Portion[], params: Params, names: Names, ratings: Ratings, origin: Origin): Row[] {
  const { by = 'year', n = 10, measure = 'revenue', min_releases = 1 } = params
  return groupsOf(films, by, params, names).flatMap(({ head, films: within }) => {
    const valued = within.map((film) => ({ film, value: figureOf(film, params, ratings) }))
    const ranked = valued.flatMap(({ film, value }) =>
      value === null ? [] : [{ film, value: fraction(plain(value)), cell: value }],
    )
    if (ranked.length < min_releases) return []
    return ranked
      .map((one) => ({ ...one, rank: 1 + ranked.filter(({ value }) => compare(value, one.value) > 0).length }))
      .filter(({ rank }) => rank <= n)
      .map(({ film: { film, budget, revenue }, cell, rank }) => ({
        ...head,
        rank: wholeCell(rank),
        film_id: wholeCell(film.id),
        title: film.title,
        release_date: film.releaseDate || null,
        year: film.releaseDate === '' ? null : wholeCell(Number(film.releaseDate.slice(0, 4))),
        measure,
        value: cell,
        budget: dollarsOrNull(budget),
        revenue: dollarsOrNull(revenue),
        source_file: origin.fileName,
        source_line: wholeCell(film.line),
      }))
  })
}

/** What a film is ranked by. */
export function figureOf(film: Portion, { measure = 'revenue' }: Params, ratings: Ratings): string | null {
  const alone = measures([film], ratings)
  // A film's votes need no weight, and profit is that of films of which both is known.
  if (measure === 'vote_average') return decimalOrNull(film.film.voteAverage)
  return (measure === 'profit' ? alone.matched_profit : alone[measure]) as string | null
}

/** Whether a film has a return. */
export const isMatched = ({ budget, revenue }: Portion) => budget !== null && budget > 0n && revenue !== null

/** Return on investment, over films of which both budget and revenue are known. */
export function returns(films: Portion[], params: Params, names: Names): Row[] {
  const { by = 'genre', min_releases = 1 } = params
  return groupsOf(films.filter(isMatched), by, params, names)
    .filter((group) => group.films.length >= min_releases)
    .map(({ head, films: within }) => {
      const gain = ({ budget, revenue }: Portion) => (revenue as bigint) - (budget as bigint)
      const rois = within.map((film): Fraction => ({ over: gain(film), under: film.budget as bigint })).sort(compare)
      const spent = sum(within.map(({ budget }) => budget as bigint))
      return {
        ...head,
        films: wholeCell(within.length),
        q1: quantile(rois, 1),
        median: quantile(rois, 2),
        q3: quantile(rois, 3),
        mean_roi: numberCell({ over: sum(within.map(gain)), under: spent }, 6),
        lost: wholeCell(within.filter((film) => gain(film) < 0n).length),
      }
    })
}

/** A quartile by linear interpolation (type 7): at `(n - 1) × quarter / 4` of the sorted values, counted from 0. */
function quantile(sorted: Fraction[], quarter: number): Cell {
  const place = (sorted.length - 1) * quarter
  const [low, rest] = [Math.floor(place / 4), place % 4]
  const [below, above] = [sorted[low] as Fraction, sorted[low + 1] ?? (sorted[low] as Fraction)]
  const step = times(plus(above, times(whole(-1), below)), dividedBy(whole(rest), whole(4)))
  return numberCell(plus(below, step), 6)
}

/** How films are rated by the users of MovieLens. */
export function ratingRows(films: Portion[], params: Params, names: Names, ratings: Ratings): Row[] {
  const known = ratings ?? new Map<number, number[]>()
  const ratedFilms = films.filter(({ film }) => known.has(film.id))
  const groups = groupsOf(ratedFilms, params.by ?? 'film', params, names)
  const { min_releases = 1 } = params
  const large = groups.filter((group) => group.films.length >= min_releases)
  return large.map(({ head, films: within }) => {
    const each = within.map(({ film }) => film)
    const { rating_average, rating_count } = rated(each, known)
    const stars = starsOf(each, known).map((many, step) => [STARS[step] as string, wholeCell(many)])
    return {
      ...head,
      ratings: rating_count as Cell,
      rating_average: rating_average as Cell,
      ...Object.fromEntries(stars),
    }
  })
}
