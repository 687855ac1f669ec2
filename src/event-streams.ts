import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Happening } from '../queries/events.ts'
import { Problem, RETRY_AFTER } from './errors.ts'
import type { Feed } from './feed.ts'

/** Streams that may be open at once. */
const MAX_STREAMS = 1000
/** Milliseconds after which a stream with nothing to say says so: proxies end a silent connection, mostly after 30 s or 60 s. */
const BEAT_MS = 15_000
/** Milliseconds that a client may take nothing before it is let go; it can go on from where it was. */
const PATIENCE_MS = 60_000
/** Milliseconds that a client has to take what was said before the server stops. */
const LAST_WORDS_MS = 500
/** Milliseconds after which a client that was cut off comes back. */
const RETRY_MS = 2000

/**
 * Server-sent events, as browsers' EventSource reads them. A stream holds nothing but its place in a feed, and reads on
 * when its client has taken what it was sent: so a slow one costs no memory, and hears of progress less often.
 */
export class EventStreams {
  readonly #log: (error: unknown) => void
  /** Open streams, each with a way to let its client go. */
  readonly #open = new Map<AbortController, () => void>()
  #closed = false

  constructor(log: (error: unknown) => void) {
    this.#log = log
  }

  /** Ends all streams, so that their clients go elsewhere, and takes no more. */
  close(): void {
    this.#closed = true
    for (const [stream, letGo] of this.#open) {
      stream.abort()
      // One that takes nothing cannot be told.
      setTimeout(letGo, LAST_WORDS_MS).unref()
    }
  }

  /**
   * Answers with what happens, until the topic has ended or the client leaves.
   * @param after the happening behind which to begin
   * @throws Problem 503 when there are too many streams
   */
  async answer<Topic>(
    { raw, method }: FastifyRequest,
    reply: FastifyReply,
    feed: Feed<Topic>,
    topic: Topic,
    after: number,
  ): Promise<FastifyReply> {
    if (this.#closed || this.#open.size >= MAX_STREAMS)
      throw new Problem(503, 'Too many watch already, or the server is about to stop.', {
        headers: { 'retry-after': RETRY_AFTER },
      })
    reply
      .type('text/event-stream')
      // A connection that streamed is not used again, so that closing need not wait for it.
      .headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no', connection: 'close' })
    if (method === 'HEAD') return await reply.send()
    const left = new AbortController()
    const letGo = () => void raw.socket.destroy()
    this.#open.set(left, letGo)
    raw.socket.once('close', () => left.abort())
    const text = impatiently(this.#tell(feed, topic, after, left.signal), letGo)
    const stream = Readable.from(text, { objectMode: false })
    stream.once('close', () => {
      left.abort()
      this.#open.delete(left)
    })
    return await reply.send(stream)
  }

  async *#tell<Topic>(feed: Feed<Topic>, topic: Topic, after: number, signal: AbortSignal): AsyncGenerator<string> {
    let place = after
    let rung = true
    let wake = () => {}
    const unwatch = feed.watch(topic, () => {
      rung = true
      wake()
    })
    signal.addEventListener('abort', () => wake())
    try {
      yield `retry: ${RETRY_MS}\n: connected\n\n`
      let said = performance.now()
      while (!signal.aborted) {
        if (rung) {
          rung = false
          const { happenings, ended } = await this.#read(feed, topic, place)
          if (happenings.length > 0) {
            yield happenings.map(asText).join('')
            said = performance.now()
          }
          place = happenings.reduce((last, { id }) => id ?? last, place)
          if (ended) return
          continue
        }
        // Since it spoke: that it was rung for nothing is silence, too.
        const beat = setTimeout(() => wake(), said + BEAT_MS - performance.now())
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        clearTimeout(beat)
        if (rung || performance.now() < said + BEAT_MS) continue
        yield ': nothing new\n\n'
        said = performance.now()
      }
    } finally {
      unwatch()
    }
  }

  /** What cannot be read now is read when the ear hears again, which rings: to the client, an outage is silence. */
  async #read<Topic>(feed: Feed<Topic>, topic: Topic, after: number) {
    try {
      return await feed.read(topic, after)
    } catch (error) {
      this.#log(error)
      return { happenings: [], ended: false }
    }
  }
}

/** Gives up on who takes nothing for too long. */
async function* impatiently(texts: AsyncGenerator<string>, giveUp: () => void): AsyncGenerator<string> {
  for await (const text of texts) {
    const patience = setTimeout(giveUp, PATIENCE_MS)
    try {
      yield text
    } finally {
      clearTimeout(patience)
    }
  }
}

const asText = ({ id, event, data }: Happening) =>
  `${id === null ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
