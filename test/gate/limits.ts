import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { programFolder } from '../../src/discover.ts'
import { median } from '../bench/rounds.ts'

/** What the gate's figures have been, and by how much they may be more: `limits.json`, which `npm run gate -- --renew` writes. */
export type Limits = Record<string, Limit>

interface Limit {
  /** Of ten runs. */
  median: number
  /** How far the outermost of them was from it. */
  spread: number
}

/** By name; the less, the better. */
export type Figures = Record<string, number>

const place = path.join(programFolder, 'test/gate/limits.json')

/** Ten runs do not meet everything that a machine may do beside them. */
const SPREADS = 2

/** So much is noise, even where ten runs agreed: a table may lie in a page more or less. */
const LEAST = 0.05

export async function readLimits(): Promise<Limits> {
  return JSON.parse(await readFile(place, 'utf8')).limits
}

export async function writeLimits(runs: Figures[], measured: string): Promise<void> {
  const limits: Limits = {}
  for (const name of Object.keys(runs[0] ?? {})) {
    const values = runs.map((run) => run[name] as number)
    const middle = median(values)
    const spread = Math.max(...values.map((value) => Math.abs(value - middle)))
    limits[name] = { median: rounded(middle), spread: rounded(spread) }
  }
  const about =
    'The median of each figure, and how far the outermost run was from it. To write them anew: npm run gate -- --renew'
  await writeFile(place, `${JSON.stringify({ about, measured, limits }, null, 2)}\n`)
}

/** What is worse than it was by more than its noise, in a sentence. */
export function complaint(name: string, figure: number, limits: Limits): string | undefined {
  const limit = limits[name]
  if (!limit)
    return `${name}: it is ${rounded(figure)}, and nothing is written down of it. npm run gate -- --renew does.`
  const most = limit.median + Math.max(SPREADS * limit.spread, LEAST * limit.median)
  if (figure <= most) return undefined
  return `${name}: it was ${limit.median} (± ${limit.spread} in ten runs) and is ${rounded(figure)}; more than ${rounded(most)} is no noise. Find what costs so much, or if it must be, npm run gate -- --renew writes down what it is now.`
}

const rounded = (value: number) => Math.round(value * 1000) / 1000
