import { writeLines } from '../../generate/csv-file.ts'
import { hash, Random } from '../../generate/random.ts'
import { ABSENT_IDS, idOf } from './title.ts'

/** `animelist.csv`: user by user, each with some titles, as the site's lists were taken. */
export interface RatingsSummary {
  path: string
  bytes: number
  /** loaded + badStatus + badRating + identical + superseded + unmatched. */
  records: number
  users: number
  /** Those that stay, of titles that there are. */
  loaded: number
  /** Scores of those, by number and sum. */
  scores: number
  scoreSum: number
  /** Records with a status that there is not: 0, 5, 33 or 55. */
  badStatus: number
  /** Records with a rating of 11. */
  badRating: number
  /** Records that the same user's list has once more, the same or with another score. */
  identical: number
  superseded: number
  /** Records of titles that there are not. */
  unmatched: number
}

/** One record in so many has each of these; the first of each is at a place of its own, so that a short file has all of them. */
const EVERY = { badStatus: 15_000, badRating: 19_000, repeated: 15_000, absent: 4000, tooMany: 300, overflown: 20_000 }
const FIRST = { badStatus: 100, badRating: 200, absent: 300, repeated: 400 }
const BAD_STATUSES = [0, 5, 33, 55]

interface Made {
  seed: number
  /** Of each title; 0: unknown. */
  episodes: Uint16Array
}

export async function writeRatings(path: string, ratings: number, made: Made): Promise<RatingsSummary> {
  const kept = { users: 0, loaded: 0, scores: 0, scoreSum: 0 }
  const left = { badStatus: 0, badRating: 0, identical: 0, superseded: 0, unmatched: 0 }
  const summary: RatingsSummary = { path, bytes: 0, records: 0, ...kept, ...left }
  summary.bytes = await writeLines(path, lines(ratings, made, summary))
  return summary
}

interface Entry {
  title: number
  score: number
  status: number
  seen: number
}

function* lines(ratings: number, { seed, episodes }: Made, summary: RatingsSummary): Generator<string> {
  yield 'user_id,anime_id,rating,watching_status,watched_episodes\n'
  const titles = episodes.length
  const ids = Uint32Array.from(episodes, (_, index) => idOf(seed, index))
  /** Titles by how many have them. */
  const byRank = Uint32Array.from(ids.keys()).sort((a, b) => hash(seed + 2, a) - hash(seed + 2, b) || a - b)
  const line = (user: number, id: number, { score, status, seen }: Entry) =>
    `${user},${id},${score},${status},${seen}\n`
  while (summary.records < ratings && titles > 0) {
    const user = summary.users++
    const random = new Random(seed + 1, user)
    const befalls = (oddity: keyof typeof FIRST) =>
      summary.records === FIRST[oddity] || random.chance(1 / EVERY[oddity])
    /** A record that the list will have once more. */
    let again: Entry | undefined
    for (const rank of ranks(random, titles)) {
      if (summary.records === ratings) return
      summary.records++
      const title = byRank[rank] as number
      const made = entry(random, title, episodes[title] as number)
      if (befalls('badStatus')) {
        summary.badStatus++
        yield line(user, ids[title] as number, { ...made, status: random.pick(BAD_STATUSES) })
      } else if (befalls('badRating')) {
        summary.badRating++
        yield line(user, ids[title] as number, { ...made, score: 11 })
      } else if (befalls('absent')) {
        summary.unmatched++
        yield line(user, random.pick(ABSENT_IDS), made)
        // Another one might be of the same title.
        break
      } else {
        keep(summary, made.score)
        if (!again && befalls('repeated')) again = made
        yield line(user, ids[title] as number, made)
      }
    }
    if (!again || summary.records === ratings) continue
    summary.records++
    const last = random.chance(0.5) ? again : { ...again, score: (again.score % 10) + 1 }
    summary[last === again ? 'identical' : 'superseded']++
    keep(summary, again.score, -1)
    keep(summary, last.score)
    yield line(user, ids[again.title] as number, last)
  }
}

/** Different ranks of titles; some are on nearly every list, most on few. Nobody has more than a third of all. */
function ranks(random: Random, titles: number): Set<number> {
  const some = Math.min(Math.ceil(titles / 3), 1 + Math.floor(Math.exp(4.6 + 1.2 * random.normal())))
  const chosen = new Set<number>()
  while (chosen.size < some) chosen.add(Math.floor(80 * (1 + titles / 80) ** random.next() - 80))
  return chosen
}

function keep(summary: RatingsSummary, score: number, by: 1 | -1 = 1): void {
  summary.loaded += by
  if (score === 0) return
  summary.scores += by
  summary.scoreSum += by * score
}

/** What a user has of a title with so many episodes. */
function entry(random: Random, title: number, episodes: number): Entry {
  const lot = random.below(100)
  const status = lot < 62 ? 2 : lot < 88 ? 6 : lot < 92 ? 1 : lot < 95 ? 3 : 4
  const scored = status === 2 ? 0.7 : status === 6 ? 0.01 : 0.35
  const score = random.chance(scored) ? Math.min(10, Math.max(1, Math.round(7.4 + 1.6 * random.normal()))) : 0
  const there = episodes || 12
  const usual = status === 2 ? there : status === 6 ? 0 : random.below(there + 1)
  const more = random.chance(1 / EVERY.tooMany) ? there + 1 + random.below(5) : usual
  return { title, score, status, seen: random.chance(1 / EVERY.overflown) ? 65_535 : more }
}
