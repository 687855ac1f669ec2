import { createGunzip } from 'node:zlib'
import type { Entry } from '../open.ts'
import { SourceError } from '../source-error.ts'
import type { Allowance } from './allowance.ts'
import { collected, HEAD_BYTES } from './head.ts'
import { unpacked } from './unpack.ts'

/** The file packed in a `.gz`, of one member or several. Its size is not known before it is read: the trailer tells it modulo 4 GiB. */
export function gunzipped(packed: Entry, allowance: Allowance): Entry {
  const { name, base } = packed
  async function* read(signal: AbortSignal, onTaken?: (bytes: number) => void): AsyncGenerator<Buffer> {
    const gunzip = createGunzip({ chunkSize: 128 << 10 })
    let taken = 0
    let lastNonZero = -1
    const source = (async function* () {
      for await (const chunk of packed.read(signal, onTaken)) {
        const at = chunk.findLastIndex((byte) => byte !== 0)
        if (at >= 0) lastNonZero = taken + at
        taken += chunk.length
        yield chunk
      }
    })()
    try {
      let made = 0
      for await (const chunk of unpacked(keptOpen(source), gunzip, name)) {
        made += chunk.length
        allowance.assertRatio(name, taken, made)
        allowance.take(name, made)
        yield chunk
      }
      // At a zero byte zlib stops in silence: padding is common, but anything behind it was meant to be read.
      for await (const _ of source);
      if (lastNonZero >= gunzip.bytesWritten)
        throw new SourceError(`${name} is damaged: behind its gzip data are bytes that are none`)
    } finally {
      await source.return()
    }
  }
  return {
    ...packed,
    base: base.replace(/\.gz$/i, ''),
    content: undefined,
    head: (signal) => collected(read(signal), HEAD_BYTES),
    read,
  }
}

/** The same chunks; leaving early does not close where they come from. */
async function* keptOpen(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
}
