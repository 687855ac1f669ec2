import { CancelledError, runLoad } from '../../ingest/run.ts'
import { loads } from '../../queries/loads.ts'
import { readConfig } from '../config.ts'
import { sourceAccess } from '../source-access.ts'
import { loadSubjects } from '../subjects.ts'
import { openWarehouse } from '../warehouse.ts'

/** The process of one load that a server queued: `run-load.js NUMBER`. How it ended is in the ledger. */
// Before the warehouse is opened: whoever is killed while it uses the embedded one does not leave it as it should.
const stop = new AbortController()
const onSignal = (signal: string) => stop.abort(new CancelledError(`Stopped by ${signal}.`))
process.once('SIGTERM', onSignal).once('SIGINT', onSignal)
const loadId = Number(process.argv[2])
const subjects = await loadSubjects()
const config = readConfig(subjects.keys())
const warehouse = await openWarehouse(config)
try {
  const [load] = (await loads({ id: loadId }).execute(warehouse.writer)).rows
  const subject = load && subjects.get(load.subject)
  if (!subject) throw new Error(`There is no load ${loadId} of a subject that this program knows.`)
  const { connect, diskOf } = warehouse
  const access = sourceAccess(config)
  await runLoad(subject, loadId, { connect, diskOf, access, retain: config.retainLoads, signal: stop.signal })
} catch (error) {
  if (!stop.signal.aborted) {
    const { name, message, stack } = error as Error
    process.stderr.write(
      `${JSON.stringify({ level: 50, time: Date.now(), load: loadId, err: { type: name, message, stack }, msg: 'load failed' })}\n`,
    )
  }
  process.exitCode = 1
} finally {
  await warehouse.close()
}
