import { sql } from 'kysely'
import { keepLast, leaveKnown, recordColumns } from '../keep-last.ts'
import { wholeText } from '../parse.ts'
import type { MovieFamily } from './merging.ts'
import { hasCome, leaveUnmatched } from './unmatched.ts'

/** Who played in a film, and who worked on it. */
export interface Credits {
  filmId: number
  cast: { id: number; name: string; character: string; order: number | null }[]
  crew: { id: number; name: string; job: string; department: string }[]
}

const staged = {
  stage: 'stage_credits',
  kept: 'kept_credits',
  key: ['film_id'],
  thing: sql`format('credits of film %s', found.film_id)`,
}

/** The crew of films, too, where a format's films bring some of their own: table `stage_crew` has both. */
export const credits: MovieFamily<Credits> = {
  name: 'credits',
  facts: ['film_cast', 'film_crew'],
  heavyFacts: [],
  dimensions: ['person'],
  stageTables: {
    stage_credits: {
      ...recordColumns,
      film_id: 'bigint',
      text: 'text',
    },
    stage_cast: { record: 'bigint', person_id: 'bigint', name: 'text', character: 'text', cast_order: 'integer' },
    stage_crew: { record: 'bigint', person_id: 'bigint', name: 'text', job: 'text', department: 'text' },
  },
  anyIdSpace: false,
  hasCome: hasCome(staged),
  stage(stager, { filmId, cast, crew }, { record, fileNo, line, digest, raw }) {
    stager.add('stage_credits', [record, fileNo, line, digest, filmId, wholeText(raw)])
    for (const { id, name, character, order } of cast) stager.add('stage_cast', [record, id, name, character, order])
    for (const { id, name, job, department } of crew) stager.add('stage_crew', [record, id, name, job, department])
  },

  async merge(merging) {
    const { load, scope } = merging
    const { base } = scope.part(credits)
    await keepLast(merging, staged)
    const has = (fact: string) => sql`
      exists (select from ${sql.table(`movies.${fact}`)} before where load_id = ${base?.loadId} and before.film_id = kept.film_id)`
    await leaveKnown(merging, staged, sql`${has('film_cast')} or ${has('film_crew')}`)
    await leaveUnmatched(merging, staged)
    const cast = sql`stage_cast join kept_credits using (record)`
    const crew = sql`stage_crew join (select * from kept union all select * from kept_credits) as kept_crew using (record)`
    await merging.fillFact(
      credits,
      'film_cast',
      'film_id, person_id, character, cast_order',
      sql`select ${load}::integer, film_id, person_id, character, min(cast_order) from ${cast}
          group by film_id, person_id, character`,
      'kept_credits',
    )
    await merging.fillFact(
      credits,
      'film_crew',
      'film_id, person_id, job, department',
      sql`select distinct ${load}::integer, film_id, person_id, job, department from ${crew}`,
      'kept_credits',
    )
    await merging.fillDimension(
      scope.part(credits),
      'person',
      'person_id',
      merging.mostFrequentName(
        'person_id',
        merging.firstNamed(
          scope.part(credits),
          'person',
          'person_id',
          sql`select record, person_id, name from ${cast} union all select record, person_id, name from ${crew}`,
        ),
      ),
      sql`${merging.linked('film_cast', 'person_id')} union ${merging.linked('film_crew', 'person_id')}`,
    )
  },
}
