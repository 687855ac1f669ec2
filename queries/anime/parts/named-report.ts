import { sql } from 'kysely'
import { z } from 'zod'
import { words } from '../../params.ts'
import { column, report } from '../../report.ts'
import { containing } from '../../search.ts'
import { type AnimeDb, type AnimeTables, fact } from './tables.ts'

interface Named {
  /** The list of a title: `genre` of `title_genre`. */
  by: 'genre' | 'studio'
  /** The dimension that has its names. */
  dimension: 'genre' | 'company'
  summary: string
  example: Record<string, string>
}

/** Members of a list by name, with their ids, which other reports take. */
export const namedReport = ({ by, dimension, summary, example }: Named) => {
  const id = `${by}_id` as const
  const params = { q: words('Part of the name, in any case') }
  return report<AnimeTables, typeof params, z.ZodRawShape>({
    summary,
    description: `\`${id}\` is what other reports take. A title counts in full for each ${by} that it has, those without a year, too.`,
    version: 1,
    params: z.strictObject(params),
    row: z.strictObject({
      [id]: column.id(`The ${by}’s id, given by its name`),
      [by]: column.text(`The ${by}’s name`),
      titles: column.count('Titles', 'titles'),
      first_year: column.year('Year of the first title that has one'),
      last_year: column.year('Year of the last'),
    }),
    key: [id],
    defaultSort: `-titles,${by}`,
    example,
    query: (db: AnimeDb, scope, { q }) => {
      const name = sql.ref('named.name')
      const rows = sql<Record<string, unknown>>`(
        select ${sql.ref(`link.${id}`)}, named.name as ${sql.ref(by)}, count(*) as titles, min(t.year) as first_year, max(t.year) as last_year
        from ${fact(scope, `title_${by}`)} link
        join ${fact(scope, 'title')} t on t.load_id = link.load_id and t.anime_id = link.anime_id
        join ${sql.table(`anime.${dimension}`)} named
          on named.load_id = link.load_id and ${sql.ref(`named.${dimension}_id`)} = ${sql.ref(`link.${id}`)}
        where link.load_id = ${scope.load} and ${q === undefined ? sql`true` : containing(name, q)}
        group by ${sql.ref(`link.${id}`)}, named.name)`
      return db.selectFrom(rows.as('named')).selectAll().$castTo<never>()
    },
    compared: { names: [by], additive: () => ['titles'], choosesRows: ['q'] },
  })
}
