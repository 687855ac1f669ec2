import { z } from 'zod'
import { codes, idList, names, wholeNumber, year, yes } from '../../params.ts'

/** Which films count. Every report on films takes these, and so does the drill-through, so that its rows add up to the cell. */
export const filmParams = {
  company_id: idList('Films of these companies'),
  genre_id: idList('Films of these genres'),
  collection_id: idList('Films of these collections'),
  person_id: idList('Films that these people worked on or played in'),
  job: names('With `person_id`: films in which these people did this: `Producer`, or `cast` for who played'),
  keyword_id: idList('Films with these keywords'),
  country: codes('Films made in these countries (ISO 3166-1)', 'upper'),
  language: codes('Films whose original language is one of these (ISO 639-1)', 'lower'),
  status: names('Films of these statuses: `Released`'),
  content_rating: names('Films of these content ratings, as the source has them'),
  min_votes: wholeNumber(0, 1_000_000_000, 'Only films with at least so many votes; unknown votes are left out'),
  from: year('First release year, inclusive'),
  to: year('Last release year, inclusive'),
  exclude_suspect: yes('`true` leaves out films whose figures are probably wrong'),
}

export type FilmFilters = z.output<z.ZodObject<typeof filmParams>>

/** Parameters that choose films: those of everyone, and those of the drill-through alone. */
export type FilmParams = FilmFilters & {
  year?: number | undefined
  /** Part of the title. */
  title?: string | undefined
}

/** In whose dollars money is. */
export const priceParams = {
  prices: z
    .enum(['nominal', 'real'], 'takes nominal or real')
    // The default is the same as not asking, to the query and to the cache.
    .transform((text) => (text === 'real' ? text : undefined))
    .optional()
    .describe('`real` shows money in the prices of `base_year`; `nominal` (default) as it was'),
  base_year: year('With `prices=real`: the year whose prices are used; the last whole year of the index by default'),
  price_index: z
    .string('is given more than once')
    .regex(/^[\w.-]{1,50}$/, 'takes the name of a series, such as CPIAUCSL')
    .optional()
    .describe('With `prices=real`: the price index; `CPIAUCSL` by default'),
}

export type PriceParams = z.output<z.ZodObject<typeof priceParams>>

/** How the figures of a cell are made of those of its films. */
export const figureParams = {
  aggregate: z
    .enum(['sum', 'mean', 'median'], 'takes sum, mean or median')
    .transform((text) => (text === 'sum' ? undefined : text))
    .optional()
    .describe('What `budget`, `revenue` and `profit` are of their films: `sum` (default), `mean` or `median`'),
  ...priceParams,
  min_releases: wholeNumber(1, 1_000_000, 'Only rows of at least so many films'),
}

export const attributionParams = {
  attribution: z
    .enum(['full', 'split'], 'takes full or split')
    .optional()
    .describe(
      '`full` (default) counts a film whole for each of its members, `split` shares it out in equal parts; given, it adds `meta.reconciliation`',
    ),
}

export const GRAINS = ['year', 'quarter', 'month', 'decade', 'all'] as const
export type Grain = (typeof GRAINS)[number]

export const grainParams = {
  grain: z
    .enum(GRAINS, `takes ${GRAINS.join(', ')}`)
    .transform((grain) => (grain === 'year' ? undefined : grain))
    .optional()
    .describe('Length of a period: `year` (default), `quarter`, `month`, `decade` or `all`'),
}

/** All that cells of films can be asked for; each report takes those that make sense for it. */
export type CellParams = FilmParams &
  PriceParams & {
    aggregate?: 'mean' | 'median' | undefined
    attribution?: 'full' | 'split' | undefined
    grain?: Exclude<Grain, 'year'> | undefined
    min_releases?: number | undefined
    /** Part of a member's name. */
    q?: string | undefined
  }

/**
 * What these parameters allow one by one, but not together.
 * @param countsPeople whether people are what is counted, so that a job asks for all who did it
 */
export function contradiction(
  params: CellParams,
  countsPeople = false,
): { parameter: string; detail: string } | undefined {
  if (params.job !== undefined && params.person_id === undefined && !countsPeople)
    return { parameter: 'job', detail: 'is for person_id: it says what these people did' }
  for (const parameter of ['base_year', 'price_index'] as const)
    if (params[parameter] !== undefined && params.prices !== 'real') return { parameter, detail: 'is for prices=real' }
  if (params.attribution === 'split' && params.aggregate !== undefined)
    return { parameter: 'attribution', detail: 'split shares sums out; it does not go with a mean or median' }
  return undefined
}
