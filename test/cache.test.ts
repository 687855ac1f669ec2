import t from 'tap'
import { type Answer, ByteCache } from '../src/cache.ts'

const answer = (text: string): Answer => ({ body: Buffer.from(text), encoded: false, next: null })
const never = new AbortController().signal

/** Something that is being made until it is finished or given up. */
function making() {
  let resolve!: (made: Answer) => void
  let reject!: (error: Error) => void
  const promise = new Promise<Answer>((...settle) => {
    ;[resolve, reject] = settle
  })
  const seen: AbortSignal[] = []
  const make = (signal: AbortSignal) => {
    seen.push(signal)
    return promise
  }
  return { make, resolve, reject, seen }
}

t.test('what many ask for at once is made once, and kept', async (t) => {
  const cache = new ByteCache(1)
  const one = making()
  const asked = [1, 2, 3].map(() => cache.obtain('key', never, one.make))
  one.resolve(answer('made'))
  for (const { body } of await Promise.all(asked)) t.equal(String(body), 'made')
  t.equal(one.seen.length, 1)
  t.equal(String(cache.get('key')?.body), 'made')
})

t.test('it is given up when all who asked have left, and not before', async (t) => {
  const cache = new ByteCache(1)
  const one = making()
  const [first, second] = [new AbortController(), new AbortController()]
  const asked = Promise.allSettled([first, second].map(({ signal }) => cache.obtain('key', signal, one.make)))
  first.abort()
  t.notOk(one.seen[0]?.aborted)
  second.abort()
  t.ok(one.seen[0]?.aborted)
  one.reject(new Error('cancelled'))
  t.match(await asked, [{ status: 'rejected' }, { status: 'rejected' }])
})

t.test('who asks while it is being given up is not told that somebody else left', async (t) => {
  const cache = new ByteCache(1)
  const [given, anew] = [making(), making()]
  const leaver = new AbortController()
  const left = cache.obtain('key', leaver.signal, given.make)
  leaver.abort()
  const next = cache.obtain('key', never, anew.make)
  given.reject(new Error('cancelled'))
  await t.rejects(left, { message: 'cancelled' })
  // The one that was given up must not take its successor's place with it.
  const joined = cache.obtain('key', never, async () => answer('made once more'))
  anew.resolve(answer('anew'))
  t.equal(String((await next).body), 'anew')
  t.equal(String((await joined).body), 'anew')
})

t.test('a failure is not kept', async (t) => {
  const cache = new ByteCache(1)
  await t.rejects(cache.obtain('key', never, () => Promise.reject(new Error('down'))))
  t.equal(String((await cache.obtain('key', never, async () => answer('up'))).body), 'up')
})
