import { SourceError } from '../source-error.ts'
import { troubleOf } from './http-request.ts'
import { PassingTrouble } from './passing-trouble.ts'

/** An error of the S3 client, which has tried again where that could help, as a sentence. */
export function s3Error(error: Error, name: string): SourceError {
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
  const saying = (why: string, retriable = false) => new SourceError(`${name}: ${why}`, retriable, { cause: error })
  if (error.name === 'CredentialsProviderError')
    return saying('no credentials for S3 were found (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile)')
  if (error.name === 'NoSuchBucket') return saying('there is no such bucket')
  if (error.name === 'PermanentRedirect' || status === 301)
    return saying('the bucket is in another region; S3_REGION names it')
  if (status === 404) return saying('there is no such object')
  if (status === 412) return new SourceError(`${name} changed while it was read`, true, { cause: error })
  if (error.name === 'TimeoutError' && (error as NodeJS.ErrnoException).code === 'ETIMEDOUT')
    return saying('the server did not answer in time', true)
  if (status === undefined) {
    const trouble = troubleOf(error, name)
    return trouble instanceof PassingTrouble ? saying(trouble.message, true) : (trouble as SourceError)
  }
  const passing = status >= 500 || status === 429
  return saying(passing ? `S3 answered ${status}` : `S3 refuses it (${status} ${error.name})`, passing)
}
