import path from 'node:path'
import { sql } from 'kysely'
import { buryTheDead } from '../ingest/ledger.ts'
import { usualMode } from '../ingest/subject.ts'
import { type LoadView, loads } from '../queries/loads.ts'
import { buildApp } from './app.ts'
import { adminTokens } from './auth.ts'
import { type Context, say } from './commands/context.ts'
import { describe } from './commands/load.ts'
import { Ear } from './ear.ts'
import { loadReports } from './reports.ts'
import { Runner } from './runner.ts'
import { Scheduler } from './scheduler.ts'
import { schedulesOf } from './schedules.ts'
import { Snapshots } from './snapshots.ts'
import { Sweeper } from './sweeper.ts'

/** How long requests that run may take to finish once the server is told to stop. */
const GRACE_MS = 10_000

/**
 * Answers over HTTP until it is told to stop; an empty warehouse gets a sample meanwhile.
 * @param stopped the signal to stop, which may come before there is a warehouse
 */
export async function serve(context: Context, stopped: Promise<string>): Promise<void> {
  const { config, subjects, warehouse } = context
  const tokens = await adminTokens(config)
  const logger = { level: config.logLevel, stream: process.stderr }
  const reports = await loadReports()
  let app: Awaited<ReturnType<typeof buildApp>> | undefined
  const ear = new Ear(warehouse, (error) => app?.log.warn({ err: error }, 'the warehouse cannot be listened to'))
  const snapshots = new Snapshots(warehouse, ear)
  const runner = new Runner(warehouse, (error, loadId) =>
    app?.log.error({ err: error, load: loadId }, 'a load could not be followed'),
  )
  const sweeper = new Sweeper(warehouse, subjects, (error) =>
    app?.log.error({ err: error }, 'dropped loads could not be swept'),
  )
  const scheduler = new Scheduler({
    schedules: schedulesOf(config, subjects),
    warehouse,
    runner,
    say,
    log: (error) => app?.log.error({ err: error }, 'a schedule could not be kept'),
  })
  try {
    await buryTheDead(warehouse.writer)
    sweeper.soon()
    app = await buildApp({ config, subjects, reports, warehouse, snapshots, ear, runner, sweeper, tokens, logger })
    await ear.start()
    const address = await app.listen({ host: config.host, port: config.port }).catch(asTaken(config))
    say(`Reelhouse listens on ${address} (documentation: ${address}/docs)`)
    if (tokens.file) say(`The admin's token is in ${path.relative(process.cwd(), tokens.file) || tokens.file}`)
    snapshots.on('moved', (subject, loadId) => say(`Readers of ${subject} see load ${loadId} now`))
    if (config.sample) await startSamples(context, runner)
    await scheduler.start()
    const signal = await stopped
    say(`${signal}: finishing what runs`)
  } finally {
    const grace = setTimeout(() => app?.server.closeAllConnections(), GRACE_MS)
    // At once: while a load winds up, requests finish and no new ones are taken.
    await Promise.all([app?.close(), scheduler.close().then(() => runner.close())])
    clearTimeout(grace)
    // One of the last requests may have asked for a load.
    await runner.close()
    await sweeper.close()
    await ear.close()
  }
}

/** @throws what keeps a server from listening, in a sentence where somebody else listens there */
const asTaken =
  ({ host, port }: Context['config']) =>
  (error: NodeJS.ErrnoException): never => {
    if (error.code !== 'EADDRINUSE') throw error
    throw new Error(`Port ${port} of ${host} is taken, by another server perhaps. PORT chooses another one.`)
  }

/** Loads the sample of each subject that has never had a load. */
async function startSamples({ subjects, warehouse }: Context, runner: Runner): Promise<void> {
  for (const subject of subjects.values()) {
    const { name, sample } = subject
    if (!sample) continue
    const before = await sql`select from reelhouse.load where subject = ${name} and state <> 'failed' limit 1`.execute(
      warehouse.writer,
    )
    if (before.rows.length > 0) continue
    const request = {
      subject: name,
      source: sample.path(),
      format: sample.format,
      mode: usualMode(subject),
      actor: 'sample',
    } as const
    const loadId = await runner.start({ ...request, trigger: 'sample' }, async (ended) => {
      const [load] = (await loads({ id: ended }).execute(warehouse.writer)).rows as [LoadView]
      say(describe(load))
    })
    say(`The warehouse has no ${name} yet: loading a sample (load ${loadId}; GET /readyz shows its progress)`)
  }
}
