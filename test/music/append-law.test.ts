import fc from 'fast-check'
import t from 'tap'
import { build, type House } from '../build.ts'
import { law } from '../law.ts'
import { awkward } from './awkward.ts'
import { figures, loaded, publish, rollBack } from './scene.ts'

/** In whatever order and in however many pieces logs are loaded, and whatever happens to them on their way: in the end readers are told the same. */

const isLog = (name: string) => name.includes('events')
/** Of lines with one key the first that is read counts, so only those of different ones can come in any order. */
const lines = [
  ...new Map(
    Object.entries(awkward)
      .filter(([name]) => isLog(name))
      .flatMap(([, text]) => text.split('\n').filter((line) => line.trim()))
      .filter((line) => !/"broken|"sessionId":42/.test(line))
      .map((line) => [keyOf(JSON.parse(line)), line] as const),
  ).values(),
]
const songs = Object.entries(awkward).filter(([name]) => !isLog(name))
// Of two songs that a play may be of, the one that came first is kept.
const distinct = songs.filter(([, text]) => !text.includes('SOTWINB'))

function keyOf({ sessionId, itemInSession, ts }: Record<string, unknown>): string {
  return `${sessionId} ${itemInSession} ${ts}`
}

type Fate = 'published' | 'held' | 'taken back'
interface Piece {
  /** Which lines, by where they are in the log. */
  from: number
  to: number
  fate: Fate
  withSongs: boolean
}

const pieces = fc.array(
  fc.record<Piece>({
    from: fc.nat(lines.length - 1),
    to: fc.nat(lines.length - 1),
    fate: fc.constantFrom<Fate>('published', 'published', 'held', 'taken back'),
    withSongs: fc.boolean(),
  }),
  { minLength: 2, maxLength: 5 },
)
const shuffled = fc.shuffledSubarray([...lines.keys()], { minLength: lines.length })

t.test('loading in any order, in pieces, held or taken back, comes to what loading all at once comes to', async (t) => {
  const whole = await build(t)
  await loaded(whole, { 'events.json': lines.join('\n'), ...Object.fromEntries(distinct) })
  const all = await figures(whole)
  await law(
    fc.tuple(shuffled, pieces),
    async ([order, some]) => {
      let found: Record<string, string[]> = {}
      // A test of its own, whose house is gone after it.
      await t.test(`${some.length} pieces`, async (t) => {
        found = await figuresAfter(await build(t), order, some)
      })
      for (const [report, rows] of Object.entries(all))
        if (JSON.stringify(found[report]) !== JSON.stringify(rows))
          throw new Error(`${report} is ${firstDifference(found[report] ?? [], rows)}`)
    },
    0.5,
  )
})

/** Loads the pieces, and in the end everything once more. */
async function figuresAfter(house: House, order: number[], some: Piece[]): Promise<Record<string, string[]>> {
  const catalog = Object.fromEntries(distinct)
  const text = (from: number, to: number) =>
    order
      .slice(from, to + 1)
      .map((at) => lines[at])
      .join('\n')
  const held: number[] = []
  for (const [number, { from, to, fate, withSongs }] of some.entries()) {
    const piece = text(Math.min(from, to), Math.max(from, to))
    const files = { [`${number}-events.json`]: piece, ...(withSongs && catalog) }
    const load = await loaded(house, files, { hold: fate === 'held' })
    if (fate === 'held' && load.state === 'held') held.push(load.id)
    if (fate === 'taken back' && load.previous_load !== null && load.state === 'published') await rollBack(house)
  }
  // One that was made for a load that was taken back is refused.
  for (const id of held) await publish(house, id).catch(() => {})
  await loaded(house, { 'rest-events.json': text(0, lines.length), ...catalog })
  return await figures(house)
}

const firstDifference = (found: string[], expected: string[]) =>
  `without ${expected.find((row) => !found.includes(row))}, with ${found.find((row) => !expected.includes(row))}`
