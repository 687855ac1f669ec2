import { sql } from 'kysely'
import { keepLast, leaveKnown, recordColumns } from '../keep-last.ts'
import type { MovieFamily } from './merging.ts'

/** Which film a MovieLens id means. */
export interface Link {
  movieLensId: number
  imdbId: string | null
  /** Null where the file leaves it blank, or it cannot be read. */
  filmId: number | null
}

const staged = {
  stage: 'stage_link',
  kept: 'kept_link',
  key: ['movielens_id'],
  thing: sql`format('MovieLens id %s', found.movielens_id)`,
}

/** Links are taken over whether or not the load has their film: one that comes later is found. */
export const links: MovieFamily<Link> = {
  name: 'links',
  facts: ['link'],
  heavyFacts: [],
  dimensions: [],
  stageTables: {
    stage_link: {
      ...recordColumns,
      movielens_id: 'integer',
      film_id: 'bigint',
      imdb_id: 'text',
      film_unreadable: 'boolean',
    },
  },
  anyIdSpace: false,
  stage(stager, { movieLensId, filmId, imdbId }, { record, fileNo, line, digest, unreadable }) {
    const filmUnreadable = filmId === null && unreadable.includes('tmdbId')
    stager.add('stage_link', [record, fileNo, line, digest, movieLensId, filmId, imdbId, filmUnreadable])
  },

  async merge(merging) {
    const { base } = merging.scope.part(links)
    await keepLast(merging, staged)
    const before = sql`select movielens_id from movies.link where load_id = ${base?.loadId}`
    await leaveKnown(merging, staged, sql`movielens_id in (${before})`)
    const columns = 'movielens_id, film_id, imdb_id, film_unreadable'
    await merging.fill(
      'link',
      columns,
      sql`select ${merging.load}::integer, kept.movielens_id, film_id, imdb_id, film_unreadable from stage_link join kept_link kept using (record)`,
    )
    if (base)
      await merging.fill(
        'link',
        columns,
        sql`select ${merging.load}::integer, ${sql.raw(columns)} from movies.link
            where load_id = ${base.loadId} and movielens_id not in (select movielens_id from kept_link)`,
      )
  },
}
