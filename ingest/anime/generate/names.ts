import type { Random } from '../../generate/random.ts'

/** Words of which titles, companies and synopses are made. */

const words = (text: string) => text.split(' ')

const FIRST = words(
  'Kimi Ao Tenkuu Hoshi Yoru Mahou Koi Ginga Tetsu Hana Shiro Kaze Yume Neko Tsuki Sora Honoo Umi Maou Kishi',
)
const OF = words('no to ga wo')
const LAST = words('Monogatari Densetsu Senki Nikki Uta Tobira Kishidan Sekai Gakuen Shoujo Tantei Yakusoku Kioku Hime')
const COMPANY_FIRST = words(
  'Madara Tokiwa Ginza Asahi Hoshino Kumo Mirai Sakura Fuji Nami Akari Suzu Midori Taiyo Kita',
)
const COMPANY_LAST = words('Animation Pictures Production Works Film Studio Entertainment Visual Media')

export const GENRES =
  'Action,Adventure,Cars,Comedy,Dementia,Demons,Drama,Ecchi,Fantasy,Game,Harem,Historical,Horror,Josei,Kids,Magic,Martial Arts,Mecha,Military,Music,Mystery,Parody,Police,Psychological,Romance,Samurai,School,Sci-Fi,Seinen,Shoujo,Shoujo Ai,Shounen,Slice of Life,Space,Sports,Super Power,Supernatural,Thriller,Vampire'.split(
    ',',
  )

/** Such as there are, and how many of a hundred titles are of each. */
export const TYPES: [type: string, share: number][] = [
  ['TV', 28],
  ['OVA', 22],
  ['Movie', 17],
  ['Special', 12],
  ['ONA', 11],
  ['Music', 10],
]

/** As it stands in the site's pages: some characters are entities there. */
export function titleName(random: Random): string {
  const name = `${random.pick(FIRST)} ${random.pick(OF)} ${random.pick(LAST)}`
  const form = random.below(40)
  if (form === 0) return `${name}&#039;`
  if (form === 1) return `${random.pick(FIRST)} &amp; ${random.pick(FIRST)}`
  if (form === 2) return `&quot;${name}&quot; Special`
  if (form < 8) return `${name}: ${random.pick(LAST)}-hen`
  return form < 14 ? `${name} ${2 + random.below(4)}` : name
}

export const englishName = (random: Random) =>
  `The ${random.pick(COMPANY_FIRST)} ${random.pick(['Saga', 'Tale', 'Song'])}`

/** Katakana. */
export const japaneseName = (random: Random) =>
  Array.from({ length: 3 + random.below(6) }, () => String.fromCodePoint(0x30a2 + random.below(80))).join('')

/** A few companies have their name on very many titles. */
export function companyName(random: Random): string {
  const nth = Math.floor(COMPANY_FIRST.length * COMPANY_LAST.length * random.next() ** 3)
  const last = COMPANY_LAST[Math.floor(nth / COMPANY_FIRST.length)] as string
  return `${COMPANY_FIRST[nth % COMPANY_FIRST.length]} ${last}`
}

/** What stands where nobody has written one. */
export const NO_SYNOPSIS = 'No synopsis information has been added to this title.'

export function synopsis(random: Random): string {
  if (random.chance(0.04)) return NO_SYNOPSIS
  const sentences = Array.from(
    { length: 2 + random.below(5) },
    () =>
      `${random.pick(FIRST)} finds a ${random.pick(LAST).toLowerCase()} in ${random.pick(COMPANY_FIRST)}, and "${random.pick(LAST)}" begins.`,
  )
  return sentences.join(random.chance(0.1) ? '\r\n' : ' ')
}
