import { statfs } from 'node:fs/promises'
import { sql, type Transaction } from 'kysely'
import pg from 'pg'
import { addToShown, enterShown, NOTHING, newFiles } from './append.ts'
import { type CheckResult, runChecks, writeChecks } from './checks.ts'
import type { Source } from './choose.ts'
import { keepInUse, retire, sweep } from './drop.ts'
import { type Parts, partsOf, takenOver, writeFamilies } from './families.ts'
import { countFound, type FileCounts, type Published, publishedFacts, readFound, writeFiles } from './files.ts'
import { kyselyOn, type Ledger, type LoadError, type LoadFacts, openLedger, type RejectRow } from './ledger.ts'
import type { SourceAccess } from './open/access.ts'
import { downloadProgress } from './open/download-progress.ts'
import { downloadsOf, sweepDownloads } from './open/sweep-downloads.ts'
import { fileDate, openSource } from './open.ts'
import { UnreadableFileError } from './parse.ts'
import { analyzeDimensions, attachPartitions, createPartitions, factsOfLoad, partitionOf } from './partitions.ts'
import { lockPointers, movePointer } from './publish.ts'
import { type Progress, Reading } from './read.ts'
import { openReplay } from './replay.ts'
import { schemaChanges } from './schema-changes.ts'
import { SourceError } from './source-error.ts'
import { stageInto } from './stage.ts'
import type { FamilyPart, MergeResult, Subject } from './subject.ts'
import { sameAs } from './unchanged.ts'
import { stageWaiting } from './waiting.ts'

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
  /** What it may reach; its downloads lie in a folder of its own below `downloads`. */
  access: SourceAccess
  /** How many snapshots of the subject are kept; older ones are dropped once this load has made one. */
  retain: number
  signal: AbortSignal
  onProgress?: ((progress: Progress) => void) | undefined
}

/** The load was stopped from outside. */
export class CancelledError extends Error {}

/** What a load writes to disk for each byte it reads: staging, snapshot, indexes and log; measured, see ARCHITECTURE.md. */
const DISK_PER_BYTE = 4

/** What text usually unpacks to, where a source does not tell. */
const UNPACKED_PER_BYTE = 4

/**
 * Runs a queued load to its end, and records in the ledger how it ended.
 * @throws whatever ended it early, once the ledger has it; or what kept old snapshots from being dropped afterwards
 */
export async function runLoad(subject: Subject, loadId: number, options: RunOptions): Promise<void> {
  const cancelled = new AbortController()
  const client = await options.connect(`reelhouse ledger of load ${loadId}`)
  const ledger = await openLedger(client, loadId, (by) => cancelled.abort(new CancelledError(`Cancelled by ${by}.`)))
  const signal = AbortSignal.any([options.signal, cancelled.signal])
  let made = false
  try {
    made = await loadInto(subject, ledger, { ...options, signal })
  } catch (error) {
    await ledger.end(signal.aborted ? 'cancelled' : 'failed', errorOf(signal.aborted ? signal.reason : error))
    throw error
  } finally {
    await ledger.close()
  }
  if (made) await dropOldest(subject, options)
}

/** The load ended well, but what came after it did not. */
export class RetentionError extends Error {}

async function dropOldest(subject: Subject, { connect, retain }: RunOptions): Promise<void> {
  try {
    const client = await connect(`reelhouse retention of ${subject.name}`)
    // Those of an append-only subject are parts of one another.
    if (!subject.appendOnly) await retire(kyselyOn(client), subject.name, retain)
    await client.end()
    await sweep(connect, subject)
  } catch (cause) {
    throw new RetentionError('The load ended well, but old loads could not be dropped; the next load tries again.', {
      cause,
    })
  }
}

/** @returns whether it made a snapshot */
async function loadInto(subject: Subject, ledger: Ledger, options: RunOptions): Promise<boolean> {
  const { task } = ledger
  if (task.replay_of !== null)
    return await loadFrom(
      await openReplay(ledger.db, subject, task.replay_of, task.mended ?? []),
      subject,
      ledger,
      options,
    )
  const { access, signal, onProgress } = options
  await sweepDownloads(ledger.db, access.downloads)
  const source = await openSource(subject, task.source, {
    format: task.format ?? undefined,
    mode: task.mode,
    idSpace: (await publishedFacts(ledger.db, subject))?.id_space,
    access: { ...access, downloads: downloadsOf(access.downloads, task.load_id) },
    signal,
    trusted: task.trigger !== 'admin',
    onDownload: downloadProgress((progress) => {
      ledger.progress({ ...progress })
      onProgress?.(progress)
    }),
  })
  try {
    return await loadFrom(source, subject, ledger, options)
  } finally {
    await source.close()
  }
}

