export type PythonValue = string | number | null | PythonValue[] | { [key: string]: PythonValue }

/** What `repr` of Python 3 writes. */
export function python(value: PythonValue): string {
  if (value === null) return 'None'
  if (typeof value === 'number') return String(value)
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, item]) => `${python(key)}: ${python(item)}`)
      .join(', ')}}`
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'"
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll(quote, `\\${quote}`)
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
    .replaceAll('\u00a0', '\\xa0')
  return `${quote}${escaped}${quote}`
}
