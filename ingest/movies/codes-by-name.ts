/**
 * Codes by names, from a table of the form `US United States/USA | UY Uruguay`. A name that is not in it is its own code: a source may
 * name what has no code, and a film must not lose it.
 *
 * Tables and not `Intl.DisplayNames`: what is stored as a key must not change with the version of Node that reads the file (Turkey
 * became Türkiye).
 */
export function codesByName(table: string): (name: string) => string {
  const codes = new Map(
    table.split(/[|\n]/).flatMap((entry) => {
      const [code, names] = [entry.trim().slice(0, 2), entry.trim().slice(3)]
      return names.split('/').map((name) => [name, code] as const)
    }),
  )
  return (name) => codes.get(name.replace(/\s+/g, ' ')) ?? name
}
