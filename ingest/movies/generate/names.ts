import type { Random } from '../../generate/random.ts'

/**
 * The words that generated films are made of: genres, languages and countries as The Movies Dataset spells them, and
 * companies, titles and plots that are invented here. A company's name depends on nothing but its number, so millions
 * of companies keep their names without being remembered.
 */
const words = (text: string) => text.split(' ')

/** TMDB's genres and how many of the dataset's films carry each. */
const GENRES: [entry: string, films: number][] = (
  [
    [18, 'Drama', 20265],
    [35, 'Comedy', 13182],
    [53, 'Thriller', 7624],
    [10749, 'Romance', 6735],
    [28, 'Action', 6596],
    [27, 'Horror', 4673],
    [80, 'Crime', 4307],
    [99, 'Documentary', 3932],
    [12, 'Adventure', 3496],
    [878, 'Science Fiction', 3049],
    [10751, 'Family', 2770],
    [9648, 'Mystery', 2467],
    [14, 'Fantasy', 2313],
    [16, 'Animation', 1935],
    [10769, 'Foreign', 1622],
    [10402, 'Music', 1598],
    [36, 'History', 1398],
    [10752, 'War', 1323],
    [37, 'Western', 1042],
    [10770, 'TV Movie', 767],
  ] as const
).map(([id, name, films]) => [`{'id': ${id}, 'name': '${name}'}`, films])

/** A language, its own name, how many films were made in it, where, and the letters of its titles if not Latin. */
export interface Language {
  code: string
  name: string
  films: number
  countries: string[]
  letters: string[]
}

const language = (code: string, name: string, films: number, countries: string, letters = ''): Language => ({
  code,
  name,
  films,
  countries: words(countries),
  letters: [...letters],
})

const LANGUAGES: Language[] = [
  language('en', 'English', 32269, 'US US US US US US US GB GB CA AU IE'),
  language('fr', 'Français', 2438, 'FR FR FR FR BE CA CH'),
  language('it', 'Italiano', 1529, 'IT'),
  language('ja', '日本語', 1350, 'JP', '夜雨の海町火山花月時空影風鳥道'),
  language('de', 'Deutsch', 1080, 'DE DE DE AT CH'),
  language('es', 'Español', 994, 'ES ES ES MX AR CL'),
  language('ru', 'Pусский', 826, 'RU RU RU UA', 'абвгдежиклмнопрстуя'),
  language('hi', 'हिन्दी', 508, 'IN', 'कगचजतदनपबमरलसह'),
  language('ko', '한국어/조선말', 444, 'KR', '밤비바다길꽃달시간바람새'),
  language('zh', '普通话', 409, 'CN CN TW', '夜雨海城火山花月时空影风'),
  language('sv', 'svenska', 384, 'SE'),
  language('pt', 'Português', 316, 'BR BR PT'),
  language('cn', '广州话 / 廣州話', 313, 'HK', '龍虎夜雨海城火花月影'),
  language('fi', 'suomi', 297, 'FI'),
  language('nl', 'Nederlands', 248, 'NL NL BE'),
  language('da', 'Dansk', 225, 'DK'),
  language('pl', 'Polski', 219, 'PL'),
  language('tr', 'Türkçe', 150, 'TR'),
  language('cs', 'Český', 130, 'CZ'),
  language('el', 'ελληνικά', 113, 'GR', 'αβγδεζηθικλμνξοπρστυ'),
  language('no', 'Norsk', 106, 'NO'),
  language('fa', 'فارسی', 101, 'IR', 'ابپتجدرزسشفکلمنوی'),
  language('hu', 'Magyar', 100, 'HU'),
  language('ta', 'தமிழ்', 78, 'IN', 'கசடதபமயரலவ'),
  language('th', 'ภาษาไทย', 76, 'TH', 'กขคงจชดตนบปพมยรลวส'),
  language('he', 'עִבְרִית', 67, 'IL', 'אבגדהוזחטיכלמנ'),
  language('sr', 'Srpski', 63, 'RS'),
  language('ro', 'Română', 57, 'RO'),
  language('ar', 'العربية', 39, 'EG LB', 'ابتجحدرزسشعفقكلمنوي'),
  language('xx', 'No Language', 33, 'US FR'),
  language('ml', '', 36, 'IN'),
]

