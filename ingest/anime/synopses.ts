import { sql } from 'kysely'
import { keepLast, leaveKnown, recordColumns } from '../keep-last.ts'
import type { AnimeFamily } from './merging.ts'

export interface Synopsis {
  animeId: number
  synopsis: string | null
}

const staged = {
  stage: 'stage_synopsis',
  kept: 'kept_synopsis',
  key: ['anime_id'],
  thing: sql`format('the synopsis of title %s', found.anime_id)`,
}

export const synopses: AnimeFamily<Synopsis> = {
  name: 'synopses',
  facts: ['title_text'],
  heavyFacts: [],
  dimensions: [],
  stageTables: { stage_synopsis: { ...recordColumns, anime_id: 'integer', synopsis: 'text' } },
  anyIdSpace: false,
  stage(stager, { animeId, synopsis }, { record, fileNo, line, digest }) {
    stager.add('stage_synopsis', [record, fileNo, line, digest, animeId, synopsis])
  },

  async merge(merging) {
    const { trx, scope, load } = merging
    const part = scope.part(synopses)
    await keepLast(merging, staged)
    await leaveKnown(
      merging,
      staged,
      sql`exists (select from anime.title_text before
                  where load_id = ${part.base?.loadId} and before.anime_id = kept.anime_id)`,
    )
    await sql`
      with absent as (
        delete from kept_synopsis kept
        where not exists (select from ${scope.table('title')} title where title.anime_id = kept.anime_id)
        returning record, anime_id)
      insert into reelhouse.reject (load_id, file, line, code, severity, column_name, reason)
      select ${scope.loadId}, file.name, found.line, 'title_absent', 'unmatched', null,
             format('the load has no title %s', absent.anime_id)
      from absent join stage_synopsis found using (record)
      join reelhouse.load_file file on file.load_id = ${scope.loadId} and file.file_no = found.file_no
      order by found.file_no, found.line`.execute(trx)
    await merging.fillFact(
      part,
      'title_text',
      'anime_id, synopsis',
      sql`select ${load}::integer, kept.anime_id, synopsis
          from stage_synopsis join kept_synopsis kept using (record) where synopsis is not null`,
      'kept_synopsis',
    )
  },
}
