import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'

const CHUNK = 1 << 17
/** Lets the next pieces be made while the disk is busy with a few. */
const BYTES_WAITING = 8 * CHUNK

/**
 * Writes lines as they are made. The disk is never more than a few pieces behind.
 * @param onPiece called after each piece of the file
 * @returns its bytes
 */
export async function writeLines(path: string, lines: Iterable<string>, onPiece?: () => void): Promise<number> {
  const file = createWriteStream(path, { highWaterMark: BYTES_WAITING })
  await pipeline(pieces(lines, onPiece), file)
  return file.bytesWritten
}

function* pieces(lines: Iterable<string>, onPiece?: () => void): Generator<string> {
  let piece = ''
  for (const line of lines) {
    piece += line
    if (piece.length > CHUNK) {
      yield piece
      onPiece?.()
      piece = ''
    }
  }
  yield piece
  onPiece?.()
}

export const csvLine = (cells: string[]) => `${cells.map(csvCell).join(',')}\n`

const csvCell = (cell: string) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)
