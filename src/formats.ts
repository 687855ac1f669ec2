import type { FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import { Problem } from './errors.ts'
import type { Format } from './format.ts'
import { csv } from './formats/csv.ts'
import { json } from './formats/json.ts'
import { ndjson } from './formats/ndjson.ts'
import { parquet } from './formats/parquet.ts'

/** Every format, in the order of preference. */
export const FORMATS: readonly Format[] = [json, csv, ndjson, parquet]

export const formatNames = FORMATS.map(({ name }) => name) as [string, ...string[]]

/** `a, b and c` */
export const listed = (names: readonly string[], word: 'and' | 'or') =>
  names.length > 1 ? `${names.slice(0, -1).join(', ')} ${word} ${names.at(-1)}` : names.join()

/** Those that stream all rows when there is no limit, as people call them. */
export const streamed = listed(
  FORMATS.filter(({ whole }) => whole).map(({ title }) => title),
  'and',
)

/**
 * The format that is asked for by name, else the one that `Accept` likes best.
 * @param what comes in them: `Reports`
 * @throws Problem 406
 */
export function formatFor(
  request: FastifyRequest,
  name: string | undefined,
  formats: readonly Format[],
  what: string,
): Format {
  const types = formats.map(({ mediaType }) => mediaType)
  const type = name === undefined ? new Negotiator(request.raw).mediaType(types) : undefined
  const format = formats.find((one) => (name === undefined ? one.mediaType === type : one.name === name))
  if (!format) throw new Problem(406, `${what} come as ${listed(types, 'and')}.`)
  return format
}
