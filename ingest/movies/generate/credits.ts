import { hash, Random } from '../../generate/random.ts'
import { Seen } from '../../generate/seen.ts'
import { pythonRepr } from './film.ts'
import { type ListSummary, writeLists } from './list-file.ts'
import { name } from './names.ts'
import { draw, peopleIn, person } from './people.ts'
import type { World } from './world.ts'

/** `credits.csv`: a dozen who play and ten who work in a film, some in two parts or two jobs, as Python literals. */
export interface CreditsSummary extends ListSummary {
  /** Parts: films, people and characters; what a film lists twice counts once. */
  cast: number
  /** Jobs: films, people, jobs and departments. */
  crew: number
  /** Different people in films that the metadata has. */
  people: number
}

const JOBS: [job: string, department: string][] = [
  ['Producer', 'Production'],
  ['Executive Producer', 'Production'],
  ['Screenplay', 'Writing'],
  ['Writer', 'Writing'],
  ['Editor', 'Editing'],
  ['Director of Photography', 'Camera'],
  ['Original Music Composer', 'Sound'],
  ['Casting', 'Production'],
  ['Art Direction', 'Art'],
  ['Costume Design', 'Costume & Make-Up'],
  ["Director's Assistant", 'Directing'],
  ['Foley', 'Sound'],
  ['Visual Effects Supervisor', 'Visual Effects'],
]

export async function writeCredits(path: string, world: World): Promise<CreditsSummary> {
  const people = peopleIn(world.films)
  const seen = new Seen(people)
  const counted = { cast: 0, crew: 0 }
  const summary = await writeLists(path, ['cast', 'crew', 'id'], world, (film, more) => {
    const made = makeCredits(world, film, people, more)
    const count = (by: 1 | -1) => {
      counted.cast += by * made.parts
      counted.crew += by * made.jobs
      for (const id of made.people) seen.add(id)
    }
    return { cells: [made.cast, made.crew, String(world.id(film))], count }
  })
  return { ...summary, ...counted, people: seen.count }
}

function makeCredits(world: World, film: number, people: number, more: boolean) {
  const random = new Random(world.seed + 2, film)
  const ids = new Set<number>()
  const parts = new Set<string>()
  const jobs = new Set<string>()
  const cast: string[] = []
  const crew: string[] = []
  const plays = (id: number, character: string) => {
    const { name, gender, picture } = person(id)
    const order = cast.length
    cast.push(
      `{'cast_id': ${order + 1}, 'character': ${pythonRepr(character)}, 'credit_id': '${creditId(film, order)}', 'gender': ${gender}, 'id': ${id}, 'name': ${pythonRepr(name)}, 'order': ${order}, 'profile_path': ${picture}}`,
    )
    ids.add(id)
    parts.add(`${id} ${character}`)
  }
  const works = (id: number, [job, department]: [job: string, department: string]) => {
    const { name, gender, picture } = person(id)
    crew.push(
      `{'credit_id': '${creditId(film, 1000 + crew.length)}', 'department': '${department}', 'gender': ${gender}, 'id': ${id}, 'job': ${pythonRepr(job)}, 'name': ${pythonRepr(name)}, 'profile_path': ${picture}}`,
    )
    ids.add(id)
    jobs.add(`${id} ${job}`)
  }
  for (let left = random.chance(0.053) ? 0 : spread(random, 12.6); left > 0; left--) {
    const id = draw(random, people, 0, 12)
    plays(id, character(random))
    if (random.chance(0.015)) plays(id, character(random))
  }
  if (!random.chance(0.017)) {
    const director = draw(random, people, 1)
    works(director, ['Director', 'Directing'])
    if (random.chance(0.08)) plays(director, character(random))
    if (random.chance(0.3)) works(director, ['Screenplay', 'Writing'])
    for (let left = spread(random, 8.7); left > 0; left--) {
      const job = random.below(JOBS.length)
      works(draw(random, people, 2 + job), JOBS[job] as [string, string])
    }
    if (random.chance(0.05)) works(draw(random, people, 1), ['Director', 'Directing'])
  }
  if (more) works(draw(random, people, 15), ['Thanks', 'Crew'])
  return { cast: list(cast), crew: list(crew), parts: parts.size, jobs: jobs.size, people: ids }
}

/** Around a mean, often few and seldom very many. */
const spread = (random: Random, mean: number) => Math.min(150, Math.floor(-Math.log(1 - random.next()) * mean))

function character(random: Random): string {
  const form = random.below(100)
  if (form < 12) return ''
  if (form < 22) return 'Himself'
  if (form < 28) return `${name(random)} (voice)`
  if (form < 32) return `${name(random)}'s Mother`
  if (form < 34) return `${name(random)} "Doc" ${name(random)}`
  if (form < 35) return `O'${name(random)} "Kid" / Boy`
  return form < 36 ? `Dr.\u00a0${name(random)}` : `${name(random)} ${name(random)}`
}

const creditId = (film: number, nth: number) =>
  `${hex(hash(film, nth))}${hex(hash(nth, film))}${hex(hash(film + 1, nth))}`
const hex = (number: number) => number.toString(16).padStart(8, '0')

const list = (entries: string[]) => `[${entries.join(', ')}]`