async function loadFrom(opened: Source, subject: Subject, ledger: Ledger, options: RunOptions): Promise<boolean> {
  const { task } = ledger
  const published = await publishedFacts(ledger.db, subject)
  const addsOnly = subject.appendOnly && task.mode === 'merge' && !task.force && task.replay_of === null
  const source = addsOnly
    ? await newFiles(ledger.db, subject, { source: opened, task, published, signal: options.signal })
    : opened
  const facts: LoadFacts = {
    format: source.format.name,
    idSpace: source.format.idSpace ?? published?.id_space ?? '',
    ingestVersion: subject.ingestVersion,
    fileDate:
      task.trigger === 'sample' && subject.sample ? subject.sample.fileDate : dateOf(subject, opened, published),
    previousLoadId: published?.load_id ?? null,
  }
  await ledger.describe(facts)
  for (const note of source.notes) await ledger.note(note)
  if (task.mode === 'merge') assertMergeable(subject, facts, published)
  else if (source.format.idSpace === null)
    throw new SourceError(`format ${facts.format} is a part of a load and no whole one; load it with mode merge`)
  if (source.files.length === 0) {
    await ledger.end('unchanged')
    return false
  }
  const same =
    !task.force &&
    task.replay_of === null &&
    (await sameAs(ledger.db, subject.name, task, facts, source, options.signal))
  if (same) {
    await ledger.note(same)
    await ledger.end('unchanged')
    return false
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
    const stager = await stageInto(client, Object.assign({}, ...subject.families.map(({ stageTables }) => stageTables)))
    await ledger.stage('parse')
    const reading = new Reading(source, stager, ledger, options)
    const files = await reading.stageAll()
    if (task.replay_of !== null && files.every(({ loaded }) => loaded === 0)) {
      await writeFiles(ledger.db, task.load_id, files)
      await ledger.note(nothingNew(task.replay_of))
      await ledger.end('unchanged')
      return false
    }
    const before = subject.appendOnly && task.mode === 'replace' ? undefined : published
    const parts = await partsOf(ledger.db, subject, source, task.mode, before)
    if (task.mode === 'replace') for (const note of await takenOver(ledger.db, parts)) await ledger.note(note)
    for (const note of await stageWaiting(kyselyOn(client), { subject, source, parts, reading }))
      await ledger.note(note)
    const base = [...parts.values()].some((part) => part.base !== null) ? (before ?? null) : null
    const load = { subject, source, facts, files, reading, client, parts, base, ledger, signal: options.signal }
    await kyselyOn(client)
      .transaction()
      .execute((trx) => makeSnapshot(trx, load))
    return true
  } catch (error) {
    if (!(error instanceof Undone)) throw error
    await writeFiles(ledger.db, task.load_id, error.files)
    await ledger.reject(error.found)
    await countFound(ledger.db, task.load_id)
    if (error.checked) {
      const { checks, merged } = error.checked
      await writeChecks(ledger.db, task.load_id, checks)
      // What would have become of it.
      await sql`
        update reelhouse.load set row_counts = ${JSON.stringify(merged.rowCounts)}::jsonb, data_through = ${merged.dataThrough}
        where load_id = ${task.load_id}`.execute(ledger.db)
    }
    if (error.state === 'unchanged') await ledger.note(nothingNew(task.replay_of))
    await ledger.end(error.state)
    return false
  } finally {
    options.signal.removeEventListener('abort', startCancelling)
    clearInterval(cancelling)
    await client.end()
  }
}

/** The date of what all else rests on: a price index of today does not make last year's films of today. */
function dateOf(subject: Subject, { files }: Source, published: Published | undefined): string {
  const [main] = subject.families
  const dated = files.filter(({ of }) => of.family === main)
  return dated.length === 0 && published ? published.file_date : fileDate(dated.length > 0 ? dated : files)
}

/** @throws SourceError when there is nothing to merge into, or what there is means other things by its ids */
function assertMergeable(
  { appendOnly }: Subject,
  { format, idSpace }: LoadFacts,
  published: Published | undefined,
): void {
  // What adds to nothing is all there is.
  if (!published && appendOnly) return
  if (!published) throw new SourceError('nothing is published to merge into; load it with mode replace')
  if (published.id_space !== idSpace)
    throw new SourceError(
      `ids of format ${format} (${idSpace}) are not those of the published load ${published.load_id} (${published.id_space}), so they cannot be merged; load it with mode replace`,
    )
}

