import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { fileURLToPath } from 'node:url'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { Test } from 'tap'
import { temporaryFolder } from './build.ts'
import { listening } from './file-server.ts'

/** An S3-compatible server of the test's own, with a line to it that can be cut. */
export interface S3Server {
  /** As S3_ENDPOINT names it. */
  endpoint: string
  put(key: string, body: string | Buffer): Promise<void>
  /** What came over the line: method, path and range of each request. */
  requests: string[]
  /** What happens to each answer to a GET of an object: bytes that get through, and whether the line then breaks or stalls. */
  line: { bytes: number; broken: 'cut' | 'stall' }
}

export const BUCKET = 'films'
export const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' }

export async function s3Server(t: Test): Promise<S3Server> {
  const port = await start(t)
  const requests: string[] = []
  const line: S3Server['line'] = { bytes: Number.POSITIVE_INFINITY, broken: 'cut' }
  const proxy = net.createServer((client) => {
    const upstream = net.connect(port, '127.0.0.1')
    let left = Number.POSITIVE_INFINITY
    client.on('data', (bytes) => {
      const [, request] = /^(\w+ \S+) HTTP/.exec(bytes.toString('latin1')) ?? []
      const [, range = ''] = /^range: (\S+)/im.exec(bytes.toString('latin1')) ?? []
      if (request) requests.push(`${request} ${range}`.trim())
      if (request) left = /^GET \/films\/[^?]/.test(request) ? line.bytes : Number.POSITIVE_INFINITY
      upstream.write(bytes)
    })
    upstream.on('data', (bytes) => {
      if (left > 0) client.write(bytes.subarray(0, left))
      left -= bytes.length
      if (left <= 0 && line.broken === 'cut') client.destroySoon()
    })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  const endpoint = `http://${await listening(proxy)}`
  t.teardown(() => proxy.close())

  const client = new S3Client({
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${port}`,
    forcePathStyle: true,
    credentials: { accessKeyId: CREDENTIALS.AWS_ACCESS_KEY_ID, secretAccessKey: CREDENTIALS.AWS_SECRET_ACCESS_KEY },
  })
  t.teardown(() => client.destroy())
  return {
    endpoint,
    requests,
    line,
    async put(key, body) {
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }))
    },
  }
}

/** A process of its own: its pages are encrypted by DES, which Node's OpenSSL has to be told to allow. */
async function start(t: Test): Promise<number> {
  const program = fileURLToPath(new URL('../bin/s3rver.js', import.meta.resolve('s3rver')))
  const options = ['--directory', await temporaryFolder(t), '--address', '127.0.0.1', '--port', '0', '--silent']
  const args = ['--openssl-legacy-provider', program, ...options, '--no-vhost-buckets', '--configure-bucket', BUCKET]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exited
  })
  let said = ''
  for await (const text of child.stdout.setEncoding('utf8')) {
    said += text
    const [, port] = /listening on [\d.]+:(\d+)/.exec(said) ?? []
    if (port) return Number(port)
  }
  throw new Error(`s3rver ended: ${said}`)
}
