import { sql } from 'kysely'
import { keepLast, leaveKnown, recordColumns } from '../keep-last.ts'
import { wholeText } from '../parse.ts'
import type { Named } from './film.ts'
import type { MovieFamily } from './merging.ts'
import { hasCome, leaveUnmatched } from './unmatched.ts'

export interface Keywords {
  filmId: number
  keywords: Named[]
}

const staged = {
  stage: 'stage_keywords',
  kept: 'kept_keywords',
  key: ['film_id'],
  thing: sql`format('keywords of film %s', found.film_id)`,
}

/** The keywords of films, too, where a format's films bring some of their own: table `stage_keyword` has both. */
export const keywords: MovieFamily<Keywords> = {
  name: 'keywords',
  facts: ['film_keyword'],
  heavyFacts: [],
  dimensions: ['keyword'],
  stageTables: {
    stage_keywords: {
      ...recordColumns,
      film_id: 'bigint',
      text: 'text',
    },
    stage_keyword: { record: 'bigint', keyword_id: 'bigint', name: 'text' },
  },
  anyIdSpace: false,
  hasCome: hasCome(staged),
  stage(stager, { filmId, keywords }, { record, fileNo, line, digest, raw }) {
    stager.add('stage_keywords', [record, fileNo, line, digest, filmId, wholeText(raw)])
    for (const { id, name } of keywords) stager.add('stage_keyword', [record, id, name])
  },

  async merge(merging) {
    const { load, scope } = merging
    await keepLast(merging, staged)
    await leaveKnown(
      merging,
      staged,
      sql`exists (select from movies.film_keyword before
                  where load_id = ${scope.part(keywords).base?.loadId} and before.film_id = kept.film_id)`,
    )
    await leaveUnmatched(merging, staged)
    const read = sql`stage_keyword join (select * from kept union all select * from kept_keywords) as kept_words using (record)`
    await merging.fillFact(
      keywords,
      'film_keyword',
      'film_id, keyword_id',
      sql`select distinct ${load}::integer, film_id, keyword_id from ${read}`,
      'kept_keywords',
    )
    await merging.fillDimension(
      scope.part(keywords),
      'keyword',
      'keyword_id',
      merging.mostFrequentName(
        'keyword_id',
        merging.firstNamed(
          scope.part(keywords),
          'keyword',
          'keyword_id',
          sql`select record, keyword_id, name from ${read}`,
        ),
      ),
      merging.linked('film_keyword', 'keyword_id'),
    )
  },
}
