import { hash, type Random } from '../../generate/random.ts'

/** Those who play and work in generated films. All that is told of a person follows from the number, so none is remembered. */
export interface Person {
  id: number
  name: string
  /** 0: not told, 1: a woman, 2: a man. */
  gender: number
  /** As in a Python literal. */
  picture: string
}

const words = (text: string) => text.split(' ')

const WOMEN = words(
  'Ada Agnès Beatriz Carmen Dagny Edith Fatou Greta Hélène Ingrid Josefa Katarzyna Leyla Maud Nadia Olive Paola Rosa Sinéad Thérèse Ursula Vera Wanda Yvonne',
)
const MEN = words(
  'Abel Béla Carl Desmond Emil Farid Gustav Hiroshi Ivo Jorge Karim Lech Malcolm Nils Orson Pavel Quentin Raúl Sven Tomás Umberto Viktor Wendell Zoltán',
)
const STARTS = words(
  'Al Bar Cor Dal Er Fal Gra Hol Ib Jan Kil Lor Mon Nor Ost Pel Quin Ros Sal Tor Ul Van Wes Yar Zel Ash Brom Cle Dun Eg Flo Gil',
)
const MIDDLES = words(
  'a be ca do e fi ga he i jo ka le mi no o pi ra se ti u va we xi ye za bri dra gla kro sto tre wi',
)
const ENDS = words(
  'berg by court dale dóttir escu feld ford gard hurst ini kov lund man nen ney ov quist rez ski son stein sen ton vić well wicz worth yan zák zzi ström',
)
const EPITHETS = words('Rock Duke Red Bobcat Lefty Professor Silent Ace')

/** The first 786,000 have names of their own. */
function personName(id: number, gender: number): string {
  const lot = hash(0x70656f, id)
  if (lot % 997 === 3) return '影山 夏子'
  // An odd factor permutes the lower 15 bits, and the first name tells those apart that share them.
  const low = Math.imul(id, 0x5e3b) & 0x7fff
  const first = (gender === 2 ? MEN : WOMEN)[((id >>> 15) + low) % 24] as string
  const last = `${STARTS[low & 31]}${MIDDLES[(low >>> 5) & 31]}${ENDS[low >>> 10]}`
  if (lot % 71 === 5) return `${first} O'${last}`
  if (lot % 307 === 6) return `${first} "The ${EPITHETS[lot & 7]}" ${last}`
  if (lot % 2003 === 7) return `${first} "${EPITHETS[lot & 7]}" D'${last}`
  return lot % 499 === 8 ? `${first}\u00a0${last}` : `${first} ${last}`
}

export function person(id: number): Person {
  const lot = hash(0x67656e, id)
  const gender = lot % 10 < 4 ? 0 : lot % 10 < 6 ? 1 : 2
  return { id, name: personName(id, gender), gender, picture: lot % 100 < 55 ? 'None' : `'${picture(id)}'` }
}

/** A picture's path, of which each film has a poster of the like. */
function picture(id: number): string {
  let path = ''
  for (let part = 0; path.length < 27; part++) path += hash(id, part).toString(36)
  return `/${path.slice(0, 27)}.jpg`
}

/** How many there may be in so many films: like companies, they grow more slowly. */
export const peopleIn = (films: number) => Math.ceil(400_000 * (films / 45_430) ** 0.7)

/**
 * Some are in very many films, most in one; the famous of one trade are nobody in another.
 * @param stars among how many of a trade it makes little difference who is better known
 */
export function draw(random: Random, people: number, trade: number, stars = 1): number {
  const flat = stars * (3 + people / 4000)
  const rank = Math.floor(flat * (1 + people / flat) ** random.next() - flat)
  return 1 + ((rank * TRADES + trade) % people)
}

const TRADES = 16
