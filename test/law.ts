import fc from 'fast-check'

/**
 * A law: what holds of any thing, tried on random ones. FAST_CHECK_RUNS scales how many are tried, FAST_CHECK_SEED chooses
 * others; a failure prints its seed, the simplest thing found that breaks the law, and why it does.
 */
const RUNS = Number(process.env.FAST_CHECK_RUNS ?? 4)
const SEED = Number(process.env.FAST_CHECK_SEED ?? 20261121)

/** Once a law is broken, so long is a simpler thing looked for. */
const SHRINK_MS = 20_000

/** @param share of FAST_CHECK_RUNS, for laws that take longer than others */
export async function law<T>(things: fc.Arbitrary<T>, holds: (thing: T) => Promise<void>, share = 1): Promise<void> {
  let brokenAt: number | undefined
  const property = fc.asyncProperty(things, async (thing) => {
    if (brokenAt !== undefined && Date.now() - brokenAt > SHRINK_MS) return
    await holds(thing).catch((error) => {
      brokenAt ??= Date.now()
      throw error
    })
  })
  await fc.assert(property, { numRuns: Math.max(1, Math.round(RUNS * share)), seed: SEED, includeErrorInReport: true })
}
