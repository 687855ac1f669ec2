import { statfs } from 'node:fs/promises'
import { sql, type Transaction } from 'kysely'
import pg from 'pg'
import { type CheckResult, runChecks, writeChecks } from './checks.ts'
import type { Source } from './choose.ts'
import { countDuplicates, type FileCounts, isUnchanged, publishedFacts, readDuplicates, writeFiles } from './files.ts'
import { kyselyOn, type Ledger, type LoadFacts, openLedger, type RejectRow } from './ledger.ts'
import { fileDate, openSource } from './open.ts'
import { UnreadableFileError } from './parse.ts'
import { attachPartitions, createPartitions, partitionOf } from './partitions.ts'
import { lockPointer, movePointer } from './publish.ts'
import { type Progress, Reading } from './read.ts'
import { SourceError } from './source-error.ts'
import { stageInto } from './stage.ts'
import type { Subject } from './subject.ts'

/**
 * One load from source to publication. What it reads is staged in temporary tables; then a single transaction fills the
 * snapshot, attaches it, checks it and moves the pointer. So a load that dies at any moment leaves nothing behind but its
 * line in the ledger, and readers see all of it or nothing.
 */

export interface RunOptions {
  /** Opens a connection to the warehouse that the caller of it closes. */
  connect: (applicationName: string) => Promise<pg.Client>
  /** Folder whose disk the warehouse writes to, when that is this machine's. */
  diskOf?: string | undefined
  signal: AbortSignal
  onProgress?: ((progress: Progress) => void) | undefined
}

/** The load was stopped from outside. */
export class CancelledError extends Error {}

/** What a load writes to disk for each byte it reads: staging, snapshot, indexes and log; measured, see ARCHITECTURE.md. */
const DISK_PER_BYTE = 4

/**
 * Runs a queued load to its end, and records in the ledger how it ended.
 * @throws whatever ended it early, once the ledger has it
 */
export async function runLoad(subject: Subject, loadId: number, options: RunOptions): Promise<void> {
  const ledger = await openLedger(await options.connect(`reelhouse ledger of load ${loadId}`), loadId)
  try {
    await loadInto(subject, ledger, options)
  } catch (error) {
    const state = options.signal.aborted ? 'cancelled' : 'failed'
    await ledger.end(state, sentenceOf(options.signal.aborted ? options.signal.reason : error))
    throw error
  } finally {
    await ledger.close()
  }
}

async function loadInto(subject: Subject, ledger: Ledger, options: RunOptions): Promise<void> {
  const { task } = ledger
  const source = await openSource(subject, task.source, task.format ?? undefined)
  const published = await publishedFacts(ledger.db, subject)
  const facts = {
    format: source.format.name,
    idSpace: source.format.idSpace,
    ingestVersion: subject.ingestVersion,
    fileDate: task.trigger === 'sample' && subject.sample ? subject.sample.fileDate : fileDate(source.files),
    previousLoadId: published?.load_id ?? null,
  }
  await ledger.describe(facts)
  if (published && !task.force && (await isUnchanged(source, facts, task.mode, published, options.signal))) {
    await ledger.note(`the same files as load ${published.load_id}, which is published`)
    return await ledger.end('unchanged')
  }
  await assertDiskSpace(source, options.diskOf)

  const client = await options.connect(`reelhouse load ${task.load_id}`)
  const session: number = (await client.query('select pg_backend_pid() as pid')).rows[0].pid
  const cancel = () => void sql`select pg_cancel_backend(${session})`.execute(ledger.db).catch(() => {})
  // Again and again: a cancellation that falls between two statements hits nothing.
  let cancelling: NodeJS.Timeout | undefined
  const startCancelling = () => {
    cancel()
    cancelling = setInterval(cancel, 250)
  }
  options.signal.addEventListener('abort', startCancelling, { once: true })
  try {
    const stager = await stageInto(client, subject.stageTables)
    await ledger.stage('parse')
    const files = await new Reading(subject, stager, ledger, options).readAll(source)
    const db = kyselyOn(client)
    const load = { subject, source, facts, files, ledger, signal: options.signal }
    await db
      .transaction()
      .execute((trx) => makeSnapshot(trx, load))
      .catch(async (error) => {
        if (!(error instanceof DryRun)) throw error
        await writeFiles(ledger.db, task.load_id, files)
        await ledger.reject(error.duplicates)
        await countDuplicates(ledger.db, task.load_id)
        await writeChecks(ledger.db, task.load_id, error.checks)
        await ledger.end('checked')
      })
  } finally {
    options.signal.removeEventListener('abort', startCancelling)
    clearInterval(cancelling)
    await client.end()
  }
}

