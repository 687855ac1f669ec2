import { parseArgs } from 'node:util'
import { whileLoading, whilePublishing } from './parts/analysts.ts'
import { cached, plain, uncached, whole } from './parts/answers.ts'
import { cold } from './parts/cold.ts'
import { loads } from './parts/loads.ts'
import { ratings } from './parts/ratings.ts'
import { inFolder, type Setting, withFilms } from './setting.ts'
import { soak } from './soak.ts'

/**
 * How fast it is, as ratios to references that are measured in turn with it, in the same run on the same machine. It starts all
 * that it needs, makes its own data, and leaves nothing behind.
 */

/** In this order. */
const PARTS: Record<string, (setting: Setting) => Promise<void>> = {
  load: loads,
  cached,
  uncached,
  whole,
  plain,
  cold,
  publish: whilePublishing,
  mix: whileLoading,
  ratings,
}

const { values: options } = parseArgs({
  options: {
    films: { type: 'string', default: '45466' },
    ratings: { type: 'string', default: '2600000' },
    seconds: { type: 'string', default: '5' },
    only: { type: 'string', default: Object.keys(PARTS).join() },
    // Of `--only soak`, which takes its time and so is not among the others.
    minutes: { type: 'string', default: '15' },
    'per-second': { type: 'string', default: '100' },
    'load-every': { type: 'string', default: '120' },
  },
})
const only = options.only.split(',')
const unknown = only.find((name) => name !== 'soak' && !Object.hasOwn(PARTS, name))
if (unknown !== undefined)
  throw new Error(`There is no part ${unknown}; there is soak, ${Object.keys(PARTS).join(', ')}.`)

const films = Number(options.films)
await inFolder(films, async (place) => {
  if (only.includes('soak')) {
    const well = await soak({
      ...place,
      films,
      minutes: Number(options.minutes),
      perSecond: Number(options['per-second']),
      loadEvery: Number(options['load-every']),
    })
    if (!well) process.exitCode = 1
  } else
    await withFilms(
      place,
      { films, ratings: Number(options.ratings), seconds: Number(options.seconds) },
      async (setting) => {
        for (const [name, measure] of Object.entries(PARTS)) if (only.includes(name)) await measure(setting)
      },
    )
})