export const COUNTRIES: Record<string, string> = {
  AR: 'Argentina',
  AT: 'Austria',
  AU: 'Australia',
  BE: 'Belgium',
  BR: 'Brazil',
  CA: 'Canada',
  CH: 'Switzerland',
  CL: 'Chile',
  CN: 'China',
  CZ: 'Czech Republic',
  DE: 'Germany',
  DK: 'Denmark',
  EG: 'Egypt',
  ES: 'Spain',
  FI: 'Finland',
  FR: 'France',
  GB: 'United Kingdom',
  GR: 'Greece',
  HK: 'Hong Kong',
  HU: 'Hungary',
  IE: 'Ireland',
  IL: 'Israel',
  IN: 'India',
  IR: 'Iran',
  IT: 'Italy',
  JP: 'Japan',
  KR: 'South Korea',
  LB: 'Lebanon',
  MX: 'Mexico',
  NL: 'Netherlands',
  NO: 'Norway',
  PL: 'Poland',
  PT: 'Portugal',
  RO: 'Romania',
  RS: 'Serbia',
  RU: 'Russia',
  SE: 'Sweden',
  TH: 'Thailand',
  TR: 'Turkey',
  TW: 'Taiwan',
  UA: 'Ukraine',
  US: 'United States of America',
}

const HEADS = words('Ba Be Bri Ca Co Da De Do El Fa Fe Ga Gri Ha Ho Ja Ka Ke Lu Ma Mi No Or Pa Pe Ra Ri Sa Se Ta Ve Zo')
const TAILS = words(
  'bel bor ckan dane dell den dor fen gan get kel ksa lan lek lin lmar mar mek nar nel nik nov ran ren rin sel sko tan tel vek vin zár',
)
const THINGS = words(
  'Lantern Harbor Otter Meridian Foxglove Tramway Juniper Atlas Paper Copper Winter Orchard Signal Heron Velvet Quarry Comet Thistle Granite Marble Ferry Walnut Saffron Gable Rocket Beacon Willow Anchor Prairie Mirror Clover Étoile',
)
const TRADES = [
  ...words(
    'Pictures Films Film Productions Entertainment Studios Cinéma Filmproduktion Média Cinematografica Animation Releasing',
  ),
  ...[
    'Pictures Corporation',
    'Film GmbH',
    'Production Company',
    'Films S.A.',
    'Picture Co.',
    'Films Ltd.',
    'Media Group',
    'TV',
  ],
  ...[
    'Motion Pictures',
    'Film AB',
    'Filmes',
    'Film Fund',
    'Producciones',
    'Film & TV',
    'Pictures (II)',
    'Broadcasting',
  ],
  ...['Distribution', 'Home Video', 'Film Company', 'International'],
]
const SEATS = words('- Lisbon Oslo Turin Perth Lyon Austin Gdańsk Malmö Kyoto Quito Bergen Leeds Porto Graz Dakar')

/** The odd names, at fixed numbers that are common enough to occur in a file of some thousand films. */
const ODD_NAMES = new Map([
  [61, 'Otter\'s "Night" Den'],
  [90, 'Blue\u00a0Lantern Films'],
  [131, 'Film\tHouse North'],
  [167, 'Backlot\\'],
  [203, '影の町映画'],
  [247, 'Çelik Öykü Yapım'],
  [281, ' Early Blank Pictures '],
  [
    331,
    'The Society for the Making of Long Films about Short Journeys between the Northern and Southern Harbors'.slice(
      0,
      101,
    ),
  ],
])

const scramble = (number: number) => {
  const mixed = Math.imul(number, 0x9e3779b1) >>> 0
  return (mixed ^ (mixed >>> 15)) >>> 0
}

/** Of 23,500 companies 303 share a name with another: such a one takes the name of a company more common than itself. */
const namesake = (id: number) => (id > 40 && scramble(id) % 158 === 0 ? (id >>> 3) + 1 : id)

