import autocannon from 'autocannon'

/**
 * Requests a second with so many connections, each of which asks again as soon as it is answered: a closed loop, which measures what
 * a server can do at most. Of waiting it tells nothing, as it asks less the slower it is answered: `mix.ts` has an open one.
 */
export async function throughput(
  url: string,
  paths: string[],
  { seconds, connections }: { seconds: number; connections: number },
): Promise<{ perSecond: number; bytes: number }> {
  let next = 0
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    // A hundred may wait long for what answers six a second.
    timeout: 120,
    // Each connection begins elsewhere, so that not all ask the same at once, which would be answered once.
    setupClient(client) {
      const start = Math.floor((next++ * paths.length) / connections)
      client.setRequests(paths.map((_, index) => ({ path: paths[(start + index) % paths.length] as string })))
    },
  })
  const failed = result.errors + result.timeouts + result.non2xx
  if (failed > 0) throw new Error(`${failed} of the requests to ${url}${paths[0]} failed`)
  return { perSecond: result.requests.average, bytes: result.throughput.average / result.requests.average }
}
