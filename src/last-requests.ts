import { Server, type Socket } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'

/**
 * A server that is told to stop answers what has been asked of it. What is on its way by then is no less asked: a connection that looks idle,
 * or has said nothing yet, may have a request that has not been read. So all stay open for a moment, in which each answer says that its
 * connection closes; then those that are idle are closed, and those that have said nothing, which Node counts neither as idle nor as busy.
 */
export function awaitLastRequests(app: FastifyInstance): void {
  const open = new Set<Socket>()
  let closing = false
  app.server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  app.addHook('onSend', (_, reply, payload, done) => {
    if (closing) reply.header('connection', 'close')
    done(null, payload)
  })
  // A whole result that was under way has said that its connection stays, and its client may ask once more.
  app.addHook('onResponse', (_, __, done) => {
    if (closing) setTimeout(() => app.server.closeIdleConnections(), ON_THE_WAY_MS)
    done()
  })
  app.addHook('preClose', async () => {
    closing = true
    if (!app.server.listening) return
    // Those that have come while the program was busy are taken on first; then, without HTTP's way of closing, which cuts the idle ones off.
    await turn()
    Server.prototype.close.call(app.server)
    if (open.size > 0) await sleep(ON_THE_WAY_MS)
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy()
  })
}

/** Longer than a request takes from a client nearby; those of others may find that the connection is closed, as at any time. */
const ON_THE_WAY_MS = 100
