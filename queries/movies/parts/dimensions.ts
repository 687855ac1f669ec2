import { type RawBuilder, sql } from 'kysely'
import type { z } from 'zod'
import { column, type Scope } from '../../report.ts'
import type { CellParams } from './film-params.ts'
import type { Selector } from './films.ts'
import { fact } from './tables.ts'

/** What reports on films may group by. */
export interface Dimension {
  /** The parameter that selects its members. */
  selector: Selector
  /** Columns that tell one member from another, as reports call them. */
  ids: string[]
  columns: Record<string, z.ZodType>
  /** The table that has its names, by one of `ids`, and the column that they are shown in. */
  names?: { table: string; id: string; column: string }
  /**
   * A film may have several members: `(film_id, …ids)`, each once. Those of one film are shared out among each other as far as they
   * agree in `within`.
   */
  links?: { rows(scope: Scope, params: CellParams): RawBuilder<unknown>; within: string[] }
  /** A film has one member at most: what it is, of film `f`. */
  of?: RawBuilder<unknown>
}

const linked = (table: string, id: string, as = id): NonNullable<Dimension['links']> => ({
  rows: (scope) => sql`
    select film_id, ${sql.ref(id)} as ${sql.ref(as)} from ${fact(scope, table)} where load_id = ${scope.load}`,
  within: [],
})

/** Whose films a report on people tells of when nobody says. */
export const DEFAULT_JOB = 'Director'

/** What stands for the cast among jobs. */
const CAST = 'cast'

export const DIMENSIONS = {
  company: {
    selector: 'company_id',
    ids: ['company_id'],
    columns: {
      company_id: column.id('The company’s id; names are shared, ids are not'),
      company: column.text('The company’s most frequent name'),
    },
    names: { table: 'company', id: 'company_id', column: 'company' },
    links: linked('film_company', 'company_id'),
  },
  genre: {
    selector: 'genre_id',
    ids: ['genre_id'],
    columns: { genre_id: column.id('The genre’s id'), genre: column.text('The genre’s most frequent name') },
    names: { table: 'genre', id: 'genre_id', column: 'genre' },
    links: linked('film_genre', 'genre_id'),
  },
  country: {
    selector: 'country',
    ids: ['country_code'],
    columns: {
      country_code: column.text('The production country’s ISO 3166-1 code'),
      country: column.optionalText('Its most frequent name'),
    },
    names: { table: 'country', id: 'country_code', column: 'country' },
    links: linked('film_country', 'country_code'),
  },
  language: {
    selector: 'language',
    ids: ['language_code'],
    columns: {
      language_code: column.text('The original language’s ISO 639-1 code'),
      language: column.optionalText('Its most frequent name'),
    },
    names: { table: 'language', id: 'language_code', column: 'language' },
    of: sql`f.original_language`,
  },
  collection: {
    selector: 'collection_id',
    ids: ['collection_id'],
    columns: {
      collection_id: column.id('The collection’s id'),
      collection: column.text('The collection’s most frequent name'),
    },
    names: { table: 'collection', id: 'collection_id', column: 'collection' },
    of: sql`f.collection_id`,
  },
  content_rating: {
    selector: 'content_rating',
    ids: ['content_rating'],
    columns: { content_rating: column.text('The content rating, as the source has it') },
    of: sql`f.content_rating`,
  },
  person: {
    selector: 'person_id',
    ids: ['person_id', 'job'],
    columns: {
      person_id: column.id('The person’s id'),
      person: column.text('The person’s most frequent name'),
      job: column.text('What they did: `Director`, `Producer` …, or `cast`'),
    },
    names: { table: 'person', id: 'person_id', column: 'person' },
    links: {
      rows: (scope, { job: jobs = [DEFAULT_JOB] }) => sql`
        select distinct film_id, person_id, job from ${fact(scope, 'film_crew')}
        where load_id = ${scope.load} and job in (${sql.join(jobs)}) and job <> ${CAST}
        union all
        select distinct film_id, person_id, ${CAST}::text as job from ${fact(scope, 'film_cast')}
        where load_id = ${scope.load} and ${jobs.includes(CAST)}`,
      within: ['job'],
    },
  },
  keyword: {
    selector: 'keyword_id',
    ids: ['keyword_id'],
    columns: { keyword_id: column.id('The keyword’s id'), keyword: column.text('The keyword’s most frequent name') },
    names: { table: 'keyword', id: 'keyword_id', column: 'keyword' },
    links: linked('film_keyword', 'keyword_id'),
  },
} satisfies Record<string, Dimension>

export type DimensionName = keyof typeof DIMENSIONS

export const dimensionNamed = (name: DimensionName): Dimension => DIMENSIONS[name]
