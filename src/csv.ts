/** RFC 4180, as reports' rows are written by `csvCell` in queries/page.ts: CRLF ends a line, quotes only where they are needed, unknown is empty; an empty text is quoted to differ from it. */
export const csvLine = (cells: (string | null)[]): string => `${cells.map(csvCell).join(',')}\r\n`

const csvCell = (cell: string | null): string => {
  if (cell === null) return ''
  return cell === '' || /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}
