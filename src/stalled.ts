/**
 * Hands pieces on, and gives up when one of them is not taken for so long. Only whoever takes them is waited for: how long they
 * are in the making, or wait to be made, is not the client's affair.
 */
export async function* whileTaken<T>(pieces: AsyncIterable<T>, ms: number, giveUp: () => void): AsyncGenerator<T> {
  for await (const piece of pieces) {
    const stalled = setTimeout(giveUp, ms)
    try {
      yield piece
    } finally {
      clearTimeout(stalled)
    }
  }
}
