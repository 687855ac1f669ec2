import { createReadStream } from 'node:fs'
import path from 'node:path'
import { Writable } from 'node:stream'
import { parse } from 'csv-parse'
import type pg from 'pg'
import type { Test } from 'tap'
import type { Ledger } from '../../ingest/ledger.ts'
import { Reading } from '../../ingest/read.ts'
import { stageInto } from '../../ingest/stage.ts'
import { inTurn } from '../bench/rounds.ts'
import type { House } from '../build.ts'
import { opening } from '../opening.ts'
import { costOf, processorTime } from './processor-time.ts'

/** What reading films costs a processor, from the file to the rows that PostgreSQL would be sent, against csv-parse alone on the same file. */

/** As many as it takes for what else the machine does to be outvoted. */
const ROUNDS = 11

/**
 * @param folder that holds generated films
 * @returns undefined where the machine does not tell what a process has used
 */
export async function readingCost(t: Test, { subjects }: House, folder: string): Promise<number | undefined> {
  if ((await processorTime()) === undefined) return undefined
  const source = await (await opening(t)).open(folder)
  const tables = Object.assign({}, ...(subjects.get('movies')?.families ?? []).map(({ stageTables }) => stageTables))
  const ours = async () => {
    const stager = await stageInto(nowhere, tables)
    const [films] = await new Reading(source, stager, unwritten, { signal: new AbortController().signal }).stageAll()
    if (!films?.loaded) throw new Error('No film was read.')
  }
  const theirs = async () => {
    let records = 0
    const options = { relax_column_count: true, relax_quotes: true }
    for await (const _ of createReadStream(path.join(folder, 'movies_metadata.csv')).pipe(parse(options))) records += 1
    if (records === 0) throw new Error('No record was read.')
  }
  const cost = (work: () => Promise<void>) => () => costOf('self', work)
  // Until both are compiled.
  await inTurn(cost(ours), cost(theirs), 2)
  const { ratio } = await inTurn(cost(ours), cost(theirs), ROUNDS)
  await source.close()
  return ratio
}

/** A connection that takes everything and keeps nothing. */
const nowhere = {
  query: (sent: unknown) =>
    typeof sent === 'string' ? Promise.resolve({ rows: [] }) : new Writable({ write: (_, __, done) => done() }),
  escapeIdentifier: (name: string) => `"${name}"`,
} as unknown as pg.Client

const unwritten = { progress() {}, async reject() {} } as unknown as Ledger
