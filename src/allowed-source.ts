import { realpath } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { liesWithin } from '../ingest/open/lies-within.ts'
import { isNamedHost } from '../ingest/open/named-host.ts'
import type { Config } from './config.ts'
import { Problem } from './errors.ts'

/**
 * A token lets its holder load what the server's owner set out for that, and not read the server's disk or network: a named
 * source must be a configured one, lie in one of SOURCE_ROOTS, links followed, or be on one of SOURCE_HOSTS. Of S3 it is
 * buckets and prefixes that are named there (`s3://bucket/films/`); what lies below a configured prefix is allowed too.
 * @throws Problem 403
 */
export async function assertAllowed(source: string, config: Config): Promise<void> {
  const configured = [...config.sources.values()]
  if (configured.includes(source)) return
  const [, scheme] = /^([a-z][a-z\d+.-]+):\/\//i.exec(source) ?? []
  if (scheme?.toLowerCase() === 's3') return assertAllowedS3(source, [...config.sourceHosts, ...configured])
  if (scheme !== undefined && scheme.toLowerCase() !== 'file') {
    if (URL.canParse(source) && isNamedHost(new URL(source), config.sourceHosts)) return
    throw new Problem(403, 'The source’s host is none of SOURCE_HOSTS on the server.')
  }
  const refusal = new Problem(403, 'The source lies in none of SOURCE_ROOTS on the server.')
  if (source.includes('\0')) throw refusal
  if (!(await liesWithin(await realPlace(localPath(source, refusal)), config.sourceRoots))) throw refusal
}

/** A key is nothing but text, so what begins with a prefix lies below it. */
function assertAllowedS3(source: string, named: string[]): void {
  for (const each of named) {
    const [, bucket, prefix] = /^s3:\/\/([^/]+)(?:\/(.*))?$/is.exec(each) ?? []
    if (bucket === undefined) continue
    const below = prefix ? `s3://${bucket}/${prefix}` : `s3://${bucket}/`
    if (source === each || (below.endsWith('/') && `${source}/`.startsWith(below))) return
  }
  throw new Problem(403, 'The source’s bucket is none of SOURCE_HOSTS on the server.')
}

/**
 * The path with links followed as far as it exists, so that the answer is the same whether a file is there or not: it must
 * not tell what is on the disk.
 */
async function realPlace(place: string): Promise<string> {
  const parent = path.dirname(place)
  const real = await realpath(place).catch(() => undefined)
  return real ?? (parent === place ? place : path.join(await realPlace(parent), path.basename(place)))
}

function localPath(source: string, refusal: Problem): string {
  try {
    return /^file:/i.test(source) ? fileURLToPath(source) : path.resolve(source)
  } catch {
    throw refusal
  }
}
