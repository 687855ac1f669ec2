import { type Command, Option } from 'commander'
import { LoadInProgressError, queueLoad } from '../../ingest/ledger.ts'
import { lookAtSource } from '../../ingest/open.ts'
import type { Progress } from '../../ingest/read.ts'
import { CancelledError, RetentionError, runLoad } from '../../ingest/run.ts'
import { usualMode } from '../../ingest/subject.ts'
import { checks, type LoadView, loads, shownLoad } from '../../queries/loads.ts'
import { sourceAccess } from '../source-access.ts'
import { say, subjectNamed, UsageError, withWarehouse } from './context.ts'

interface Options {
  source?: string
  format?: string
  mode?: 'replace' | 'merge'
  hold?: boolean
  dryRun?: boolean
  force?: boolean
  json?: boolean
}

const EXIT = new Map([
  ['published', 0],
  ['held', 0],
  ['unchanged', 0],
  ['checked', 0],
  ['blocked', 3],
])

export function loadCommand(program: Command): void {
  program
    .command('load <subject>')
    .description('load a source into a new snapshot, check it and publish it')
    .option(
      '--source <uri>',
      'folder, file, archive, https://… or s3://bucket/prefix/; default: the subject’s configured source',
    )
    .option('--format <name>', 'shape of the files; default: recognised by their columns')
    .addOption(
      new Option(
        '--mode <mode>',
        'replace (default): these films only; merge: these films into those published. Loads that add to one another: merge adds, and is the default',
      ).choices(['replace', 'merge']),
    )
    .option('--hold', 'stop before publishing')
    .option('--dry-run', 'do everything but keep it')
    .option('--force', 'run even if the source is unchanged')
    .option('--json', 'print the load as one JSON object')
    .action(async (name: string, options: Options) => {
      process.exitCode = await withWarehouse(async (context) => {
        const { config, warehouse, actor } = context
        const subject = subjectNamed(context, name)
        const formats = subject.formats.map((format) => format.name)
        if (options.format !== undefined && !formats.includes(options.format))
          throw new UsageError(`--format takes ${formats.join(' or ')}, not ${options.format}`)
        const uri = options.source ?? config.sources.get(name)
        if (!uri) throw new UsageError(`--source is missing, and ${name.toUpperCase()}_SOURCE is not set`)
        // Looked at before the ledger is, so that a mistyped path is no failed load.
        const access = sourceAccess(config)
        const { signal } = new AbortController()
        const { format, mode = usualMode(subject) } = options
        await lookAtSource(subject, uri, { format, mode, access, signal, trusted: true })

        const loadId = await queueLoad(warehouse.writer, {
          subject: name,
          source: uri,
          mode,
          trigger: 'cli',
          actor,
          format: options.format,
          hold: options.hold,
          dryRun: options.dryRun,
          force: options.force,
        }).catch((error) => {
          throw error instanceof LoadInProgressError ? new Error(error.message) : error
        })
        const stop = new AbortController()
        const onSignal = (signal: string) => stop.abort(new CancelledError(`Stopped by ${signal}.`))
        process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
        const terminal = process.stderr.isTTY ? progressLine() : undefined
        const { connect, diskOf } = warehouse
        const failure = await runLoad(subject, loadId, {
          connect,
          diskOf,
          access,
          retain: config.retainLoads,
          signal: stop.signal,
          onProgress: terminal?.show,
        }).then(
          () => undefined,
          (error: unknown) => error,
        )
        terminal?.clear()
        const [load] = (await loads({ id: loadId }).execute(warehouse.writer)).rows as [LoadView]
        say(options.json ? JSON.stringify(shownLoad(load)) : describe(load))
        if (!options.json)
          for (const { passed, severity, claim, observed } of (await checks(loadId).execute(warehouse.writer)).rows)
            if (!passed) say(`  check ${severity === 'error' ? 'failed' : 'warned'}: ${claim} (${observed})`)
        // The ledger keeps sentences only; what is beyond them is for whoever runs the command.
        if (failure instanceof RetentionError || load.error?.includes('the log says more')) console.error(failure)
        return EXIT.get(load.state) ?? 1
      })
    })
}

/** One line that is written over, at most a few times a second. */
function progressLine() {
  let last = Number.NEGATIVE_INFINITY
  return {
    show({ file, bytes, bytes_total, records, records_per_second, seconds_left }: Progress) {
      if (performance.now() - last < 200) return
      last = performance.now()
      const mebibytes = (count: number) => (count / 2 ** 20).toFixed(1)
      const left = seconds_left === null ? '' : `, ${seconds_left} s left`
      process.stderr.write(
        `\r\x1b[K${file}: ${mebibytes(bytes)} of ${mebibytes(bytes_total)} MiB, ${records} records, ${records_per_second}/s${left}`,
      )
    },
    clear: () => void process.stderr.write('\r\x1b[K'),
  }
}

/** Files that are told one by one. */
const MOST_FILES = 20

function total(files: LoadView['files']): string {
  const of = (count: 'read' | 'loaded' | 'rejected' | 'duplicate' | 'unmatched' | 'warnings') =>
    files.reduce((sum, file) => sum + file[count], 0)
  const kinds = (['loaded', 'rejected', 'duplicate', 'unmatched'] as const).map((kind) => `${of(kind)} ${kind}`)
  return `${files.length} more files: ${of('read')} read = ${kinds.join(' + ')}; ${of('warnings')} warnings`
}

/** A load in a few lines for a person. */
export function describe(load: LoadView): string {
  const { subject, id, state, files, checks, data_through, error, notes } = load
  const lines = [`load ${id} of ${subject}: ${state}${error ? `: ${error}` : ''}`]
  for (const file of files.slice(0, MOST_FILES))
    lines.push(
      `  ${file.name}: ${file.read} read = ${file.loaded} loaded + ${file.rejected} rejected + ${file.duplicate} duplicate + ${file.unmatched} unmatched; ${file.warnings} warnings`,
    )
  if (files.length > MOST_FILES) lines.push(`  and ${total(files.slice(MOST_FILES))}`)
  const rows = Object.entries(load.row_counts).filter(([, count]) => count > 0)
  if (rows.length > 0) lines.push(`  rows: ${rows.map(([table, count]) => `${table} ${count}`).join(', ')}`)
  if (checks.passed + checks.failed + checks.warned > 0)
    lines.push(`  checks: ${checks.passed} passed, ${checks.failed} failed, ${checks.warned} warned`)
  if (data_through) lines.push(`  data through ${data_through}`)
  for (const note of notes) lines.push(`  ${note}`)
  const seconds = Object.values(load.timings).reduce((sum, milliseconds) => sum + milliseconds, 0) / 1000
  lines.push(`  took ${seconds.toFixed(1)} s`)
  return lines.join('\n')
}
