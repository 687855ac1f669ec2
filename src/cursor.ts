import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type pg from 'pg'
import PgCursor from 'pg-cursor'

/**
 * A cursor whose `close` returns even when the connection is gone. The package's own waits for the server's last word, which
 * then never comes: the export would hang for ever instead of failing, and its place in the pool would be lost.
 */
export class Cursor extends PgCursor {
  override close(): Promise<void>
  override close(done: (error: Error) => void): undefined
  override close(done?: (error: Error) => void): Promise<void> | undefined {
    const closed = this.#close()
    if (!done) return closed
    closed.then(done as () => void, done)
  }

  async #close(): Promise<void> {
    const { connection } = this as unknown as { connection: (pg.Connection & { stream: Duplex }) | null }
    if (!connection) return await super.close()
    if (connection.stream.destroyed) return
    const over = new AbortController()
    const { signal } = over
    await Promise.race([super.close(), once(connection, 'end', { signal }).catch(() => {})])
    over.abort()
  }
}
