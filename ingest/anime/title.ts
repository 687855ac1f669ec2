/** A title of anime as its record tells it. Numbers are text, so that no digit is lost on the way. */
export interface Title {
  id: number
  title: string
  titleEnglish: string | null
  titleJapanese: string | null
  /** TV, Movie, OVA, Special, ONA, Music. */
  type: string | null
  episodes: string | null
  airedFrom: Day | null
  airedTo: Day | null
  year: number | null
  season: Season | null
  /** What it was made of: Manga, Original, Light novel … */
  sourceMaterial: string | null
  duration: string | null
  ageRating: string | null
  genres: string[]
  studios: string[]
  producers: string[]
  licensors: string[]
  site: SiteFigures
}

/** A day, month or year by its first day, and which of them it is. */
export interface Day {
  date: string
  precision: 'day' | 'month' | 'year'
}

export type Season = 'winter' | 'spring' | 'summer' | 'fall'

/** What the site itself says of a title: figures of its members, not those of the lists that were loaded. */
export interface SiteFigures {
  score: string | null
  rank: string | null
  popularityRank: string | null
  members: string | null
  favorites: string | null
  watching: string | null
  completed: string | null
  onHold: string | null
  dropped: string | null
  planned: string | null
  /** How many gave 1, 2 … 10; null where none of them is told. */
  scores: (string | null)[] | null
}

/** Where a format tells a score and members and no more. */
export const fewFigures = (score: string | null, members: string | null): SiteFigures => ({
  score,
  members,
  rank: null,
  popularityRank: null,
  favorites: null,
  watching: null,
  completed: null,
  onHold: null,
  dropped: null,
  planned: null,
  scores: null,
})
