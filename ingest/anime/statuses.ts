import { sql } from 'kysely'
import { keepLast, recordColumns } from '../keep-last.ts'
import type { AnimeFamily } from './merging.ts'

/** How far a user can be with a title; reports count by these, so there are no others. */
export const STATUSES = [
  { code: 1, name: 'watching', description: 'Currently Watching' },
  { code: 2, name: 'completed', description: 'Completed' },
  { code: 3, name: 'on_hold', description: 'On Hold' },
  { code: 4, name: 'dropped', description: 'Dropped' },
  { code: 6, name: 'planned', description: 'Plan to Watch' },
] as const

export const codeOf = (wanted: (typeof STATUSES)[number]['name']): number =>
  STATUSES.find(({ name }) => name === wanted)?.code as number

export interface Status {
  code: number
  description: string | null
}

const staged = {
  stage: 'stage_status',
  kept: 'kept_status',
  key: ['code'],
  thing: sql`format('status %s', found.code)`,
}

/** What the source calls each status. The file only names them: a load that has none has the five all the same. */
export const statuses: AnimeFamily<Status> = {
  name: 'statuses',
  facts: [],
  heavyFacts: [],
  dimensions: ['status'],
  stageTables: { stage_status: { ...recordColumns, code: 'smallint', description: 'text' } },
  anyIdSpace: true,
  stage(stager, { code, description }, { record, fileNo, line, digest }) {
    stager.add('stage_status', [record, fileNo, line, digest, code, description])
  },

  async merge(merging) {
    const { scope, load } = merging
    await keepLast(merging, staged)
    const known = sql.join(STATUSES.map(({ code, description }) => sql`(${code}::smallint, ${description}::text)`))
    await merging.fill(
      'status',
      'code, description',
      sql`select ${load}::integer, known.code, coalesce(staged.description, before.description, known.description)
          from (values ${known}) as known (code, description)
          left join (select kept.code, description from stage_status join kept_status kept using (record)) as staged
            on staged.code = known.code
          left join anime.status before on before.load_id = ${scope.part(statuses).base?.loadId} and before.code = known.code`,
    )
  },
}
