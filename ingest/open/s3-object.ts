import { SourceError } from '../source-error.ts'
import type { Patience } from './access.ts'
import type { Allowance } from './allowance.ts'
import { BackOff } from './back-off.ts'
import { troubleOf } from './http-request.ts'
import { PassingTrouble } from './passing-trouble.ts'
import type { RawFile } from './raw-file.ts'
import type { S3Bucket, S3Object } from './s3-bucket.ts'
import { steadily } from './steadily.ts'

/** An object as a file: a reading that breaks off asks for the rest. */
export function s3Object(
  bucket: S3Bucket,
  object: S3Object,
  name: string,
  { allowance, patience }: { allowance: Allowance; patience: Patience },
): RawFile {
  const { bytes, modifiedAt } = object
  const shown = `${bucket.name}/${object.key}`
  return {
    name,
    bytes,
    modifiedAt,
    async *range(start, end, signal) {
      allowance.assertFits(name, bytes)
      const backOff = new BackOff(shown, patience, signal)
      for (let at = start; at < end; ) {
        try {
          const body = await bucket.part(object, at, end, signal)
          for await (const chunk of steadily(body, patience.stallMs, (waited) => bucket.clock.add(waited))) {
            at += chunk.length
            allowance.take(name, at)
            backOff.progressed()
            yield chunk
          }
          if (at < end) throw new PassingTrouble(`the server sent ${at} of ${end} bytes`)
        } catch (error) {
          if (signal.aborted || error instanceof SourceError) throw error
          const trouble = troubleOf(error as Error, shown)
          if (!(trouble instanceof PassingTrouble)) throw trouble
          await backOff.wait(trouble)
        }
      }
    },
  }
}
