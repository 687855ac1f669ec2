import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { whileTaken } from '../src/stalled.ts'

const MS = 50

t.test('a download that waits to be made is not given up, however long it takes', async (t) => {
  const slow = async function* () {
    await sleep(4 * MS)
    yield 1
    await sleep(4 * MS)
    yield 2
  }
  const taken: number[] = []
  for await (const piece of whileTaken(slow(), MS, () => t.fail('given up'))) taken.push(piece)
  t.strictSame(taken, [1, 2])
})

t.test('one of which nothing is taken is given up', async (t) => {
  let givenUp = 0
  let closed = false
  const quick = async function* () {
    try {
      yield 1
      yield 2
    } finally {
      closed = true
    }
  }
  for await (const _ of whileTaken(quick(), MS, () => givenUp++)) {
    await sleep(4 * MS)
    break
  }
  t.equal(givenUp, 1)
  t.ok(closed)
  await sleep(2 * MS)
  t.equal(givenUp, 1, 'and once it has ended nothing is')
})
