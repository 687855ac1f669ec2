import type { Readable } from 'node:stream'
import type { _Object, GetObjectCommandOutput, S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import type { OpenOptions } from '../open.ts'
import { SourceError } from '../source-error.ts'
import { PATIENCE, type Patience } from './access.ts'
import { s3Error } from './s3-error.ts'
import { WaitingTime } from './waiting-time.ts'

/** What a bucket tells of an object: enough to know it again. */
export interface S3Object {
  key: string
  bytes: number
  modifiedAt: Date
  etag: string | undefined
}

/** Beyond that, somebody meant a narrower prefix. */
const MOST_OBJECTS = 100_000

/** One bucket, and what is asked of it. Its errors are SourceErrors: the client itself has tried again where that could help. */
export class S3Bucket {
  readonly name: string
  /** What is waited for the server, which has its limit. */
  readonly clock: WaitingTime
  readonly #sdk: typeof import('@aws-sdk/client-s3')
  readonly #client: S3Client
  readonly #signal: AbortSignal

  private constructor(name: string, sdk: typeof import('@aws-sdk/client-s3'), { access, signal }: OpenOptions) {
    this.name = `s3://${name}`
    this.clock = new WaitingTime(this.name, access.maxSeconds)
    this.#sdk = sdk
    this.#client = new sdk.S3Client(clientOptions(access.s3, access.patience ?? PATIENCE))
    this.#signal = signal
  }

  static async open(name: string, options: OpenOptions): Promise<S3Bucket> {
    // Large, and of no use to any other load.
    return new S3Bucket(name, await import('@aws-sdk/client-s3'), options)
  }

  /** @returns undefined when there is none of that key */
  async object(key: string): Promise<S3Object | undefined> {
    const command = new this.#sdk.HeadObjectCommand({ Bucket: this.#bucket, Key: key })
    const head = await this.#send(this.#client.send(command, { abortSignal: this.#signal }), key).catch((error) => {
      if (error.cause?.$metadata?.httpStatusCode === 404) return undefined
      throw error
    })
    return head && objectOf(key, { ...head, Size: head.ContentLength })
  }

  /** All objects below a prefix, but for placeholders of folders and hidden files. */
  async below(prefix: string): Promise<S3Object[]> {
    const objects: S3Object[] = []
    let token: string | undefined
    do {
      const asked = { Bucket: this.#bucket, Prefix: prefix, ContinuationToken: token }
      const command = new this.#sdk.ListObjectsV2Command(asked)
      const page = await this.#send(this.#client.send(command, { abortSignal: this.#signal }), prefix)
      for (const found of page.Contents ?? [])
        if (found.Key !== undefined && isFile(found.Key)) objects.push(objectOf(found.Key, found))
      if (objects.length > MOST_OBJECTS)
        throw new SourceError(
          `${this.name}/${prefix} has more than ${MOST_OBJECTS.toLocaleString('en')} objects: name a narrower prefix`,
        )
      token = page.IsTruncated ? page.NextContinuationToken : undefined
    } while (token !== undefined)
    return objects
  }

  /** Bytes of an object from `start` up to, not including, `end`; it must still be the same object. */
  async part(object: S3Object, start: number, end: number, signal: AbortSignal): Promise<Readable> {
    const asked = { Bucket: this.#bucket, Key: object.key, Range: `bytes=${start}-${end - 1}`, IfMatch: object.etag }
    const command = new this.#sdk.GetObjectCommand(asked)
    const answer = await this.#send(this.#client.send(command, { abortSignal: signal }), object.key)
    const body = answer.Body as Readable
    const wrong = wrongPart(answer, object, start, end, `${this.name}/${object.key}`)
    if (!wrong) return body
    body.destroy()
    throw wrong
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }

  get #bucket(): string {
    return this.name.slice('s3://'.length)
  }

  async #send<Output>(request: Promise<Output>, key: string): Promise<Output> {
    const since = performance.now()
    try {
      return await request
    } catch (error) {
      const stopped = (error as Error).name === 'AbortError'
      throw stopped ? error : s3Error(error as Error, `${this.name}/${key}`)
    } finally {
      this.clock.add(performance.now() - since)
    }
  }
}

function clientOptions(
  { endpoint, region }: { endpoint: string | undefined; region: string },
  { tries, connectMs, stallMs }: Patience,
): S3ClientConfig {
  return {
    region,
    maxAttempts: tries,
    requestHandler: { connectionTimeout: connectMs, requestTimeout: stallMs, throwOnRequestTimeout: true },
    // The client's check of a body would hide from us that its connection broke; TLS and the ETag vouch for the bytes.
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(endpoint === undefined ? { followRegionRedirects: true } : { endpoint, forcePathStyle: true }),
  }
}

const objectOf = (
  key: string,
  { Size, LastModified, ETag }: Pick<_Object, 'Size' | 'LastModified' | 'ETag'>,
): S3Object => ({ key, bytes: Size ?? 0, modifiedAt: LastModified ?? new Date(), etag: ETag })

/** Neither a placeholder for a folder nor a hidden file. */
const isFile = (key: string) => key !== '' && !key.endsWith('/') && !/(^|\/)\.[^/]*$/.test(key)

/** What is wrong with an answer to a request for a part: not every server knows If-Match, or parts. */
function wrongPart(
  { ETag, ContentRange, ContentLength }: GetObjectCommandOutput,
  { bytes, etag }: S3Object,
  start: number,
  end: number,
  name: string,
): SourceError | undefined {
  const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange ?? '') ?? []
  if (etag !== ETag || (total !== undefined && Number(total) !== bytes))
    return new SourceError(`${name} changed while it was read`, true)
  const whole = ContentRange === undefined && start === 0 && ContentLength === end
  if (whole || Number(from) === start) return undefined
  return new SourceError(`${name}: the server does not give parts of objects`)
}
