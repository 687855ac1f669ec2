import { z } from 'zod'
import { factsOf, type Report } from '../queries/report.ts'

/** A column as users are told of it. */
export const columnShape = z.strictObject({
  name: z.string(),
  type: z.string(),
  nullable: z.boolean(),
  unit: z.string().nullable(),
  definition: z.string(),
})

/** What the columns of a report are: all, or those that are named. */
export const describedColumns = (report: Report, names = Object.keys(report.row.shape)) =>
  names.map((name) => ({ name, ...columnOf((report.row.shape as z.ZodRawShape)[name] as z.ZodType) }))

function columnOf(type: z.ZodType) {
  const { description, unit = null } = factsOf(type)
  // Null stands in a list of types or among alternatives, as the library finds it shorter.
  const { anyOf, ...whole } = z.toJSONSchema(type, { io: 'output' }) as JsonType & { anyOf?: JsonType[] }
  const alternatives = (anyOf ?? [whole]).flatMap(({ type: kinds, format }) =>
    [kinds].flat().map((kind) => (kind === 'null' ? kind : (format ?? kind))),
  )
  const kinds = alternatives.filter((kind) => kind !== 'null')
  return { type: kinds[0] ?? 'object', nullable: kinds.length < alternatives.length, unit, definition: description }
}

interface JsonType {
  type?: string | string[]
  format?: string
}
