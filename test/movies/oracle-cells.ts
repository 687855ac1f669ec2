import { times, whole } from './exact.ts'
import { isSelected, type Member, membersOf } from './oracle-dimensions.ts'
import type { Portion } from './oracle-figures.ts'
import { periodOf } from './oracle-periods.ts'
import type { DimensionName, Grain, Params } from './oracle-reports.ts'

/** Films in cells: each counts for its members of the dimensions, in full or shared among them. */
export interface CellOfFilms {
  /** One for each dimension. */
  members: Member[]
  /** Empty where films of all time are counted. */
  period: string
  portions: Portion[]
}

/** @param grain undefined: films of all time, dated or not */
export function cellsOf(
  films: Portion[],
  by: DimensionName[],
  params: Params,
  grain: Grain | undefined,
): CellOfFilms[] {
  const cells = new Map<string, CellOfFilms>()
  for (const film of films) {
    const period = grain === undefined ? '' : periodOf(film.film, grain)
    if (period === null) continue
    for (const [members, portion] of portionsOf(film, by, params)) {
      if (!by.every((dimension, index) => isSelected(members[index] as Member, dimension, params))) continue
      const key = JSON.stringify([members, period])
      const cell = cells.get(key)
      if (cell) cell.portions.push(portion)
      else cells.set(key, { members, period, portions: [portion] })
    }
  }
  return [...cells.values()]
}

/** What each of its members, or each pair of them, has of a film; people of one job share it among themselves. */
export function portionsOf(film: Portion, by: DimensionName[], params: Params): [Member[], Portion][] {
  let among: Member[][] = [[]]
  for (const dimension of by)
    among = among.flatMap((members) => membersOf(film.film, dimension, params).map((member) => [...members, member]))
  if (params.attribution !== 'split') return among.map((members) => [members, film])
  const jobs = new Set(among.map((members) => members.at(-1)?.job))
  return [...jobs].flatMap((job) => {
    const sharing = among.filter((members) => members.at(-1)?.job === job)
    return sharing.map((members, index): [Member[], Portion] => [members, portion(film, sharing.length, index)])
  })
}

/** One of so many equal parts of a film, in whole cents: the first ones have those that are left over. */
export function portion({ film, budget, revenue, share }: Portion, parts: number, index: number): Portion {
  const count = BigInt(parts)
  const part = (cents: bigint | null) =>
    cents === null ? null : cents / count + (BigInt(index) < cents % count ? 1n : 0n)
  return {
    film,
    budget: part(budget),
    revenue: part(revenue),
    share: times(share, { over: 1n, under: whole(parts).over }),
  }
}
