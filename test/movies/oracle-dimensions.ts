import { wholeCell } from './exact.ts'
import type { Cell, FilmRecord, Row } from './oracle-figures.ts'
import type { Names } from './oracle-names.ts'
import { byCodePoint } from './oracle-order.ts'
import type { DimensionName, Params } from './oracle-reports.ts'

/** Whom and what films are counted for. */
export interface Member {
  id: number | string
  /** Of people alone. */
  job?: string
}

/** The parameter that selects rows of a report by the dimension, and films of any other report. */
export const SELECTS = {
  company: 'company_id',
  genre: 'genre_id',
  collection: 'collection_id',
  country: 'country',
  language: 'language',
  person: 'person_id',
  content_rating: 'content_rating',
  keyword: 'keyword_id',
} as const satisfies Record<DimensionName, keyof Params>

/** Dimensions of which a film may have several members, among which it can be shared. */
export const LISTS: DimensionName[] = ['company', 'genre', 'country', 'person']

/** A film's members, each once, in order of id; of people those with the jobs that are asked for, job by job. */
export function membersOf(film: FilmRecord, dimension: DimensionName, { job = ['Director'] }: Params): Member[] {
  const once = (ids: (number | string)[]) => [...new Set(ids)].sort(byId).map((id) => ({ id }))
  const ids = (things: { id: number }[]) => once(things.map(({ id }) => id))
  switch (dimension) {
    case 'company':
      return ids(film.companies)
    case 'genre':
      return ids(film.genres)
    case 'keyword':
      return ids(film.keywords)
    case 'collection':
      return ids(film.collection ? [film.collection] : [])
    case 'country':
      return once(film.countries.map(({ code }) => code))
    case 'language':
      return once(film.originalLanguage === '' ? [] : [film.originalLanguage])
    case 'content_rating':
      return once(film.contentRating === '' ? [] : [film.contentRating])
    case 'person':
      return [...new Set(job)].flatMap((one) => {
        const people = one === 'cast' ? film.cast : film.crew.filter((person) => person.job === one)
        return ids(people).map((member) => ({ ...member, job: one }))
      })
  }
}

const byId = (a: number | string, b: number | string) =>
  typeof a === 'number' ? a - (b as number) : byCodePoint(a, b as string)

/** Whether the member is among those that the parameters select. */
export function isSelected({ id }: Member, dimension: DimensionName, params: Params): boolean {
  const wanted: (number | string)[] | undefined = params[SELECTS[dimension]]
  if (dimension === 'country') return !params.country || params.country.some((code) => code.toUpperCase() === id)
  if (dimension === 'language') return !params.language || params.language.some((code) => code.toLowerCase() === id)
  return !wanted || wanted.includes(id)
}

export const idCell = (id: number | string): Cell => (typeof id === 'number' ? wholeCell(id) : id)

/** Its columns in a row: id and name, and the job of a person. */
export function columnsOf({ id, job }: Member, dimension: DimensionName, names: Names): Row {
  const name = names.of(dimension, id)
  if (dimension === 'content_rating') return { content_rating: idCell(id) }
  const column = dimension === 'country' || dimension === 'language' ? `${dimension}_code` : `${dimension}_id`
  return { [column]: idCell(id), [dimension]: name, ...(job === undefined ? {} : { job }) }
}
