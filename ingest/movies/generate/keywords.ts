import { Random } from '../../generate/random.ts'
import { Seen } from '../../generate/seen.ts'
import { pythonRepr } from './film.ts'
import { type ListSummary, writeLists } from './list-file.ts'
import type { World } from './world.ts'

/** `keywords.csv`: a third of the films have none, the others five, as Python literals. */
export interface KeywordsSummary extends ListSummary {
  /** Films and their keywords; what a film lists twice counts once. */
  entries: number
  /** Different keywords of films that the metadata has. */
  keywords: number
}

const words = (text: string) => text.split(' ')
const KINDS = words(
  'small lost secret first haunted rural stolen silent broken winter family double hidden foreign burning last forbidden female corrupt distant',
)
const THINGS = words(
  "town letter island love school prison circus harbor war train friendship murder revenge wedding hotel doctor's bachelor café jealousy robot orchestra boys' detective",
)
const TURNS = words('story night cop life dream \u00a0noir affair trial heist village ghost based')

/** A keyword: 1 to 5,520. */
const keywordName = (id: number) =>
  `${KINDS[id % 20]} ${THINGS[Math.floor(id / 20) % 23]}${id < 460 ? '' : ` ${TURNS[Math.floor(id / 460) % 12]}`}`
const KEYWORDS = 20 * 23 * 12

export async function writeKeywords(path: string, world: World): Promise<KeywordsSummary> {
  const seen = new Seen(KEYWORDS)
  let entries = 0
  const summary = await writeLists(path, ['id', 'keywords'], world, (film, more) => {
    const random = new Random(world.seed + 3, film)
    const ids: number[] = []
    for (let left = random.chance(0.32) ? 0 : 1 + random.below(9); left > 0; left--) ids.push(draw(random))
    // One that stands twice.
    if (random.chance(0.002) && ids[0] !== undefined) ids.push(ids[0])
    if (more) ids.push(KEYWORDS)
    const count = (by: 1 | -1) => {
      const different = new Set(ids)
      entries += by * different.size
      for (const id of different) seen.add(id)
    }
    const items = ids.map((id) => `{'id': ${id}, 'name': ${pythonRepr(keywordName(id))}}`)
    return { cells: [String(world.id(film)), `[${items.join(', ')}]`], count }
  })
  return { ...summary, entries, keywords: seen.count }
}

/** Some are on very many films; the last of them is on none but those that are told again. */
const draw = (random: Random) => Math.floor(8 * ((KEYWORDS - 1) / 8 + 1) ** random.next() - 8) + 1
