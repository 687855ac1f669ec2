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
import { isSelected, type Member } from './oracle-dimensions.ts'
import { type Cell, measures, type Portion, type Ratings, type Row } from './oracle-figures.ts'
import { isWithin } from './oracle-filters.ts'
import type { Names } from './oracle-names.ts'
import { isPartial, periodOf, yearOfPeriod } from './oracle-periods.ts'
import { type DimensionName, NO_SUMS, type Params } from './oracle-reports.ts'

/** Who is first: members of a dimension ranked in each period, their share of the whole, and how that has changed. */

/** @param films that pass every filter but those of the dimension and of the years */
export function rankings(
  films: Portion[],
  params: Params,
  { names, ratings, dataThrough }: { names: Names; ratings: Ratings; dataThrough: string | null },
): Row[] {
  const { dimension = 'company', measure = 'revenue', grain = 'year', min_releases = 1 } = params
  const asked = ({ film }: Portion) => isWithin(film, { from: params.from, to: params.to })
  // The years before the first one asked for tell what has changed since.
  const counted = grain === 'year' ? films : films.filter(asked)
  const partial = (period: string) => isPartial(period, params, dataThrough)
  const valueIn = (portions: Portion[]) => measures(portions, ratings)[measure] as Cell
  const cells = membersIn(counted, dimension, params)
  const found = new Map(cells.map((cell) => [keyOf(cell.id, cell.period), valueIn(cell.portions)]))

  const periods = new Map<string, typeof cells>()
  for (const cell of cells) {
    const isAsked = cell.portions.some(asked)
    if (isAsked && cell.portions.length >= min_releases && found.get(keyOf(cell.id, cell.period)) !== null)
      periods.set(cell.period, [...(periods.get(cell.period) ?? []), cell])
  }
  const rows: Row[] = []
  for (const [period, ranked] of periods) {
    const total = valueIn(counted.filter(({ film }) => periodOf(film, grain) === period))
    for (const { id, portions } of ranked) {
      const value = found.get(keyOf(id, period)) as string
      if (!isSelected({ id }, dimension, params)) continue
      const better = ranked.filter((other) => isMore(found.get(keyOf(other.id, period)) as string, value))
      const before = (years: number): [value: Cell, change: Cell] => {
        if (grain !== 'year') return [null, null]
        const then = String(Number(period) - years).padStart(4, '0')
        const was = (found.get(keyOf(id, then)) ?? null) as string | null
        const isTold = was !== null && fraction(plain(was)).over > 0n && !partial(period) && !partial(then)
        return [was, isTold ? numberCell(plus(ratio(value, was), whole(-1)), 6) : null]
      }
      const [previous, change] = before(1)
      const [fiveBefore, changeOnFive] = before(5)
      const year = yearOfPeriod(period)
      rows.push({
        period,
        year: year === null ? null : wholeCell(year),
        partial: partial(period),
        rank: wholeCell(better.length + 1),
        id: String(id),
        name: names.of(dimension, id),
        releases: wholeCell(portions.length),
        measure,
        value,
        share: NO_SUMS.includes(measure) ? null : shareOf(value, total as string | null),
        previous_value: previous,
        change,
        five_years_before_value: fiveBefore,
        change_on_five: changeOnFive,
      })
    }
  }
  return rows
}

/** Cells of members by id alone: a person counts once, in whichever of the jobs that are asked for. */
export function membersIn(films: Portion[], dimension: DimensionName, params: Params) {
  const { grain = 'year', job } = params
  const cells = new Map<string, { id: Member['id']; period: string; portions: Portion[] }>()
  // A selection shows some of the ranks, and changes none.
  for (const { members, period, portions } of cellsOf(films, [dimension], { job }, grain)) {
    const { id } = members[0] as Member
    const there = cells.get(keyOf(id, period))?.portions ?? []
    cells.set(keyOf(id, period), { id, period, portions: [...new Set([...there, ...portions])] })
  }
  return [...cells.values()]
}

const keyOf = (id: Member['id'], period: string) => `${period} ${id}`
const isMore = (a: string, b: string) => compare(fraction(plain(a)), fraction(plain(b))) > 0

/** Of two shown values. @param under not zero */
function ratio(over: string, under: string): Fraction {
  const [a, b] = [fraction(plain(over)), fraction(plain(under))]
  return b.over < 0n ? dividedBy(times(whole(-1), a), times(whole(-1), b)) : dividedBy(a, b)
}

const shareOf = (value: string, total: string | null): Cell =>
  total === null || fraction(plain(total)).over === 0n ? null : numberCell(ratio(value, total), 6)
