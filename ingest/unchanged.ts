import { type Kysely, sql } from 'kysely'
import type { Source } from './choose.ts'
import type { LoadFacts, LoadTask } from './ledger.ts'
import { digestOf } from './open.ts'

/** A load that the source may be the same as. */
interface Earlier {
  load_id: number
  state: string
  files: { bytes: number; sha256: string }[]
}

/**
 * Whether a source brings nothing new: the same files, format, mode and ingest version as the published load; or, for a
 * schedule, as one that somebody took back or has yet to decide on, which must not come again by itself every month.
 * @returns the load that it is the same as, in words; undefined when it is none
 */
export async function sameAs(
  db: Kysely<unknown>,
  subject: string,
  task: LoadTask,
  facts: LoadFacts,
  source: Source,
  signal: AbortSignal,
): Promise<string | undefined> {
  const undecided = sql`${task.trigger === 'schedule'}
    and (state in ('held', 'blocked') or (state = 'superseded' and load.load_id > pointer.load_id))`
  const earlier = await sql<Earlier>`
    select load.load_id, state,
           (select coalesce(json_agg(json_build_object('bytes', bytes, 'sha256', sha256) order by file_no), '[]')
            from reelhouse.load_file file where file.load_id = load.load_id) as files
    from reelhouse.load left join reelhouse.pointer using (subject)
    where subject = ${subject} and (load.load_id = pointer.load_id or (${undecided}))
      and format = ${facts.format} and mode = ${task.mode} and ingest_version = ${facts.ingestVersion} and replay_of is null
    order by load.load_id desc`.execute(db)
  const digests: string[] = []
  for (const { load_id, state, files } of earlier.rows) {
    // Sizes first, where they are known: a file is read twice only when it is probably the same.
    if (files.length !== source.files.length) continue
    if (source.files.some(({ content }, index) => content !== undefined && content !== files[index]?.bytes)) continue
    if (digests.length === 0) for (const file of source.files) digests.push(await digestOf(file, signal))
    if (digests.every((digest, index) => digest === files[index]?.sha256))
      return `the same files as load ${load_id}, which ${state === 'superseded' ? 'was rolled back' : `is ${state}`}`
  }
  return undefined
}
