import { compare, type Fraction, numberCell, plus, times, whole, zero } from './exact.ts'
import type { CellOfFilms } from './oracle-cells.ts'
import { membersOf } from './oracle-dimensions.ts'
import type { Portion, Row } from './oracle-figures.ts'
import type { DimensionName, Params } from './oracle-reports.ts'

/**
 * `meta.reconciliation`: how the rows of a whole result come to the films that there are.
 * rows - overlap + other + without = total
 * Shared out among people, a film is so once for each job: all but the job that most of it is in rows for is overlap.
 */
export function reconciliation(
  cells: CellOfFilms[],
  total: Portion[],
  by: DimensionName[],
  params: Params,
): Record<string, Row> {
  const without = total.filter(({ film }) => by.some((dimension) => membersOf(film, dimension, params).length === 0))
  const rows = cells.flatMap(({ portions }) => portions)
  const shares = new Map<Portion['film'], Map<string, Portion[]>>()
  for (const { members, portions } of cells)
    for (const portion of portions) {
      const jobs = shares.get(portion.film) ?? new Map<string, Portion[]>()
      const job = members.at(-1)?.job ?? ''
      shares.set(portion.film, jobs.set(job, [...(jobs.get(job) ?? []), portion]))
    }
  const shown = new Set(rows.map(({ film }) => film))
  const distinct = total.filter(({ film }) => shown.has(film))
  const account = (amount: (portion: Portion) => Fraction, decimals: number): Row => {
    const exactly = (portions: Portion[]) => portions.map(amount).reduce(plus, zero)
    const add = (portions: Portion[]) => rounded(exactly(portions), decimals)
    const inRows = add(rows)
    const most = [...shares.values()].map((jobs) =>
      [...jobs.values()].map(exactly).reduce((a, b) => (compare(a, b) < 0 ? b : a)),
    )
    const once = params.attribution === 'split' ? rounded(most.reduce(plus, zero), decimals) : add(distinct)
    const overlap = minus(inRows, once)
    const all = { total: add(total), without: add(without) }
    const other = minus(minus(all.total, all.without), minus(inRows, overlap))
    const figures = { rows: inRows, overlap, other, ...all }
    return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, numberCell(value, decimals)]))
  }
  const cents = (value: bigint | null): Fraction => ({ over: value ?? 0n, under: 100n })
  return {
    releases: account(({ share }) => share, 6),
    budget: account(({ budget }) => cents(budget), 2),
    revenue: account(({ revenue }) => cents(revenue), 2),
  }
}

const minus = (a: Fraction, b: Fraction) => plus(a, times(whole(-1), b))

/** Half up, so that what is shown adds up. */
function rounded({ over, under }: Fraction, decimals: number): Fraction {
  const scale = 10n ** BigInt(decimals)
  return { over: (2n * over * scale + under) / (2n * under), under: scale }
}
