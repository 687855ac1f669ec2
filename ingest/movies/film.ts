/**
 * A film as any format tells it, ready for staging. Numbers are text (PostgreSQL reads them, so no digit is lost); what the
 * source does not tell is null, and a list that it does not tell is empty.
 */
export interface Film {
  /** The source's own id; null where the format has none and `key` is the identity. */
  id: number | null
  key: string | null
  title: string
  originalTitle: string | null
  imdbId: string | null
  /** YYYY-MM-DD; 1 January where the source tells the year alone. */
  releaseDate: string | null
  releasePrecision: 'day' | 'year'
  status: string | null
  /** ISO 639-1. */
  originalLanguage: string | null
  contentRating: string | null
  /** Minutes. */
  runtime: string | null
  /** Whole US dollars. */
  budget: string | null
  revenue: string | null
  popularity: string | null
  voteAverage: string | null
  voteCount: string | null
  overview: string | null
  tagline: string | null
  homepage: string | null
  posterPath: string | null
  collection: Named | null
  companies: Named[]
  genres: Named[]
  countries: Coded[]
  languages: Coded[]
  crew: (Named & { job: string })[]
  keywords: Named[]
  /** Why its figures are probably wrong, as far as only its format can tell. */
  suspect: string[]
}

/** A dimension member; without an id its trimmed name is its identity. */
export interface Named {
  id: number | null
  name: string
}

export interface Coded {
  code: string
  name: string | null
}

/** A film of which nothing but its title is told: formats override what they know. */
export const untold: Omit<Film, 'title'> = {
  id: null,
  key: null,
  originalTitle: null,
  imdbId: null,
  releaseDate: null,
  releasePrecision: 'day',
  status: null,
  originalLanguage: null,
  contentRating: null,
  runtime: null,
  budget: null,
  revenue: null,
  popularity: null,
  voteAverage: null,
  voteCount: null,
  overview: null,
  tagline: null,
  homepage: null,
  posterPath: null,
  collection: null,
  companies: [],
  genres: [],
  countries: [],
  languages: [],
  crew: [],
  keywords: [],
  suspect: [],
}
