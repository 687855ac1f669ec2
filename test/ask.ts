import http from 'node:http'
import net from 'node:net'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'

/** What came back over the wire, nothing unpacked or followed. */
export interface Reply {
  status: number
  headers: http.IncomingHttpHeaders
  trailers: NodeJS.Dict<string>
  body: Buffer
  /** The body, unpacked. */
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asks for
  json: any
}

interface Asked {
  method?: string
  headers?: Record<string, string>
  body?: string
}

/**
 * Asks over a connection of its own.
 * @throws when the connection breaks before the answer is complete
 */
export function ask(url: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve(replyOf(response, Buffer.concat(chunks))))
    })
    request.on('error', reject)
    request.end(body)
  })
}

function replyOf(response: http.IncomingMessage, body: Buffer): Reply {
  const unpack = { gzip: gunzipSync, br: brotliDecompressSync }[response.headers['content-encoding'] ?? '']
  const text = (body.length > 0 && unpack ? unpack(body) : body).toString()
  return {
    status: response.statusCode as number,
    headers: response.headers,
    trailers: response.trailers,
    body,
    text,
    get json() {
      return JSON.parse(text)
    },
  }
}

/** Writes bytes to the server as they are, and gives what it says until it closes the connection. */
export async function askRaw(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = net.connect(Number(port), hostname)
  socket.end(bytes)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** Cursor or path of the page after. */
export const nextOf = ({ headers }: Reply): string | undefined =>
  /^<([^>]+)>; rel="next"$/.exec(String(headers.link ?? ''))?.[1]
