import { type Kysely, sql } from 'kysely'
import type { Source } from './choose.ts'
import type { Parts } from './families.ts'
import type { Reading } from './read.ts'
import { readOne } from './read-one.ts'
import type { Family, FileFormat, Subject } from './subject.ts'

/**
 * Records that wait in the ledger for what they are of: earlier loads read them and had no film for them. Where a load takes a family
 * over, and brings such a film, its record is taken over, too, as if it had been loaded then; nobody has to replay it.
 *
 * They are counted where they were read, as unmatched, and stay so: the equation of this load is of its own files.
 */

interface Waiting {
  load_id: number
  reject_id: number
  file: string
  line: number
  /** Whether its text was kept. */
  kept: boolean
  format: string
  columns: string[] | null
}

/** What a load is made of, as far as it decides who has waited long enough. */
interface Making {
  subject: Subject
  source: Source
  parts: Parts
  reading: Reading
}

/**
 * Stages them beside what was read.
 * @param db the connection that has the staging tables
 * @returns sentences that tell of them
 */
export async function stageWaiting(db: Kysely<unknown>, making: Making): Promise<string[]> {
  const { subject, source, parts, reading } = making
  const brought = source.files.flatMap(({ of }) => of.brings ?? [])
  const notes: string[] = []
  for (const [family, { base, readBy }] of parts) {
    // What the films' own file tells of them is not added to.
    if (!family.hasCome || base === null || readBy === null || family.facts.some((fact) => brought.includes(fact)))
      continue
    const waiting = await found(db, family, family.hasCome(base.loadId), base.loadId)
    for (const file of byFile(waiting.filter(({ kept }) => kept))) {
      const { load_id, file: name, format } = file[0] as Waiting
      const of = fileOf(subject, family, format)
      if (!of) continue
      const taken = await reading.stageWaiting({ name: `${name} of load ${load_id}`, of }, texts(db, file, of))
      notes.push(
        `${name} of load ${load_id}: ${counted(taken)} that had no film then ${taken === 1 ? 'is' : 'are'} taken over, as this load has ${taken === 1 ? 'it' : 'them'}`,
      )
    }
    for (const file of byFile(waiting.filter(({ kept }) => !kept))) {
      const { load_id, file: name } = file[0] as Waiting
      notes.push(
        `${name} of load ${load_id}: ${counted(file.length)} that had no film then would have one now, but no text of ${file.length === 1 ? 'it' : 'them'} was kept; load that file again, with mode merge`,
      )
    }
  }
  return notes
}

const counted = (records: number) => `${records.toLocaleString('en')} record${records === 1 ? '' : 's'}`

/**
 * The last record of each film that has come, of all loads by whose files the published load has the family: the one that read it,
 * and if that was merged into another one, those behind it.
 */
async function found(
  db: Kysely<unknown>,
  { name }: Family,
  hasCome: ReturnType<NonNullable<Family['hasCome']>>,
  base: number,
): Promise<Waiting[]> {
  const { rows } = await sql<Waiting>`
    with recursive reader (load_id) as (
      select source_load_id from reelhouse.load_family where load_id = ${base} and family = ${name}
      union
      select behind.source_load_id
      from reader join reelhouse.load using (load_id)
      join reelhouse.load_family behind on behind.load_id = load.previous_load_id and behind.family = ${name}
      where load.mode = 'merge'),
    last as (
      -- A replay's records are as old as the load that they are of.
      select distinct on (waiting.reason) waiting.load_id, reject_id, waiting.file, line, record is not null as kept, format, columns
      from reader join reelhouse.load using (load_id)
      join reelhouse.reject waiting using (load_id)
      join reelhouse.load_file file on file.load_id = waiting.load_id and file.name = waiting.file and file.family = ${name}
      where severity = 'unmatched' and ${hasCome}
      order by waiting.reason, coalesce(replay_of, waiting.load_id) desc, waiting.load_id desc, line desc)
    select * from last order by load_id, file, line, reject_id`.execute(db)
  return rows
}

function byFile(waiting: Waiting[]): Waiting[][] {
  const files = new Map<string, Waiting[]>()
  for (const one of waiting) {
    const key = `${one.load_id} ${one.file}`
    files.set(key, [...(files.get(key) ?? []), one])
  }
  return [...files.values()]
}

const fileOf = (subject: Subject, family: Family, format: string): FileFormat | undefined =>
  subject.formats.find(({ name }) => name === format)?.files.find((of) => of.family === family)

/** Texts that are fetched at a time: each may be of 100,000 characters. */
const TEXTS_AT_ONCE = 100

async function* texts(db: Kysely<unknown>, file: Waiting[], of: FileFormat) {
  for (let at = 0; at < file.length; at += TEXTS_AT_ONCE) {
    const some = file.slice(at, at + TEXTS_AT_ONCE)
    const { rows } = await sql<{ reject_id: number; record: string }>`
      select reject_id, record from reelhouse.reject
      where load_id = ${some[0]?.load_id} and reject_id = any(${some.map(({ reject_id }) => reject_id)}::bigint[])`.execute(
      db,
    )
    const text = new Map(rows.map(({ reject_id, record }) => [reject_id, record]))
    yield await Promise.all(
      some.map(({ reject_id, line, file, columns }) =>
        readOne(text.get(reject_id) as string, line, of.read, { name: file, columns }),
      ),
    )
  }
}