/** Thrown to undo the transaction of a dry run, with what is worth keeping of it. */
class DryRun extends Error {
  readonly duplicates: RejectRow[]
  readonly checks: CheckResult[]
  constructor(duplicates: RejectRow[], checks: CheckResult[]) {
    super('dry run')
    this.duplicates = duplicates
    this.checks = checks
  }
}

interface Load {
  subject: Subject
  source: Source
  facts: LoadFacts
  files: FileCounts[]
  ledger: Ledger
  signal: AbortSignal
}

/** Everything that becomes visible at once: rows, keys, counts, checks, and the pointer. */
async function makeSnapshot(trx: Transaction<unknown>, load: Load): Promise<void> {
  const { subject, source, facts, files, ledger, signal } = load
  const { task } = ledger
  const loadId = task.load_id
  await ledger.stage('merge')
  await writeFiles(trx, loadId, files)
  await createPartitions(trx, subject, loadId)
  const merged = await subject.merge(trx, {
    loadId,
    format: source.format,
    fileDate: facts.fileDate,
    table: (name) =>
      subject.facts.includes(name) ? partitionOf(subject, name, loadId) : sql.table(`${subject.name}.${name}`),
  })
  await countDuplicates(trx, loadId)
  signal.throwIfAborted()
  await ledger.stage('index')
  await attachPartitions(trx, subject, loadId)
  signal.throwIfAborted()
  await ledger.stage('check')
  const checks = await runChecks(trx, subject.checks, { loadId, fileDate: facts.fileDate })
  await writeChecks(trx, loadId, checks)
  if (task.dry_run) throw new DryRun(await readDuplicates(trx, loadId), checks)
  signal.throwIfAborted()
  await ledger.stage('publish')
  await lockPointer(trx, subject.name)
  const timings = await ledger.rest()
  const blocked = checks.some(({ passed, severity }) => severity === 'error' && !passed)
  const { numAffectedRows } = await sql`
    update reelhouse.load
    set state = ${blocked ? 'blocked' : 'held'}, row_counts = ${JSON.stringify(merged.rowCounts)}::jsonb,
        data_through = ${merged.dataThrough}, timings = ${JSON.stringify(timings)}::jsonb, finished_at = clock_timestamp()
    where load_id = ${loadId} and state = 'running'`.execute(trx)
  // When the ledger's connection breaks, the load counts as dead before its process knows.
  if (numAffectedRows !== 1n) throw new Error(`Load ${loadId} was given up by others while it ran.`)
  if (!blocked && !task.hold) await movePointer(trx, { load_id: loadId, subject: subject.name }, 'publish', task.actor)
}

/** @throws SourceError with both numbers when the disk cannot hold the load */
async function assertDiskSpace(source: Source, folder: string | undefined): Promise<void> {
  if (!folder) return
  const bytes = source.files.reduce((sum, file) => sum + file.bytes, 0)
  const { bavail, bsize } = await statfs(folder)
  const mebibytes = (count: number) => `${Math.ceil(count / 2 ** 20)} MiB`
  if (bytes * DISK_PER_BYTE > bavail * bsize)
    throw new SourceError(
      `the load of ${mebibytes(bytes)} needs about ${mebibytes(bytes * DISK_PER_BYTE)} of disk, and ${mebibytes(bavail * bsize)} are free; make room or drop older loads`,
    )
}

/** An error as the ledger may show it to anyone: our own sentences as they are, PostgreSQL's and Node's by their kind. */
function sentenceOf(error: unknown): string {
  if (error instanceof SourceError || error instanceof UnreadableFileError || error instanceof CancelledError)
    return error.message
  if (error instanceof pg.DatabaseError)
    return `The database refused the load (SQLSTATE ${error.code}); the log says more.`
  const code = (error as NodeJS.ErrnoException)?.code
  return `The load met an unexpected error${code ? ` (${code})` : ''}; the log says more.`
}
