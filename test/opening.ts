import type { Test } from 'tap'
import { PATIENCE, type SourceAccess } from '../ingest/open/access.ts'
import { type OpenOptions, type OpenSource, openSource } from '../ingest/open.ts'
import type { Subject } from '../ingest/subject.ts'
import { loadSubjects } from '../src/subjects.ts'
import { temporaryFolder } from './build.ts'

/** Sources opened as a load opens them, without a warehouse. */
export interface Opening {
  access: SourceAccess
  open(uri: string, options?: Partial<OpenOptions>): Promise<OpenSource>
  /** Each chosen file's name, and its whole content. */
  read(uri: string, options?: Partial<OpenOptions>): Promise<Record<string, string>>
  /** The sentence of the SourceError that opening and reading ends with. */
  refusal(uri: string, options?: Partial<OpenOptions>): Promise<{ message: string; retriable: boolean }>
}

export async function opening(t: Test, settings: Partial<SourceAccess> = {}): Promise<Opening> {
  const subject = (await loadSubjects()).get('movies') as Subject
  const access: SourceAccess = {
    downloads: `${await temporaryFolder(t)}/downloads/load-1`,
    hosts: [],
    roots: [],
    configured: [],
    s3: { endpoint: undefined, region: 'us-east-1' },
    maxBytes: 1e9,
    maxSeconds: 60,
    // Tests wait in milliseconds for what people wait for in seconds.
    patience: { ...PATIENCE, firstWaitMs: 10, longestWaitMs: 40, connectMs: 2000, stallMs: 400 },
    ...settings,
  }
  const { signal } = new AbortController()
  const open: Opening['open'] = (uri, options = {}) =>
    openSource(subject, uri, { access, signal, trusted: true, format: 'the-movies-dataset', ...options })
  const read: Opening['read'] = async (uri, options) => {
    const source = await open(uri, options)
    try {
      const contents: Record<string, string> = {}
      for (const file of source.files) contents[file.name] = await text(file.read(signal))
      return contents
    } finally {
      await source.close()
    }
  }
  return {
    access,
    open,
    read,
    async refusal(uri, options) {
      const error = await read(uri, options).then(
        (contents) => ({
          name: 'none',
          message: `was read: ${JSON.stringify(contents).slice(0, 500)}`,
          retriable: false,
        }),
        (error) => error,
      )
      if (!('retriable' in error)) throw error
      return { message: error.message, retriable: error.retriable }
    },
  }
}

async function text(bytes: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of bytes) parts.push(part)
  return Buffer.concat(parts).toString()
}
