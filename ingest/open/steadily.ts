import type { Readable } from 'node:stream'
import { PassingTrouble } from './passing-trouble.ts'

/**
 * What comes over the network, as long as something comes. Only waiting for the server counts, not what its reader does
 * between two chunks.
 * @param onWaited called with the milliseconds of each wait
 * @throws PassingTrouble when nothing has come for `stallMs`; the stream's own errors pass through
 */
export async function* steadily(
  stream: Readable,
  stallMs: number,
  onWaited: (milliseconds: number) => void = () => {},
): AsyncGenerator<Buffer> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  try {
    for (;;) {
      const since = performance.now()
      const stalled = setTimeout(
        () => stream.destroy(new PassingTrouble(`nothing came for ${stallMs / 1000} seconds`)),
        stallMs,
      )
      const next = await chunks.next().finally(() => clearTimeout(stalled))
      onWaited(performance.now() - since)
      if (next.done) return
      yield next.value
    }
  } finally {
    stream.destroy()
  }
}
