/**
 * Exact numbers for the oracle: fractions of bigints, so that nothing is rounded but where a report says that it is. In a row a
 * number is its digits behind `№`, so that `12` the number is not `12` the text, and no digit is lost to a double.
 */
export interface Fraction {
  over: bigint
  under: bigint
}

export const zero: Fraction = { over: 0n, under: 1n }

export const whole = (value: bigint | number): Fraction => ({ over: BigInt(value), under: 1n })

/** Reads `12`, `-0.5`, `.5`, `1e-06`. */
export function fraction(text: string): Fraction {
  const [, sign, digits = '', decimals = '', exponent = '0'] =
    /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const power = Number(exponent) - decimals.length
  const value = BigInt(`${sign === '-' ? '-' : ''}${digits}${decimals}`)
  return power >= 0 ? whole(value * 10n ** BigInt(power)) : { over: value, under: 10n ** BigInt(-power) }
}

export const plus = (a: Fraction, b: Fraction): Fraction => ({
  over: a.over * b.under + b.over * a.under,
  under: a.under * b.under,
})

export const times = (a: Fraction, b: Fraction): Fraction => ({ over: a.over * b.over, under: a.under * b.under })

/** @param b above zero */
export const dividedBy = (a: Fraction, b: Fraction): Fraction => ({ over: a.over * b.under, under: a.under * b.over })

export const compare = (a: Fraction, b: Fraction): number => {
  const difference = a.over * b.under - b.over * a.under
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

const MARK = '№'

/** A number as a cell of a row: half away from zero at so many decimals, no trailing zeros. */
export function numberCell({ over, under }: Fraction, decimals: number): string {
  const size = over < 0n ? -over : over
  const scaled = (2n * size * 10n ** BigInt(decimals) + under) / (2n * under)
  const text = scaled.toString().padStart(decimals + 1, '0')
  const cut = text.length - decimals
  const tail = text.slice(cut).replace(/0+$/, '')
  return `${MARK}${over < 0n && scaled > 0n ? '-' : ''}${text.slice(0, cut)}${tail && `.${tail}`}`
}

export const wholeCell = (value: bigint | number): string => `${MARK}${value}`

export const isNumber = (cell: string): boolean => cell.startsWith(MARK)

/** The digits of a number cell, and any other text as it is. */
export const plain = (cell: string): string => (isNumber(cell) ? cell.slice(MARK.length) : cell)

/** JSON whose numbers are read as number cells. */
export const exactJson = (text: string) =>
  JSON.parse(
    text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) => (token.startsWith('"') ? token : `"${MARK}${token}"`)),
  )
