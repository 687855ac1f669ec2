import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import type { Test } from 'tap'

/** A web server of the test's own on loopback, as bad as the test wants it. */
export interface FileServer {
  /** `http://127.0.0.1:12345` */
  url: string
  /** `127.0.0.1:12345`, as SOURCE_HOSTS names it. */
  host: string
  /** Headers of the requests so far. */
  requests: IncomingMessage['headers'][]
}

/** @param answer called with the number of the request, from 1 */
export async function fileServer(
  t: Test,
  answer: (request: IncomingMessage, response: ServerResponse, nth: number) => unknown,
  tls?: https.ServerOptions,
): Promise<FileServer> {
  const requests: FileServer['requests'] = []
  const listener: RequestListener = (request, response) => {
    requests.push(request.headers)
    answer(request, response, requests.length)
  }
  const server = tls ? https.createServer(tls, listener) : createServer(listener)
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const host = await listening(server)
  return { url: `${tls ? 'https' : 'http'}://${host}`, host, requests }
}

/** Starts to listen on any free port of loopback, and gives host and port. */
export async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Sends a file as good servers do: the part that is asked for, if it is still the same file. */
export function sendFile(
  { headers }: IncomingMessage,
  response: ServerResponse,
  content: Buffer,
  { etag = '"1"', cutAfter = Number.POSITIVE_INFINITY }: { etag?: string; cutAfter?: number } = {},
): void {
  const [, start] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? []
  const resumes = start !== undefined && headers['if-range'] === etag
  const from = resumes ? Number(start) : 0
  response.writeHead(resumes ? 206 : 200, {
    etag,
    'content-length': content.length - from,
    ...(resumes ? { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
  })
  const part = content.subarray(from, from + cutAfter)
  if (from + part.length === content.length) response.end(part)
  else response.write(part, () => setTimeout(() => response.destroy(), 20))
}
