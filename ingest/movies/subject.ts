import { fileURLToPath } from 'node:url'
import type { Subject } from '../subject.ts'
import { checks } from './checks.ts'
import { fred } from './fred.ts'
import { generateMovies, MOST_FILMS, MOST_RATINGS } from './generate.ts'
import { imdb5000 } from './imdb-5000.ts'
import { families, merge } from './merge.ts'
import { rollUp, rollups } from './roll-up.ts'
import { theMoviesDataset } from './the-movies-dataset.ts'
import { tmdb5000 } from './tmdb-5000.ts'
import { tmdbV11 } from './tmdb-v11.ts'
import { vegaMovies } from './vega-movies.ts'

/** About as many as The Movies Dataset has. */
const USUAL_FILMS = 45_000

const movies: Subject = {
  name: 'movies',
  ingestVersion: 4,
  formats: [theMoviesDataset, tmdb5000, tmdbV11, imdb5000, vegaMovies, fred],
  families,
  merge,
  checks,
  rollups,
  rollUp,
  generate: {
    sizes: {
      films: { of: 'films', most: MOST_FILMS, default: USUAL_FILMS, few: 300 },
      ratings: {
        of: 'the rest of the data set, too: credits, keywords, links, and so many ratings',
        most: MOST_RATINGS,
        few: 2000,
      },
    },
    write: ({ out, seed, sizes: { films = USUAL_FILMS, ratings } }) =>
      generateMovies({ out, seed, films, ...(ratings === undefined ? {} : { ratings }) }),
  },
  // A month's file is there on the first of the next.
  schedule: '0 7 1 * *',
  sample: {
    format: 'vega-movies',
    path: () => fileURLToPath(new URL('../data/movies.json', import.meta.resolve('vega-datasets'))),
    // The package's file carries no date of its own. Its films were gathered up to the end of 2011: later dates in it are
    // two-digit years that were read into the wrong century (1915 as 2015, 1946 as 2046).
    fileDate: '2011-12-31',
  },
}

export default movies
