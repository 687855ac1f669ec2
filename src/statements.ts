import { isDeepStrictEqual } from 'node:util'
import { CompiledQuery } from 'kysely'
import type { ReadonlyCompiledQuery } from 'kysely/readonly'
import { LRUCache } from 'lru-cache'
import type { ReadPage } from '../queries/page.ts'
import type { Question } from './question.ts'

/**
 * Questions that differ in nothing but numbers are the same statement with other parameters: one company's years and another's. To build and
 * write it takes a server most of its time for an answer, so a statement is written once for all of them.
 *
 * That it is the same is not taken for granted, as a report may do with a number whatever it likes. When a kind of question comes again, its
 * statement is written with stand-ins for the numbers, once huge ones and once zeros. Only if both are the text that the question itself has,
 * each stand-in is a parameter as it is, and all other parameters are the same, is the text kept. So a report that computes with a number,
 * or asks whether it is above something, is written anew each time, and is right.
 */
export type Statement = ReadonlyCompiledQuery<ReadPage>

/** Writes the statement of a question. */
type Write = (question: Question) => Statement

/** Its text alone: the builder's nodes that it was written from are some ten times as large. */
interface Pattern {
  sql: string
  parameters: readonly unknown[]
  /** Of each parameter, which number of the question it is. */
  numbers: (number | undefined)[]
}

/** Kinds of question that are remembered, and what is known of them. */
const KINDS = 1000
const kinds = new LRUCache<string, Pattern | 'seen' | 'written anew'>({ max: KINDS })

/** The statement of the question, as `write` would write it. */
export function statementFor(question: Question, write: Write): Statement {
  const kind = kindOf(question)
  const known = kind === undefined ? 'written anew' : kinds.get(kind)
  if (typeof known === 'object') return filled(known, numbersOf(question))
  const statement = write(question)
  if (kind !== undefined && known === undefined) kinds.set(kind, 'seen')
  if (kind !== undefined && known === 'seen') kinds.set(kind, patternOf(question, statement, write) ?? 'written anew')
  return statement
}

function filled({ sql, parameters, numbers }: Pattern, values: number[]): Statement {
  const own = parameters.map((parameter, at) => {
    const number = numbers[at]
    return number === undefined ? parameter : values[number]
  })
  return CompiledQuery.raw(sql, own) as Statement
}

/** Larger than any number that a parameter takes, each another one. */
const HUGE = 2 ** 52

/** @returns nothing where the statement is another one for other numbers */
function patternOf(question: Question, statement: Statement, write: Write): Pattern | undefined {
  const values = numbersOf(question)
  const huge = write(withNumbers(question, (nth) => HUGE + nth))
  const zeros = write(withNumbers(question, () => 0))
  const numbers = huge.parameters.map((parameter) =>
    typeof parameter === 'number' && parameter >= HUGE ? parameter - HUGE : undefined,
  )
  const pattern = { sql: statement.sql, parameters: statement.parameters, numbers }
  const isLike = (other: Statement, values: number[]) =>
    other.sql === statement.sql && isDeepStrictEqual(filled(pattern, values).parameters, other.parameters)
  const holds =
    isLike(statement, values) &&
    isLike(
      huge,
      values.map((_, nth) => HUGE + nth),
    ) &&
    isLike(
      zeros,
      values.map(() => 0),
    )
  return holds ? pattern : undefined
}

/** All of the question that its statement depends on, but for its numbers; none where it is seldom asked again. */
function kindOf({ served, snapshot, params, page, format, count }: Question): string | undefined {
  if (page.after) return undefined
  const numberless = Object.entries(params).map(([name, value]) => [name, mapped(value, () => '#')])
  const { report, name } = served
  const { id, rollups } = snapshot
  return JSON.stringify([
    name,
    report.version,
    id,
    rollups,
    numberless,
    page.sort,
    page.fields,
    page.limit,
    format.name,
    count,
  ])
}

/** A parameter's value, or its list of values, with other numbers. */
function mapped(value: unknown, of: (number: number) => unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => mapped(one, of))
  return typeof value === 'number' ? of(value) : value
}

function numbersOf({ params }: Question): number[] {
  const numbers: number[] = []
  for (const value of Object.values(params)) mapped(value, (number) => numbers.push(number))
  return numbers
}

function withNumbers(question: Question, of: (nth: number) => number): Question {
  let next = 0
  const params = Object.entries(question.params).map(([name, value]) => [name, mapped(value, () => of(next++))])
  return { ...question, params: Object.fromEntries(params) }
}
