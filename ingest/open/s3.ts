import type { Entry, OpenOptions, Place } from '../open.ts'
import { SourceError } from '../source-error.ts'
import { PATIENCE } from './access.ts'
import type { Allowance } from './allowance.ts'
import { entriesOf } from './raw-file.ts'
import { S3Bucket } from './s3-bucket.ts'
import { s3Object } from './s3-object.ts'

/**
 * An object, or the objects below a prefix at any depth. Nothing of them is copied to this disk: S3 gives any part of an
 * object, so a reading that breaks off asks for the rest, and of an archive its directory and one file.
 * @param uri `s3://bucket`, `s3://bucket/key` or `s3://bucket/prefix/`
 */
export async function openS3(uri: string, allowance: Allowance, options: OpenOptions): Promise<Place> {
  const { bucket: bucketName, key } = s3Location(uri)
  const bucket = await S3Bucket.open(bucketName, options)
  const close = () => bucket.close()
  const { access, signal } = options
  const how = { allowance, patience: access.patience ?? PATIENCE }
  try {
    const named = key === '' || key.endsWith('/') ? undefined : await bucket.object(key)
    if (named) {
      const file = s3Object(bucket, named, key.slice(key.lastIndexOf('/') + 1), how)
      return { name: file.name, single: !/\.zip$/i.test(key), entries: await entriesOf(file, allowance, signal), close }
    }
    const prefix = key === '' || key.endsWith('/') ? key : `${key}/`
    const name = `${bucket.name}/${prefix}`
    const entries: Entry[] = []
    for (const object of await bucket.below(prefix)) {
      const file = s3Object(bucket, object, object.key.slice(prefix.length), how)
      entries.push(...(await entriesOf(file, allowance, signal)))
    }
    if (entries.length === 0) throw new SourceError(`${name}: there are no objects`)
    return { name, single: false, entries, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** A key is taken as it stands, without URL escapes. */
export function s3Location(uri: string): { bucket: string; key: string } {
  const [, bucket, key = ''] = /^s3:\/\/([\w.-]{3,255})(?:\/(.*))?$/is.exec(uri) ?? []
  if (bucket !== undefined) return { bucket, key }
  throw new SourceError('an S3 source is written s3://bucket/key or s3://bucket/prefix/')
}
