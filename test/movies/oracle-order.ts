import { compare, fraction, isNumber, plain } from './exact.ts'
import type { Cell, Row } from './oracle-figures.ts'

/** Nulls last whichever the direction, text by code point, ties by key. */
export function inOrder(rows: Row[], sort: string, key: string[]): Row[] {
  const columns = [...sort.split(','), ...key]
  return rows.sort((a, b) => {
    for (const column of columns) {
      const name = column.replace('-', '')
      const [x, y] = [textOf(a[name] as Cell), textOf(b[name] as Cell)]
      if (x === y) continue
      if (x === null) return 1
      if (y === null) return -1
      const order = isNumber(x) ? compare(fraction(plain(x)), fraction(plain(y))) : byCodePoint(x, y)
      if (order !== 0) return column.startsWith('-') ? -order : order
    }
    return 0
  })
}

/** False is before true. */
const textOf = (cell: Cell) => (cell === null ? null : String(cell))

export function byCodePoint(a: string, b: string): number {
  const [x, y] = [[...a], [...b]]
  for (const [index, character] of x.entries()) {
    const other = y[index]
    if (other === undefined) return 1
    if (character !== other) return (character.codePointAt(0) as number) - (other.codePointAt(0) as number)
  }
  return x.length - y.length
}
