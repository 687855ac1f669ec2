/** RFC 4180, as reports' rows are written by `csvCell` in queries/page.ts: CRLF ends a line, quotes only where they are needed, unknown is empty; an empty text is quoted to differ from it. */
export const csvLine = (cells: (string | null)[]): string => `${cells.map(csvCell).join(',')}\r\n`

/** Lines that PostgreSQL wrote, each with its end. */
export const csvLines = (written: { line: string }[]): string => written.map(({ line }) => `${line}\r\n`).join('')

const csvCell = (cell: string | null): string => {
  if (cell === null) return ''
  return cell === '' || /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}
