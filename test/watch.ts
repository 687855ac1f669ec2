import { once } from 'node:events'
import http from 'node:http'
import type { Test } from 'tap'
import { until } from './processes.ts'

/** An event as a browser's EventSource would hand it over. */
export interface Heard {
  id: string | undefined
  event: string
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it is told
  data: any
}

export interface Watcher {
  status: number
  headers: http.IncomingHttpHeaders
  /** What has arrived so far. */
  text(): string
  heard: Heard[]
  /** Waits until an event is there that satisfies. */
  hears(what: string, satisfies: (heard: Heard) => boolean): Promise<Heard>
  /** When the stream has ended, and whether as it should. */
  ended: Promise<'ended' | 'cut off'>
  leave(): void
  /** Takes nothing from now on, until `wake`. */
  sleep(): void
  wake(): void
}

/** Opens a stream of events, over a connection of its own, as a client that was at `lastEventId`. */
export async function watch(t: Test, url: string, lastEventId?: string): Promise<Watcher> {
  const headers: http.OutgoingHttpHeaders = { accept: 'text/event-stream', 'accept-encoding': 'gzip, br' }
  if (lastEventId !== undefined) headers['last-event-id'] = lastEventId
  const request = http.get(url, { agent: false, headers })
  t.teardown(() => request.destroy())
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  request.on('error', () => {})
  let text = ''
  let rest = ''
  const heard: Heard[] = []
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    const blocks = (rest + chunk).split('\n\n')
    rest = blocks.pop() as string
    heard.push(...blocks.map(parse).filter((one) => one !== undefined))
  })
  const ended = new Promise<'ended' | 'cut off'>((resolve) => {
    response.once('end', () => resolve('ended'))
    response.once('error', () => resolve('cut off'))
  })
  return {
    status: response.statusCode as number,
    headers: response.headers,
    text: () => text,
    heard,
    hears: (what, satisfies) => until(what, async () => heard.find(satisfies)),
    ended,
    leave: () => void request.destroy(),
    sleep: () => void response.pause(),
    wake: () => void response.resume(),
  }
}

/** By the rules of the HTML standard, as far as they are used here: what has no data is no event. */
function parse(block: string): Heard | undefined {
  const fields = new Map<string, string>()
  for (const line of block.split('\n')) {
    const [, name, value] = /^([^:]+): ?(.*)$/.exec(line) ?? []
    if (name !== undefined) fields.set(name, value as string)
  }
  const data = fields.get('data')
  return data === undefined
    ? undefined
    : { id: fields.get('id'), event: fields.get('event') ?? 'message', data: JSON.parse(data) }
}
