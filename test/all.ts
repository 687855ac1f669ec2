import { readdir, statfs } from 'node:fs/promises'
import path from 'node:path'
import t from 'tap'
import { openCluster } from './build.ts'

/**
 * Every test file in a process of its own, as many at once as `.taprc` says. tap by itself would take them by the alphabet, and
 * would watch which modules they load, also in all the processes that they start: each took twice as long for it.
 */

/** What takes longest begins first, of whichever subject, so that in the end no processor idles while one long file is left. */
const LONGEST = [
  'schedules',
  'events',
  'crash',
  'commands',
  'bad-luck',
  'admin',
  'storm',
  'laws',
  'contract',
  'parquet',
  'replay',
  'next-month',
  'generate',
  'gate',
  'openapi',
  'streams',
  'outage',
  'operations',
  'embedded',
  'restart',
]

/** A file that says nothing else is given up after so long. */
const TIMEOUT_MS = 480_000

const names = (await readdir(import.meta.dirname, { recursive: true }))
  .filter((name) => name.endsWith('.test.js'))
  .map((name) => name.slice(0, -'.test.js'.length))
  .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))

t.setTimeout(0)
t.jobs = Number(process.env.TAP_JOBS ?? 1)
const folder = process.env.TMPDIR ?? (await memory())
if (folder !== undefined) process.env.TMPDIR = folder
// Begun and ended once before all files, so that it has its settings from the start.
await (await openCluster()).close()
for (const name of names) {
  const file = path.join(import.meta.dirname, `${name}.test.js`)
  // tap watches by way of NODE_OPTIONS, which it adds to whatever environment is given here.
  const args = ['-u', 'NODE_OPTIONS', process.execPath, '--enable-source-maps', file]
  t.spawn('env', args, { name: `test/${name}`, buffered: true, timeout: TIMEOUT_MS })
}

function rank(name: string): number {
  const place = LONGEST.indexOf(path.basename(name))
  return place < 0 ? LONGEST.length : place
}

/**
 * A folder in memory, where there is one with room. Each load makes a hundred files, and to make one on ext4 takes a millisecond
 * where others have just been removed.
 */
async function memory(): Promise<string | undefined> {
  const folder = '/dev/shm'
  const { bavail, bsize } = await statfs(folder).catch(() => ({ bavail: 0, bsize: 0 }))
  return bavail * bsize > 4 * 2 ** 30 ? folder : undefined
}