/** The usual name of company `id`, which is 1 to 2^24. */
export function companyName(id: number): string {
  const bearer = namesake(id)
  const odd = ODD_NAMES.get(bearer)
  if (odd !== undefined) return odd
  // Multiplying by an odd number permutes the lower 20 bits, so that two companies differ in one of the four words.
  const low = Math.imul(bearer, 0x9e3b5) & 0xfffff
  const stem = `${HEADS[low & 31]}${TAILS[(low >>> 5) & 31]}`
  const thing = THINGS[(low >>> 10) & 31]
  const trade = TRADES[low >>> 15]
  const seat = bearer >>> 20 === 0 ? '' : ` (${SEATS[bearer >>> 20]})`
  return `${punctuated(scramble(bearer) >>> 8, stem, thing ?? '')} ${trade}${seat}`
}

function punctuated(lot: number, stem: string, thing: string): string {
  if (lot % 139 === 0) return `${stem}'s ${thing}`
  if (lot % 1511 === 0) return `${stem} "${thing}"`
  if (lot % 2503 === 0) return `${stem}\u00a0${thing}`
  return `${stem} ${thing}`
}

/** One company in four hundred was renamed while the dataset was gathered, and appears under both names. */
export function formerName(id: number): string | undefined {
  return id % 401 === 9 ? `${companyName(id)} Inc.` : undefined
}

const QUALITIES = words(
  'Last Silent Crooked Golden Borrowed Distant Hollow Second Burning Patient Restless Paper Winter Electric Forgotten Gentle Hidden Iron Late Midnight Northern Quiet Scarlet Stubborn Wooden',
)
const SUBJECTS = words(
  'Orchard Ferry Letter Witness Season Bridge Stranger Garden Detective Kingdom Signal Waltz Harvest Daughter Mountain Promise Map Train Circus Inheritance Winter Neighbor Fortune Island Choir Mirror Summer Horizon Tailor Secret',
)

/** An English title. */
export function title(random: Random): string {
  const quality = random.pick(QUALITIES)
  const subject = random.pick(SUBJECTS)
  const form = random.below(100)
  if (form < 45) return `The ${quality} ${subject}`
  if (form < 65) return `${quality} ${subject}`
  if (form < 80) return `${subject} of ${name(random)}`
  if (form < 88) return `${name(random)}'s ${subject}`
  if (form < 93) return `${quality}, ${subject}`
  if (form < 97) return `${subject} ${2 + random.below(4)}`
  return form < 99 ? `The "${quality}" ${subject}` : `${1900 + random.below(150)}`
}

/** A title in the film's own language. */
export function originalTitle(random: Random, language: Language, english: string): string {
  if (language.code === 'en' || random.chance(0.2)) return english
  const { letters } = language
  if (letters.length === 0) return `${random.pick(['La', 'Der', 'El', 'Så', 'É', 'Un'])} ${name(random)}`
  return Array.from({ length: 3 + random.below(5) }, () => random.pick(letters)).join('')
}

/** A given name or a place; companies are named after them too. */
export function name(random: Random): string {
  return `${random.pick(HEADS)}${random.pick(TAILS)}`
}

const HEROES = [
  'a retired lighthouse keeper',
  'a young violinist with nothing to lose',
  'an honest tax inspector',
  'a widowed schoolteacher',
  'the last projectionist of the city',
  'a card player who cannot lie',
  'a rookie pilot, barely nineteen,',
  'an aging stuntman',
  'a country doctor',
  'a girl who talks to pigeons',
  'the mayor\'s "adopted" son',
  'a pair of quarrelling twins',
]
const DEEDS = [
  'finds a letter that was never meant to be read',
  'inherits a hotel with one guest, who refuses to leave',
  'agrees to carry a suitcase across three borders',
  'is mistaken for the heir to a vanished fortune',
  'witnesses a crime that nobody else remembers',
  'takes in a stranger on the coldest night of the year',
  'has one summer to save the family orchard',
  "falls in love with the rival's bookkeeper",
  'wakes up in a town where every clock has stopped',
  'must choose between the truth and a quiet life',
  'bets everything on a horse that has never won',
  'joins a travelling circus bound for the sea',
]
const SETTINGS = [
  'In a mining town above the fjord',
  'On the eve of the war',
  'Far from the capital',
  'During the hottest August in memory',
  'At the edge of a disputed desert',
  'In the Café Zoltán, where nothing is ever paid for',
  'Ten years after the flood',
  'Aboard the night express',
]
const TURNS = [
  'But the past has a way of knocking twice.',
  'What begins as a prank soon becomes a matter of life and death.',
  'Old friends, old debts and one very old car complicate the journey.',
  'As the snow closes the roads, "nobody leaves" becomes more than a joke.',
  'Nothing is what it seems; nobody is who they claim to be.',
  'The police, the press and a jealous cousin are close behind.',
  'Slowly, the village begins to take sides.',
  "It will take more than luck to see the morning — and she doesn't believe in luck.",
  'Then the telephone rings.',
  'Along the way they learn what courage costs, and who pays for it.',
  'A tender portrait of three generations under one leaking roof.',
  'Filmed over seven winters, it follows the people who stayed.',
]
const TAGLINES = [
  'Some doors open only once.',
  'Every secret has a season.',
  'He came for the money. He stayed for the soup.',
  'The truth is a long way down.',
  "Don't look at the clock.",
  'Love, debt and other emergencies.',
  'They said it could not be done. They were right.',
  'One night, one bridge, "one way" home.',
]