/** Takes back the transaction of a load that makes no snapshot, with what is worth keeping of it. */
class Undone extends Error {
  readonly state: 'checked' | 'unchanged'
  readonly files: FileCounts[]
  readonly found: RejectRow[]
  readonly checked: { checks: CheckResult[]; merged: MergeResult } | undefined
  constructor(
    state: 'checked' | 'unchanged',
    files: FileCounts[],
    found: RejectRow[],
    checked?: { checks: CheckResult[]; merged: MergeResult },
  ) {
    super(state)
    this.state = state
    this.files = files
    this.found = found
    this.checked = checked
  }
}

const nothingNew = (replayOf: number | null) =>
  `none of the records that load ${replayOf} left out brings anything new yet`

interface Load {
  subject: Subject
  source: Source
  facts: LoadFacts
  /** Those that are staged. */
  files: FileCounts[]
  reading: Reading
  /** The connection of the transaction. */
  client: pg.Client
  parts: Parts
  /** The snapshot of which something is taken over; null: the new one stands for itself. */
  base: Published | null
  ledger: Ledger
  signal: AbortSignal
}

/** Everything that becomes visible at once: rows, keys, counts, checks, and the pointer. */
async function makeSnapshot(trx: Transaction<unknown>, load: Load): Promise<void> {
  const { subject, source, facts, parts, ledger, base, signal } = load
  const { task } = ledger
  const loadId = task.load_id
  const partition = (fact: string) => partitionOf(subject, fact, loadId)
  if (base && !(await keepInUse(trx, base.load_id))) {
    const use = task.mode === 'merge' ? 'which it was to be merged into' : 'of which it was to take over a part'
    throw new SourceError(`load ${base.load_id}, ${use}, has been dropped meanwhile`, true)
  }
  const own = factsOfLoad(parts)
  await createPartitions(trx, subject, loadId, own)
  const files = [...load.files, ...(await load.reading.copyAll(trx, load.client, partition))]
  for (const note of await schemaChanges(ledger.db, subject, facts, files)) await ledger.note(note)
  await ledger.stage('merge')
  await writeFiles(trx, loadId, files)
  await writeFamilies(trx, loadId, parts)
  const merged = await subject.merge(trx, {
    loadId,
    format: source.format,
    fileDate: facts.fileDate,
    part: (family) => parts.get(family) as FamilyPart,
    shown: base?.shows ?? NOTHING,
    sourceLoadId: task.replay_of ?? loadId,
    table: (name) => (own.includes(name) ? partition(name) : sql.table(`${subject.name}.${name}`)),
  })
  await countFound(trx, loadId)
  if (task.replay_of !== null && !(await bringsAnything(trx, load)))
    throw new Undone('unchanged', files, await readFound(trx, loadId))
  for (const note of merged.notes) await ledger.note(note)
  signal.throwIfAborted()
  await ledger.stage('index')
  await attachPartitions(trx, subject, loadId, own)
  await analyzeDimensions(trx, subject)
  signal.throwIfAborted()
  await ledger.stage('check')
  const checks = await runChecks(trx, subject, {
    loadId,
    fileDate: facts.fileDate,
    dataThrough: merged.dataThrough,
    mode: task.mode,
    replay: task.replay_of !== null,
    rowCounts: merged.rowCounts,
  })
  await writeChecks(trx, loadId, checks)
  if (task.dry_run) throw new Undone('checked', files, await readFound(trx, loadId), { checks, merged })
  signal.throwIfAborted()
  await ledger.stage('roll_up')
  await createPartitions(trx, subject, loadId, Object.keys(subject.rollups))
  await subject.rollUp(trx, { loadId, table: partition })
  await attachPartitions(trx, subject, loadId, Object.keys(subject.rollups))
  signal.throwIfAborted()
  await ledger.stage('publish')
  await lockPointers(trx)
  const overtaken = subject.appendOnly ? await addedTo(trx, load, merged) : await overtakenBy(trx, load)
  if (overtaken) await ledger.note(`held: ${overtaken}`)
  const timings = await ledger.rest()
  const blocked = checks.some(({ passed, severity }) => severity === 'error' && !passed)
  const { numAffectedRows } = await sql`
    update reelhouse.load
    set state = ${blocked ? 'blocked' : 'held'}, row_counts = ${JSON.stringify(merged.rowCounts)}::jsonb,
        data_through = ${merged.dataThrough}, rollups = ${Object.keys(subject.rollups)}::text[], timings = ${JSON.stringify(timings)}::jsonb, finished_at = clock_timestamp()
    where load_id = ${loadId} and state = 'running'`.execute(trx)
  // When the ledger's connection breaks, the load counts as dead before its process knows.
  if (numAffectedRows !== 1n) throw new Error(`Load ${loadId} was given up by others while it ran.`)
  if (!blocked && !task.hold && !overtaken)
    await movePointer(trx, { load_id: loadId, subject: subject.name }, 'publish', task.actor)
}

