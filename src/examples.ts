import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { programFolder } from './discover.ts'

/** Answers to the documentation's example requests, by operation: real ones, which a test asks for again and compares. */
export type ResponseExamples = Record<string, unknown>

export async function readExamples(): Promise<ResponseExamples> {
  return JSON.parse(await readFile(path.join(programFolder, 'src/examples.json'), 'utf8')) as ResponseExamples
}

export const responseExample = (examples: ResponseExamples, operationId: string): unknown => examples[operationId]
