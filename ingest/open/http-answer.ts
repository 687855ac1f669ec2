import type { IncomingHttpHeaders } from 'node:http'
import { SourceError } from '../source-error.ts'
import { PassingTrouble } from './passing-trouble.ts'

/** What the head of an answer means for whoever wants the file. */

/** Statuses by which a server says that it may know better later; 500 and above are too. */
const PASSING = new Set([408, 425, 429])

const WHY: Record<number, string> = {
  401: 'the server refuses it (401)',
  403: 'the server refuses it (403)',
  404: 'the server has no such file (404)',
  410: 'the server has no such file (410)',
}

/** An answer that brings no file, as the error that it is. */
export function refusalOf(status: number, { 'retry-after': retryAfter }: IncomingHttpHeaders, name: string): Error {
  if (status >= 500 || PASSING.has(status))
    return new PassingTrouble(`the server answered ${status}`, { retryAfterMs: milliseconds(retryAfter) })
  return new SourceError(`${name}: ${WHY[status] ?? `the server answered ${status}`}`)
}

/**
 * A strong ETag, or a Last-Modified that lies at least a second before the answer: within one second a file may be written
 * twice (RFC 9110, 8.8.2.2).
 */
export function validatorOf({ etag, date, 'last-modified': modified }: IncomingHttpHeaders): string | undefined {
  if (etag?.startsWith('"')) return etag
  return modified !== undefined && Date.parse(date ?? '') - Date.parse(modified) >= 1000 ? modified : undefined
}

/** Retry-After, in seconds or as a date. */
function milliseconds(retryAfter: string | undefined): number {
  if (retryAfter === undefined) return 0
  const asked = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - Date.now()
  return asked > 0 ? asked : 0
}
