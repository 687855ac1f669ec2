import { chmod, readFile } from 'node:fs/promises'
import path from 'node:path'
import t from 'tap'
import { openEmbedded } from '../src/embedded.ts'
import { openCluster } from '../src/embedded-cluster.ts'
import { run as runProgram } from '../src/embedded-program.ts'
import { temporaryFolder } from './build.ts'
import { until } from './processes.ts'
import { begin, stage, unharmed, works } from './scene.ts'
import { holdAt } from './storm/hold.ts'

t.setTimeout(360_000)

const PATIENCE_MS = 5000
const STAGES = ['open', 'parse', 'merge', 'index', 'check', 'roll_up', 'publish']

const postmasterOf = async (data: string) =>
  (await readFile(path.join(data, 'postmaster.pid'), 'utf8').catch(() => undefined))?.split('\n')[0]

t.test('a database that is restarted while a load is at any stage', async (t) => {
  const dataDir = await temporaryFolder(t)
  // Root hands PostgreSQL to another user, who must be able to go there.
  await chmod(dataDir, 0o755)
  const embedded = await openEmbedded(dataDir)
  t.teardown(() => embedded.release())
  const { data, programs, folder, account } = await openCluster(dataDir, () => {})
  const scene = await stage(t, { DATABASE_URL: embedded.url, DATA_DIR: dataDir })
  const { server, sources, figures } = scene
  // Nobody may be kept waiting for an answer, of whatever kind.
  const status = async (place: string) =>
    (await fetch(server.url + place, { signal: AbortSignal.timeout(PATIENCE_MS) })).status
  for (const [at, stage] of STAGES.entries()) {
    const mode = at % 2 ? 'immediate' : 'fast'
    const before = await figures()
    const held = await holdAt(embedded.url, stage)
    const load = await begin(scene, sources[at % 2] as string)
    await held.reached()
    const postmaster = await postmasterOf(data)
    let restarting = true
    const meanwhile = (async () => {
      const seen = new Set<number>()
      for (let n = 0; restarting; n++) seen.add(await status(`/v1/movies/years?limit=${1 + (n % 900)}`))
      return seen
    })()
    // Its users start it again; pg_ctl's own restart would take theirs for the old one, and wait for its end.
    await runProgram(programs.pg_ctl, ['stop', '-W', '-m', mode, '-D', data], folder, account)
    await until('another one runs', async () => ![postmaster, undefined].includes(await postmasterOf(data)))
    await until('reports are answered', async () => (await status(`/v1/movies/genre-years?limit=${at + 1}`)) === 200)
    restarting = false
    t.ok(
      [...(await meanwhile)].every((status) => status === 200 || status === 503),
      'meanwhile it is a 503 at most',
    )
    await until('it is known to have failed', async () => /failed/.test((await server.get(`/v1/loads/${load}`)).state))
    // The last user of one that was just started may have stopped it once more.
    await until('the next load may go on', async () => {
      try {
        await held.lift()
        return true
      } catch {
        return false
      }
    })
    await unharmed(t, scene, load, {
      error:
        /^(The connection to the database was lost\.|Its process ended in stage \w+ without a word|No process took it up)/,
      before,
      what: `${mode}, ${stage}`,
    })
  }
  await works(t, scene)
  t.equal(server.child.exitCode, null, 'and the server has been the same all the while')
})
