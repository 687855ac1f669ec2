import { readFile } from 'node:fs/promises'

/**
 * Nanoseconds that a process's main thread has had of a processor, which is where JavaScript runs; its helpers spend more the busier the
 * machine is. Undefined where there is no /proc to tell.
 */
export async function processorTime(pid: number | 'self' = 'self'): Promise<number | undefined> {
  const told = await readFile(`/proc/${pid}/schedstat`, 'utf8').catch(() => undefined)
  return told === undefined ? undefined : Number(told.split(' ')[0])
}

/**
 * What work costs a process. Of rounds in turn the median of the ratios is taken: the least of each, which ought to be what other programs
 * add nothing to, differed twice as much from run to run.
 */
export async function costOf(pid: number | 'self', work: () => Promise<void>): Promise<number> {
  const before = Number(await processorTime(pid))
  await work()
  return Number(await processorTime(pid)) - before
}
