/** RFC 4180: CRLF ends a line, quotes only where they are needed, unknown is empty; an empty text is quoted to differ from it. */
export const csvLine = (cells: (string | null)[]): string => `${cells.map(csvCell).join(',')}\r\n`

/** Rows of texts by column, in the order of the columns. */
export const csvRow = (row: Record<string, string | null>, columns: string[]): string =>
  csvLine(columns.map((column) => row[column] ?? null))

const csvCell = (cell: string | null): string => {
  if (cell === null) return ''
  return cell === '' || /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}
