import { writeLines } from '../../generate/csv-file.ts'
import { Random } from '../../generate/random.ts'
import { Seen } from '../../generate/seen.ts'
import { movieLensId, NO_FILM } from './links.ts'
import { lots } from './names.ts'
import { permutation, type World } from './world.ts'

/** `ratings.csv`: user by user, each with some films in the order of their MovieLens ids; no user rates one twice. */
export interface RatingsSummary {
  path: string
  bytes: number
  records: number
  users: number
  /** Ratings that come to a film of the metadata. */
  matched: number
  /** Stars of those, added up. */
  stars: number
  /** Films that have ratings. */
  films: number
  /** Ratings that come to no film, by the reason that a load gives. */
  unmatched: { no_link: number; blank_tmdb_id: number; film_absent: number }
}

/** Half stars and how many of the dataset's ratings have each, in thousands. */
const STARS = lots([
  ['0.5', 404],
  ['1.0', 844],
  ['1.5', 404],
  ['2.0', 1763],
  ['2.5', 1256],
  ['3.0', 5256],
  ['3.5', 3116],
  ['4.0', 6999],
  ['4.5', 2170],
  ['5.0', 3813],
])

/** When MovieLens began, and when the dataset was made; seconds since 1970. */
const [FROM, UNTIL] = [789_652_009, 1_501_829_870]

/** @param filmOf what `writeLinks` returned */
export async function writeRatings(
  path: string,
  world: World,
  filmOf: Int32Array,
  ratings: number,
): Promise<RatingsSummary> {
  const summary: RatingsSummary = {
    ...{ path, bytes: 0, records: 0, users: 0, matched: 0, stars: 0, films: 0 },
    unmatched: { no_link: 0, blank_tmdb_id: 0, film_absent: 0 },
  }
  // Behind those of the links come a few ids that no link names.
  const ids = filmOf.length + 1 + Math.floor(filmOf.length / 3000)
  const rated = new Seen(world.films)
  const byRank = permutation(ids, world.seed + 4)
  const count = (id: number, stars: string) => {
    summary.records++
    const film = filmOf[id] ?? NO_FILM.noLink
    if (film === NO_FILM.noLink) summary.unmatched.no_link++
    else if (film === NO_FILM.blank) summary.unmatched.blank_tmdb_id++
    else if (film === NO_FILM.absent) summary.unmatched.film_absent++
    else {
      summary.matched++
      summary.stars += Number(stars)
      rated.add(film)
    }
  }
  function* lines(): Generator<string> {
    yield 'userId,movieId,rating,timestamp\n'
    for (let left = ratings; left > 0; ) {
      const user = ++summary.users
      const random = new Random(world.seed + 4, user)
      const some = 1 + Math.floor(Math.exp(3.4 + 1.45 * random.normal()))
      // Of all that there is nobody has seen more than a third, so that drawing until all are different comes to an end.
      const films = distinct(random, ids, byRank, Math.min(left, some, Math.ceil(ids / 3), 20_000))
      left -= films.length
      let at = FROM + random.below(UNTIL - FROM)
      for (const id of films) {
        at = Math.min(UNTIL, at + random.below(90))
        const stars = random.pick(STARS)
        count(id, stars)
        yield `${user},${movieLensId(id)},${stars},${at}\n`
      }
    }
  }
  summary.bytes = await writeLines(path, lines())
  summary.films = rated.count
  return summary
}

/** Numbers of ids, in order; some are drawn by nearly everybody, most by few. */
function distinct(random: Random, ids: number, byRank: (rank: number) => number, count: number): Uint32Array {
  const chosen = new Set<number>()
  while (chosen.size < count) {
    const rank = Math.floor(60 * (1 + ids / 60) ** random.next() - 60)
    chosen.add(byRank(rank) - 2)
  }
  return Uint32Array.from(chosen).sort()
}
