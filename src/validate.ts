import { z } from 'zod'
import { type ParameterProblem, Problem } from './errors.ts'

/** @returns the parsed value, or a problem that names each parameter that is wrong */
export function validate(schema: z.ZodType, data: unknown): { value: unknown } | { error: Problem } {
  const result = schema.safeParse(data ?? {})
  if (result.success) return { value: result.data }
  const errors = result.error.issues.flatMap((issue): ParameterProblem[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({
        parameter: key,
        detail: `is not a parameter here; there is ${namesOf(schema)}`,
      }))
    return [{ parameter: String(issue.path[0] ?? 'body'), detail: sentenceOf(issue) }]
  })
  const detail = errors.map((error) => `${error.parameter} ${error.detail}`).join('; ')
  return { error: new Problem(400, `${detail}.`, { errors }) }
}

/** Our own messages continue a sentence that begins with the parameter's name; zod's own are put so that they do, too. */
function sentenceOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid'))
    return issue.input === undefined && /received undefined$/.test(issue.message)
      ? 'is missing'
      : `takes ${article(issue.expected)}`
  if (issue.code === 'invalid_value' && issue.message.startsWith('Invalid'))
    return `takes ${issue.values.map(String).join(', ')}`
  return issue.message
}

const article = (type: string) => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`)

function namesOf(schema: z.ZodType): string {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return namesOf(schema.unwrap() as z.ZodType)
  return schema instanceof z.ZodObject ? Object.keys(schema.shape).join(', ') || 'none' : 'none'
}