/** Why a merge is not what its user meant any more, in words. */
async function overtakenBy(trx: Transaction<unknown>, { subject, base, ledger }: Load): Promise<string | undefined> {
  if (ledger.task.mode !== 'merge' || !base) return undefined
  if ((await publishedFacts(trx, subject))?.load_id === base.load_id) return undefined
  return `it was merged into load ${base.load_id}, and readers see another one by now; publish it if that is meant`
}

/** Has readers of the load see its rows beside those that they see now. @returns why that cannot be, in words */
async function addedTo(
  trx: Transaction<unknown>,
  { subject, base, ledger }: Load,
  merged: MergeResult,
): Promise<string | undefined> {
  const { load_id: loadId } = ledger.task
  await enterShown(trx, loadId, base?.load_id ?? null)
  const added = await addToShown(trx, subject, loadId)
  if ('refused' in added) return added.refused
  for (const [table, rows] of Object.entries(added.removed))
    merged.rowCounts[table] = (merged.rowCounts[table] ?? 0) - rows
  merged.dataThrough = later(merged.dataThrough, added.through)
  return undefined
}

const later = (one: string | null, other: string | null) =>
  one === null || (other !== null && other > one) ? other : one

/** Whether any record of a replay is in the snapshot: loaded, or stored although its film is not there, as ratings are. */
async function bringsAnything(trx: Transaction<unknown>, { subject, ledger }: Load): Promise<boolean> {
  const stored = subject.families.filter(({ heavyFacts }) => heavyFacts.length > 0).map(({ name }) => name)
  const found = await sql<{ records: number }>`
    select coalesce(sum(loaded + case when family = any(${stored}) then unmatched else 0 end), 0)::bigint as records
    from reelhouse.load_file where load_id = ${ledger.task.load_id}`.execute(trx)
  return Number(found.rows[0]?.records) > 0
}

/** @throws SourceError with both numbers when the disk cannot hold the load */
async function assertDiskSpace(source: Source, folder: string | undefined): Promise<void> {
  if (!folder) return
  const bytes = source.files.reduce((sum, file) => sum + (file.content ?? file.bytes * UNPACKED_PER_BYTE), 0)
  const { bavail, bsize } = await statfs(folder)
  const mebibytes = (count: number) => `${Math.ceil(count / 2 ** 20)} MiB`
  if (bytes * DISK_PER_BYTE > bavail * bsize)
    throw new SourceError(
      `the load of ${mebibytes(bytes)} needs about ${mebibytes(bytes * DISK_PER_BYTE)} of disk, and ${mebibytes(bavail * bsize)} are free; make room or drop older loads`,
    )
}

/** SQLSTATEs of a database that is full, or that went away. */
const DISK_FULL = '53100'
const GONE = /^(08|57P0)/
/** The driver's words for a connection that broke: while a statement ran on it, or before the next one. */
const UNUSABLE = /Connection terminated|connection error and is not queryable|was closed and is not queryable/

/** An error as the ledger may show it to anyone: our own sentences as they are, PostgreSQL's and Node's by their kind. */
function errorOf(error: unknown): LoadError {
  if (error instanceof SourceError) return error
  if (error instanceof UnreadableFileError || error instanceof CancelledError)
    return { message: error.message, retriable: false }
  const code = (error as NodeJS.ErrnoException)?.code
  if (code === DISK_FULL || code === 'ENOSPC')
    return { message: 'The disk is full; make room or drop older loads, then load it again.', retriable: true }
  if (error instanceof pg.DatabaseError && !GONE.test(code ?? ''))
    return { message: `The database refused the load (SQLSTATE ${code}); the log says more.`, retriable: false }
  if (GONE.test(code ?? '') || /^(ECONN|EPIPE)/.test(code ?? '') || UNUSABLE.test(String(error)))
    return { message: 'The connection to the database was lost.', retriable: true }
  return {
    message: `The load met an unexpected error${code ? ` (${code})` : ''}; the log says more.`,
    retriable: false,
  }
}
