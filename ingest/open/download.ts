import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open, statfs } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import path from 'node:path'
import { SourceError } from '../source-error.ts'
import { PATIENCE } from './access.ts'
import { BackOff } from './back-off.ts'
import { refusalOf, validatorOf } from './http-answer.ts'
import { get, type RequestOptions, troubleOf } from './http-request.ts'
import { PassingTrouble } from './passing-trouble.ts'
import { steadily } from './steadily.ts'

export interface DownloadOptions extends RequestOptions {
  /** @param total undefined when the server does not tell */
  onProgress: (bytes: number, total: number | undefined) => void
}

export interface Downloaded {
  bytes: number
  sha256: string
  tries: number
  /** Of the last answer: what it says of the file. */
  headers: IncomingMessage['headers']
}

/**
 * Brings the file of a URL onto this disk. A download that breaks off goes on where it was, if the server can tell that the
 * file is still the same; otherwise it begins anew.
 * @throws SourceError
 */
export async function download(url: URL, file: string, options: DownloadOptions): Promise<Downloaded> {
  const seconds = options.access.maxSeconds
  const late = AbortSignal.timeout(seconds * 1000)
  const signal = AbortSignal.any([options.signal, late])
  const handle = await open(file, 'w')
  try {
    return await new Download(url, file, handle, { ...options, signal }).run()
  } catch (error) {
    if (error instanceof SourceError || !late.aborted || options.signal.aborted) throw error
    const sentence = `${options.name} took longer than the ${Math.ceil(seconds / 60)} minutes that SOURCE_TIMEOUT_MINUTES allows`
    throw new SourceError(sentence, true, { cause: error })
  } finally {
    await handle.close()
  }
}

class Download {
  readonly #url: URL
  readonly #file: string
  readonly #handle: FileHandle
  readonly #options: DownloadOptions
  #have = 0
  #digest: Hash = createHash('sha256')
  #total: number | undefined
  /** What proves, in a request for the rest, that it is the rest of the same file. */
  #validator: string | undefined

  constructor(url: URL, file: string, handle: FileHandle, options: DownloadOptions) {
    this.#url = url
    this.#file = file
    this.#handle = handle
    this.#options = options
  }

  async run(): Promise<Downloaded> {
    const { name, signal, access } = this.#options
    const backOff = new BackOff(name, access.patience ?? PATIENCE, signal)
    let most = 0
    for (let tries = 1; ; tries++) {
      try {
        const headers = await this.#attempt()
        return { bytes: this.#have, sha256: this.#digest.digest('hex'), tries, headers }
      } catch (error) {
        if (!(error instanceof PassingTrouble)) throw error
        if (this.#have > most) backOff.progressed()
        most = Math.max(most, this.#have)
        await backOff.wait(error)
      }
    }
  }

  async #attempt(): Promise<IncomingMessage['headers']> {
    if (this.#validator === undefined) await this.#beginAnew()
    const resuming = this.#have > 0
    const { answer } = await get(
      this.#url,
      {
        accept: '*/*',
        // The file as it lies there: a part of another encoding of it could not be gone on with.
        'accept-encoding': 'identity',
        'user-agent': 'reelhouse',
        ...(resuming ? { range: `bytes=${this.#have}-`, 'if-range': this.#validator } : {}),
      },
      this.#options,
    )
    try {
      await this.#accept(answer, resuming)
      await this.#take(answer)
    } finally {
      answer.destroy()
    }
    return answer.headers
  }

  /** Judges the head of an answer, and gets ready for its body. */
  async #accept({ statusCode = 0, headers }: IncomingMessage, resuming: boolean): Promise<void> {
    if (statusCode === 206 && resuming) {
      if (this.#isTheRest(headers)) return
      await this.#beginAnew()
      throw new PassingTrouble('the file changed while it was fetched')
    }
    if (statusCode === 416 && resuming) {
      await this.#beginAnew()
      throw new PassingTrouble('the file became shorter while it was fetched')
    }
    if (statusCode !== 200) throw refusalOf(statusCode, headers, this.#options.name)
    await this.#beginAnew()
    this.#validator = validatorOf(headers)
    const length = headers['content-length']
    this.#total = length === undefined ? undefined : Number(length)
    await this.#assertRoom(this.#total ?? 0)
  }

  /** Servers that do not know If-Range send a part of whatever is there now. */
  #isTheRest({ etag, 'last-modified': modified, 'content-range': range }: IncomingMessage['headers']): boolean {
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range ?? '') ?? []
    const now = this.#validator?.startsWith('"') ? etag : modified
    if (Number(start) !== this.#have || (now !== undefined && now !== this.#validator)) return false
    if (total === '*') return true
    this.#total ??= Number(total)
    return this.#total === Number(total)
  }

  async #take(answer: IncomingMessage): Promise<void> {
    const { name, access, signal, onProgress } = this.#options
    const chunks = steadily(answer, (access.patience ?? PATIENCE).stallMs)
    try {
      for await (const chunk of chunks) {
        await this.#write(chunk)
        this.#assertFits(this.#have)
        onProgress(this.#have, this.#total)
      }
    } catch (error) {
      throw signal.aborted ? error : troubleOf(error as Error, name)
    }
    if (this.#total === undefined || this.#have === this.#total) return
    const sentence = `the server sent ${this.#have} of ${this.#total} bytes`
    // More than there are: the parts are not of one file.
    if (this.#have > this.#total) await this.#beginAnew()
    throw new PassingTrouble(sentence)
  }

  async #write(chunk: Buffer): Promise<void> {
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await this.#handle
        .write(chunk, written, chunk.length - written, this.#have)
        .catch((cause: NodeJS.ErrnoException) => {
          const why = cause.code === 'ENOSPC' ? 'the disk of DATA_DIR is full' : `writing failed (${cause.code})`
          throw new SourceError(`${this.#options.name} could not be fetched: ${why}`, cause.code === 'ENOSPC', {
            cause,
          })
        })
      this.#digest.update(chunk.subarray(written, written + bytesWritten))
      written += bytesWritten
      this.#have += bytesWritten
    }
  }

  async #beginAnew(): Promise<void> {
    this.#have = 0
    this.#total = undefined
    this.#validator = undefined
    this.#digest = createHash('sha256')
    await this.#handle.truncate(0)
  }

  #assertFits(bytes: number): void {
    const { name, access } = this.#options
    if (bytes <= access.maxBytes) return
    const megabytes = Math.floor(access.maxBytes / 1e6).toLocaleString('en')
    throw new SourceError(`${name} is larger than the ${megabytes} MB that SOURCE_MAX_MB allows`)
  }

  async #assertRoom(bytes: number): Promise<void> {
    this.#assertFits(bytes)
    const { bavail, bsize } = await statfs(path.dirname(this.#file))
    if (bytes <= bavail * bsize) return
    const megabytes = (count: number) => `${Math.ceil(count / 1e6)} MB`
    throw new SourceError(
      `${this.#options.name} has ${megabytes(bytes)}, and ${megabytes(bavail * bsize)} are free on the disk of DATA_DIR`,
    )
  }
}
