import { createHash, type Hash, hash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { type RawBuilder, sql, type Transaction } from 'kysely'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { Source, SourceFile } from './choose.ts'
import type { FileCounts } from './files.ts'
import type { Ledger, RejectRow } from './ledger.ts'
import { excerpt, type RawRecord, type SoundRecord, UnreadableFileError, wholeText } from './parse.ts'
import { parseCsv } from './parse-csv.ts'
import { parseJsonArray } from './parse-json.ts'
import { parseJsonLines } from './parse-json-lines.ts'
import { readBulk } from './read-bulk.ts'
import { readRecord } from './record.ts'
import type { Stager } from './stage.ts'
import type { Bulk, RecordPlace } from './subject.ts'
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
  readonly #source: Source
  readonly #stager: Stager
  readonly #ledger: Ledger
  readonly #signal: AbortSignal
  readonly #onProgress: ((progress: Progress) => void) | undefined
  #rejects: RejectRow[] = []
  #record = 0
  #bytes = 0
  readonly #bytesTotal: number
  readonly #startedAt = performance.now()

  constructor(source: Source, stager: Stager, ledger: Ledger, options: ReadingOptions) {
    this.#source = source
    this.#stager = stager
    this.#ledger = ledger
    this.#signal = options.signal
    this.#onProgress = options.onProgress
    this.#bytesTotal = source.files.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Stages all files but those that go straight into their fact. */
  async stageAll(): Promise<FileCounts[]> {
    const files: FileCounts[] = []
    for (const [index, file] of this.#source.files.entries())
      if (!bulkOf(file)) files.push(await this.#stage(file, file.fileNo ?? index + 1))
    await this.#stager.finish()
    await this.#enterRejects()
    return files
  }

  /**
   * Copies the others into the load's own partitions, which were made in this transaction.
   * @param client the connection of the transaction
   */
  async copyAll(
    trx: Transaction<unknown>,
    client: pg.Client,
    table: (fact: string) => RawBuilder<unknown>,
  ): Promise<FileCounts[]> {
    const files: FileCounts[] = []
    for (const [index, file] of this.#source.files.entries()) {
      const bulk = bulkOf(file)
      if (bulk) files.push(await this.#copy(file, bulk, index + 1, trx, client, table(bulk.fact)))
    }
    await this.#enterRejects()
    return files
  }

  /**
   * Stages records that waited for their film, as records of no file of this load.
   * @param file the name under which the ledger has what is wrong with them
   * @returns how many could be read
   */
  async stageWaiting(file: Named, records: AsyncIterable<RawRecord<Cells>[]>): Promise<number> {
    const counts = { fileNo: 0, read: 0, loaded: 0, rejected: 0, warnings: 0 }
    for await (const batch of records) {
      for (const record of batch)
        this.#take(record, file, counts, (row, at) =>
          file.of.family.stage(this.#stager, row, { ...at, record: -at.record }),
        )
      await this.#stager.drain()
    }
    await this.#stager.finish()
    await this.#enterRejects()
    return counts.loaded
  }

  async #stage(file: SourceFile, fileNo: number): Promise<FileCounts> {
    const digest = createHash('sha256')
    const counts = nothingYet(file, fileNo)
    for await (const batch of await this.#records(file, this.#counted(file, digest, counts), counts)) {
      for (const record of batch)
        this.#take(record, file, counts, (row, at) => file.of.family.stage(this.#stager, row, at))
      if (this.#rejects.length >= REJECTS_AT_ONCE) await this.#enterRejects()
      await this.#stager.drain()
      this.#report(file)
    }
    counts.sha256 = digest.digest('hex')
    return counts
  }

  /** One COPY a file, so that rows lie in the order of its lines; table `bulk_line` says where their numbers part. */
  async #copy(
    file: SourceFile,
    bulk: Bulk<unknown>,
    fileNo: number,
    trx: Transaction<unknown>,
    client: pg.Client,
    fact: RawBuilder<unknown>,
  ): Promise<FileCounts> {
    const digest = createHash('sha256')
    const counts = nothingYet(file, fileNo)
    const table = await readBulk(this.#counted(file, digest, counts), file, bulk, this.#signal)
    counts.columns = [...table.columns]
    const places = Object.keys(bulk.cells)
    const order = table.sent.map((column) => places.indexOf(column))
    const parting = { rows: [] as number[], shifts: [] as number[] }
    let rows = 0
    const lands = (line: number) => {
      if (line - rows === (parting.shifts.at(-1) ?? 0)) return
      parting.rows.push(rows)
      parting.shifts.push(line - rows)
    }
    const reading = this
    async function* sent(): AsyncGenerator<Buffer | string> {
      for await (const piece of table.pieces) {
        if (piece.clean) {
          lands(piece.line)
          rows += piece.lines
          counts.read += piece.lines
          counts.loaded += piece.lines
          reading.#record += piece.lines
          yield piece.bytes
        } else {
          let lines = ''
          for (const record of piece.records)
            reading.#take(record, file, counts, (row, { line }) => {
              lands(line)
              rows += 1
              const cells = bulk.copied(row)
              lines += `${order.map((place) => cells[place]).join(',')}\n`
            })
          if (reading.#rejects.length >= REJECTS_AT_ONCE) await reading.#enterRejects()
          if (lines !== '') yield lines
        }
        reading.#report(file)
      }
    }
    const columns = sql.join(table.sent.map((column) => sql.ref((bulk.cells[column] as { column: string }).column)))
    // Frozen: nobody has to visit the rows again to find that all may see them.
    const copy = sql`copy ${fact} (${columns}) from stdin with (delimiter ',', freeze)`.compile(trx)
    await pipeline(sent(), client.query(copyFrom(copy.sql)))
    await sql`create temporary table if not exists bulk_line (file_no smallint, first_row bigint, shift bigint) on commit drop`.execute(
      trx,
    )
    await sql`
      insert into bulk_line (file_no, first_row, shift)
      select ${fileNo}::smallint, * from unnest(${parting.rows}::bigint[], ${parting.shifts}::bigint[])`.execute(trx)
    await sql`create index if not exists bulk_line_by_row on bulk_line (first_row)`.execute(trx)
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
    if (file.of.read === 'json-lines') return parseJsonLines(bytes, options)
    const wanted = [...file.of.columns, ...file.of.optional]
    const table = await parseCsv(bytes, { ...options, required: file.of.columns })
    counts.columns = [...table.columns]
    if (file.of.fits && !file.of.fits(counts.columns)) {
      await table.records.return(undefined)
      throw new UnreadableFileError(`${file.name} does not have the columns of ${file.of.fileName}`, file.name, 1)
    }
    const positions = (file.of.fits ? counts.columns : wanted).flatMap((column) => {
      const position = table.index.get(column)
      return position === undefined ? [] : [[column, position] as const]
    })
    return (async function* () {
      for await (const batch of table.records)
        yield batch.map((record) => (record.ok ? byColumn(record, positions) : record))
    })()
  }

  #take(record: RawRecord<Cells>, file: Named, counts: Taken, keep: (row: unknown, at: RecordPlace) => void): void {
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
        records: warning.times ?? 1,
        ...legible(warning),
      })
    counts.warnings += reading.warnings.reduce((sum, { times = 1 }) => sum + times, 0)
    counts.loaded += 1
    const digest = hash('sha1', raw, 'base64')
    const unreadable = reading.warnings.map(({ column }) => column)
    keep(reading.row, { record: this.#record, line: record.line, fileNo: counts.fileNo, digest, raw, unreadable })
  }

  #leaveOut(file: Named, line: number, why: { code: string; column: string | null; reason: string }, raw: string) {
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
type Named = Pick<SourceFile, 'name' | 'of'>
type Taken = Pick<FileCounts, 'fileNo' | 'read' | 'loaded' | 'rejected' | 'warnings'>

/** How the file goes straight into its fact; a few records that are read again need no such way. */
const bulkOf = (file: SourceFile) => (file.records ? undefined : file.of.bulk)

const nothingYet = (file: SourceFile, fileNo: number): FileCounts => ({
  fileNo,
  name: file.name,
  family: file.of.family.name,
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
})

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
