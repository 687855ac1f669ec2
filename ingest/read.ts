import { createHash, type Hash, hash } from 'node:crypto'
import type { Source, SourceFile } from './choose.ts'
import type { FileCounts } from './files.ts'
import type { Ledger, RejectRow } from './ledger.ts'
import { excerpt, type RawRecord, type SoundRecord, wholeText } from './parse.ts'
import { parseCsv } from './parse-csv.ts'
import { parseJsonArray } from './parse-json.ts'
import { readRecord } from './record.ts'
import type { Stager } from './stage.ts'
import type { Subject } from './subject.ts'
import { mayHoldBadText } from './utf8.ts'

export interface Progress {
  stage: string
  file: string
  bytes: number
  bytes_total: number
  records: number
  records_per_second: number
  seconds_left: number | null
}

/** How many left-out records gather before they are entered. */
const REJECTS_AT_ONCE = 500

export interface ReadingOptions {
  signal: AbortSignal
  onProgress?: ((progress: Progress) => void) | undefined
}

/** Reads the files of a source into the staging tables, in bounded memory, and what cannot be read into the ledger. */
export class Reading {
  readonly #subject: Subject
  readonly #stager: Stager
  readonly #ledger: Ledger
  readonly #signal: AbortSignal
  readonly #onProgress: ((progress: Progress) => void) | undefined
  #rejects: RejectRow[] = []
  #record = 0
  #bytes = 0
  #bytesTotal = 0
  readonly #startedAt = performance.now()

  constructor(subject: Subject, stager: Stager, ledger: Ledger, options: ReadingOptions) {
    this.#subject = subject
    this.#stager = stager
    this.#ledger = ledger
    this.#signal = options.signal
    this.#onProgress = options.onProgress
  }

  async readAll(source: Source): Promise<FileCounts[]> {
    this.#bytesTotal = source.files.reduce((sum, { bytes }) => sum + bytes, 0)
    const files: FileCounts[] = []
    for (const [index, file] of source.files.entries()) files.push(await this.#read(file, file.fileNo ?? index + 1))
    await this.#stager.finish()
    await this.#enterRejects()
    return files
  }

  async #read(file: SourceFile, fileNo: number): Promise<FileCounts> {
    const digest = createHash('sha256')
    const counts: FileCounts = {
      fileNo,
      name: file.name,
      family: file.of.family,
      bytes: file.bytes,
      sha256: '',
      modifiedAt: file.modifiedAt.toISOString(),
      columns: file.columns ?? null,
      read: 0,
      loaded: 0,
      rejected: 0,
      duplicate: 0,
      unmatched: 0,
      warnings: 0,
    }
    for await (const batch of await this.#records(file, this.#counted(file, digest, counts), counts)) {
      for (const record of batch) this.#take(record, file, counts)
      if (this.#rejects.length >= REJECTS_AT_ONCE) await this.#enterRejects()
      await this.#stager.drain()
      this.#report(file)
    }
    counts.sha256 = digest.digest('hex')
    return counts
  }

  /** The file's bytes, digested and counted on their way to the parser. */
  async *#counted(file: SourceFile, digest: Hash, counts: FileCounts): AsyncGenerator<Buffer> {
    let read = 0
    // Of a packed file the packed bytes are counted: how many it will have unpacked nobody knows.
    const taken = (bytes: number) => {
      this.#bytes += bytes
    }
    for await (const chunk of file.read(this.#signal, taken)) {
      digest.update(chunk)
      read += chunk.length
      yield chunk
    }
    counts.bytes = read
  }

  /** Batches of records, whatever the file's notation, each with its cells by column. */
  async #records(
    file: SourceFile,
    bytes: AsyncIterable<Buffer>,
    counts: FileCounts,
  ): Promise<AsyncIterable<RawRecord<Cells>[]>> {
    if (file.records) return file.records()
    const options = { file: file.name, signal: this.#signal }
    if (file.of.read === 'json') return parseJsonArray(bytes, options)
    const table = await parseCsv(bytes, { ...options, required: file.of.columns })
    counts.columns = [...table.columns]
    const positions = [...file.of.columns, ...file.of.optional].flatMap((column) => {
      const position = table.index.get(column)
      return position === undefined ? [] : [[column, position] as const]
    })
    return (async function* () {
      for await (const batch of table.records)
        yield batch.map((record) => (record.ok ? byColumn(record, positions) : record))
    })()
  }

  #take(record: RawRecord<Cells>, file: SourceFile, counts: FileCounts): void {
    counts.read += 1
    this.#record += 1
    if (!record.ok) {
      this.#leaveOut(file, record.line, { ...record, column: null }, record.raw)
      counts.rejected += 1
      return
    }
    const raw = record.raw
    const reading = readRecord(file.of, record.cells, mayHoldBadText(raw))
    if ('rejected' in reading) {
      this.#leaveOut(file, record.line, reading.rejected, raw)
      counts.rejected += 1
      return
    }
    for (const warning of reading.warnings)
      this.#rejects.push({
        file: file.name,
        line: record.line,
        severity: 'warning',
        raw: excerpt(raw),
        ...legible(warning),
      })
    counts.warnings += reading.warnings.length
    counts.loaded += 1
    const at = { record: this.#record, line: record.line, fileNo: counts.fileNo, digest: hash('sha1', raw, 'base64') }
    this.#subject.stage(this.#stager, reading.row, at)
  }

  #leaveOut(file: SourceFile, line: number, why: { code: string; column: string | null; reason: string }, raw: string) {
    this.#rejects.push({
      file: file.name,
      line,
      severity: 'reject',
      raw: excerpt(raw),
      record: wholeText(raw),
      ...legible(why),
    })
  }

  async #enterRejects(): Promise<void> {
    const rejects = this.#rejects
    this.#rejects = []
    await this.#ledger.reject(rejects)
  }

  #report(file: SourceFile): void {
    const seconds = (performance.now() - this.#startedAt) / 1000
    const left = this.#bytes > 0 && seconds > 1 ? (seconds / this.#bytes) * (this.#bytesTotal - this.#bytes) : null
    const progress: Progress = {
      stage: 'parse',
      file: file.name,
      bytes: this.#bytes,
      bytes_total: this.#bytesTotal,
      records: this.#record,
      records_per_second: Math.round(this.#record / Math.max(seconds, 0.001)),
      seconds_left: left === null ? null : Math.round(left),
    }
    this.#ledger.progress({ ...progress })
    this.#onProgress?.(progress)
  }
}

type Cells = Record<string, unknown>

function byColumn(record: SoundRecord<string[]>, positions: (readonly [string, number])[]): SoundRecord<Cells> {
  const cells: Cells = {}
  for (const [column, position] of positions) cells[column] = record.cells[position]
  return { ok: true, line: record.line, cells, raw: record.raw }
}

/** A complaint quotes the source, so it is made storable as the source's own text is. */
const legible = ({ code, column, reason }: { code: string; column: string | null; reason: string }) => ({
  code,
  column,
  reason: excerpt(reason),
})