/** One sentence of a plot. */
export function sentence(random: Random): string {
  const form = random.below(10)
  if (form < 4) return random.pick(TURNS)
  const hero = random.pick(HEROES)
  const deed = random.pick(DEEDS)
  if (form < 7) return `${random.pick(SETTINGS)}, ${hero} ${deed}.`
  return `${name(random)}, ${hero} from ${name(random)}, ${deed}.`
}

/** A plot of about 300 characters; one in a thousand has several paragraphs. */
export function overview(random: Random): string {
  let text = sentence(random)
  for (let more = random.below(4) + random.below(4); more > 0; more--) {
    text += `${random.chance(0.0003) ? '\n\n' : ' '}${sentence(random)}`
  }
  return text
}

export function tagline(random: Random): string {
  return random.pick(TAGLINES)
}

/** Repeats each value in proportion to its weight, at least once, so that drawing one is a single look-up. */
export function lots<T>(weighted: readonly (readonly [value: T, weight: number])[]): T[] {
  const total = weighted.reduce((sum, [, weight]) => sum + weight, 0)
  return weighted.flatMap(([value, weight]) => Array<T>(Math.max(1, Math.round((weight / total) * 20_000))).fill(value))
}

export const LANGUAGE_LOTS = lots(LANGUAGES.map((language) => [language, language.films]))
export const GENRE_LOTS = lots(GENRES)
export const GENRE_COUNTS = lots(
  [1, 2, 3, 4, 5, 6, 7].map((n, i) => [n, [14500, 15900, 9900, 3500, 900, 150, 30][i] ?? 0]),
)
export const COMPANY_COUNTS = lots(
  [1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 17, 26].map((n, i) => [
    n,
    [48, 24, 14, 6, 3, 1.8, 1, 0.5, 0.4, 0.2, 0.1, 0.01][i] ?? 0,
  ]),
)
export const STATUS_LOTS = lots([
  ['Released', 45014],
  ['Rumored', 230],
  ['Post Production', 98],
  ['', 87],
  ['In Production', 20],
  ['Planned', 15],
  ['Canceled', 2],
])
export const BAD_DATES = ['22', '1', '12', '1999-02-30', '2003-13-01']

/** Films by the first year of a span that lasts until the next: few early ones, then more every decade, until 2018. */
const FILMS_FROM: [year: number, films: number][] = [
  [1874, 1],
  [1878, 8],
  [1888, 80],
  [1900, 180],
  [1910, 300],
  [1920, 700],
  [1930, 2300],
  [1940, 2500],
  [1950, 2900],
  [1960, 3600],
  [1970, 4300],
  [1980, 4900],
  [1990, 6200],
  [2000, 5400],
  [2005, 6400],
  [2010, 6400],
  [2014, 5500],
  [2017, 530],
  [2018, 5],
  [2020, 1],
]
export const YEAR_LOTS = lots(
  FILMS_FROM.flatMap(([from, films], i) => {
    const years = (FILMS_FROM[i + 1]?.[0] ?? from + 1) - from
    return Array.from({ length: from === 2018 ? 1 : years }, (_, n): [number, number] => [from + n, films / years])
  }),
)
