/** Enough of a file to recognise what it is. */
export const HEAD_BYTES = 64 << 10

/** The first bytes, or all there are; leaving the loop closes the source. */
export async function collected(bytes: AsyncIterable<Buffer>, most: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  for await (const chunk of bytes) {
    parts.push(chunk)
    length += chunk.length
    if (length >= most) break
  }
  return Buffer.concat(parts).subarray(0, most)
}
