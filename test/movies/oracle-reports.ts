import type { Aggregate } from './oracle-figures.ts'

/** Every report on films: its columns, its key, and the parameters that it takes. */

export type Grain = 'year' | 'quarter' | 'month' | 'decade' | 'all'
export type DimensionName =
  | 'company'
  | 'genre'
  | 'collection'
  | 'country'
  | 'language'
  | 'person'
  | 'content_rating'
  | 'keyword'

export interface Params {
  company_id?: number[] | undefined
  genre_id?: number[] | undefined
  collection_id?: number[] | undefined
  person_id?: number[] | undefined
  keyword_id?: number[] | undefined
  country?: string[] | undefined
  language?: string[] | undefined
  status?: string[] | undefined
  content_rating?: string[] | undefined
  min_votes?: number | undefined
  exclude_suspect?: boolean | undefined
  from?: number | undefined
  to?: number | undefined
  year?: number | undefined
  q?: string | undefined
  min_releases?: number | undefined
  /** Jobs; `cast` stands for the cast. */
  job?: string[] | undefined
  grain?: Grain | undefined
  aggregate?: Aggregate | undefined
  attribution?: 'full' | 'split' | undefined
  prices?: 'nominal' | 'real' | undefined
  base_year?: number | undefined
  price_index?: string | undefined
  dimension?: DimensionName | undefined
  measure?: string | undefined
  by?: string | undefined
  n?: number | undefined
}

export type ParamName = keyof Params

/** `cells`: films in cells of a period. `life`: films of all time. `film`: one row a film. */
export type Kind = 'cells' | 'life' | 'film' | 'rankings' | 'top-films' | 'roi' | 'ratings'

const MEASURES =
  'releases budget budget_known revenue revenue_known profit matched_releases matched_budget matched_revenue matched_profit roi popularity popularity_known vote_average vote_count rating_average rating_count'
const FILM =
  'film_id title release_date release_precision year status original_language content_rating collection_id runtime budget revenue profit popularity vote_average vote_count rating_average rating_count suspect source_file source_line load_id source_load_id'
const RANKING =
  'period year partial rank id name releases measure value share previous_value change five_years_before_value change_on_five'
const TOP = 'group group_id rank film_id title release_date year measure value budget revenue source_file source_line'
export const STARS =
  'stars_0_5 stars_1_0 stars_1_5 stars_2_0 stars_2_5 stars_3_0 stars_3_5 stars_4_0 stars_4_5 stars_5_0'.split(' ')

const FILTERS: ParamName[] = [
  'company_id',
  'genre_id',
  'collection_id',
  'person_id',
  'job',
  'keyword_id',
  'country',
  'language',
  'status',
  'content_rating',
  'min_votes',
  'exclude_suspect',
  'from',
  'to',
]
const PRICES: ParamName[] = ['prices', 'base_year', 'price_index']

interface Report {
  kind: Kind
  by: DimensionName[]
  columns: string[]
  key: string[]
  sort: string
  takes: ParamName[]
}

const report = (
  kind: Kind,
  by: DimensionName[],
  columns: string,
  key: string,
  takes: ParamName[],
  sort = key,
): Report => ({ kind, by, columns: columns.split(' '), key: key.split(','), sort, takes: [...FILTERS, ...takes] })

/** Of films in cells, one for each member of the dimensions in each period. */
const cells = (by: DimensionName[], heads: string, ids: string, takes: ParamName[]) =>
  report('cells', by, `${heads}period year partial ${MEASURES}`, `${ids}period`, [
    'grain',
    'aggregate',
    'min_releases',
    ...PRICES,
    ...takes,
  ])

const life = (by: DimensionName[], heads: string, key: string, sort: string) =>
  report(
    'life',
    by,
    `${heads} first_year last_year undated ${MEASURES}`,
    key,
    ['aggregate', 'attribution', 'min_releases', 'q', ...PRICES],
    sort,
  )

/** Beside what groups them: a text, and an id where the group has one. */
const GROUPS = 'group,group_id'

export const REPORTS = {
  'company-years': cells(['company'], 'company_id company ', 'company_id,', ['attribution']),
  'genre-years': cells(['genre'], 'genre_id genre ', 'genre_id,', ['attribution']),
  'company-genre-years': cells(['company', 'genre'], 'company_id company genre_id genre ', 'company_id,genre_id,', [
    'attribution',
  ]),
  years: cells([], '', '', []),
  'collection-years': cells(['collection'], 'collection_id collection ', 'collection_id,', []),
  'country-years': cells(['country'], 'country_code country ', 'country_code,', ['attribution']),
  'language-years': cells(['language'], 'language_code language ', 'language_code,', []),
  'person-years': cells(['person'], 'person_id person job ', 'person_id,job,', ['attribution']),
  'content-rating-years': cells(['content_rating'], 'content_rating ', 'content_rating,', []),
  companies: life(['company'], 'company_id company', 'company_id', 'company,company_id'),
  genres: life(['genre'], 'genre_id genre', 'genre_id', 'genre,genre_id'),
  films: report('film', [], FILM, 'film_id', ['year', 'q', ...PRICES]),
  rankings: report(
    'rankings',
    [],
    RANKING,
    'period,id',
    ['dimension', 'measure', 'grain', 'min_releases', ...PRICES],
    'period,rank,id',
  ),
  'top-films': report(
    'top-films',
    [],
    TOP,
    'group_id,film_id',
    ['by', 'measure', 'n', 'min_releases', ...PRICES],
    `${GROUPS},rank,film_id`,
  ),
  roi: report(
    'roi',
    [],
    'group group_id films q1 median q3 mean_roi lost',
    'group_id',
    ['by', 'min_releases', ...PRICES],
    GROUPS,
  ),
  ratings: {
    ...report('ratings', [], `group group_id ratings rating_average ${STARS.join(' ')}`, 'group_id', [
      'by',
      'min_releases',
    ]),
    sort: '-ratings,group,group_id',
  },
} satisfies Record<string, Report>

export type ReportName = keyof typeof REPORTS

/** What rankings can be by, and which of it is no sum, so that nothing has a share of it. */
export const RANKED =
  'releases budget revenue profit matched_profit roi popularity vote_average vote_count rating_average rating_count'.split(
    ' ',
  )
export const NO_SUMS = ['roi', 'popularity', 'vote_average', 'rating_average']

/** Whether people are what is counted: a job is what they are counted for then, and leaves out no film. */
export const countsPeople = (name: ReportName, { dimension }: Params) =>
  name === 'person-years' || (name === 'rankings' && dimension === 'person')

/** Parameters that films must pass for a report. */
export const filtersOf = (name: ReportName, { job, ...params }: Params): Params =>
  countsPeople(name, params) ? params : { ...params, job }

/** Less the parameters that choose among rows and not among films. */
export function withoutRows({ q, min_releases, ...filters }: Params): Params {
  return filters
}
