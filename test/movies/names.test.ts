import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { companyNames } from '../../ingest/movies/company-names.ts'
import { countryCode } from '../../ingest/movies/country-codes.ts'
import { languageCode } from '../../ingest/movies/language-codes.ts'

/** Names that stand for things: split where commas part them, and given the codes that other formats have. */

const FORMS = [
  'Inc.',
  'inc',
  'Ltd.',
  'LTD',
  'LLC',
  'L.L.C.',
  'Co.',
  'Corp.',
  'S.A.',
  'S.p.A.',
  'GmbH',
  'a.s.',
  'The',
  'A.I.E.',
  'S.A. de C.V.',
]

/** A name of a company as dumps write them: no comma, but perhaps before its form; a piece that is a form alone is no name. */
const plain = fc
  .stringMatching(/^[A-Z0-9][a-zA-Z0-9 .&'é-]{0,20}[a-z0-9]$/)
  .filter((name) => !FORMS.some((form) => reduced(form) === reduced(name)) && reduced(name).length > 8)
const reduced = (name: string) => name.toLowerCase().replace(/[. ]/g, '')
const company = fc.oneof(
  plain,
  fc.tuple(plain, fc.constantFrom(...FORMS)).map(([name, form]) => `${name}, ${form}`),
  fc.tuple(plain, fc.constantFrom('Ltd.', 'Inc.')).map(([name, form]) => `${name} Co., ${form}, The`),
)

t.test('names that were joined by commas are found again, each with its form', async () => {
  fc.assert(
    fc.property(fc.array(company, { minLength: 1, maxLength: 6 }), (names) => {
      assert.deepEqual(companyNames(names.join(', ')), names)
    }),
  )
})

t.test('whatever the text, nothing of it is lost', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('A', ',', ', ', ' ', 'Inc.', 'The', 'x, y', ''), { maxLength: 12 }),
      (parts) => {
        const text = parts.join('')
        return companyNames(text).join(', ') === text
      },
    ),
  )
})

t.test('commas of their own part names that nothing tells apart, and no others', async (t) => {
  for (const [text, names] of [
    ['Geffen Company, The, Universal Pictures', ['Geffen Company, The', 'Universal Pictures']],
    ['Toho Co., Ltd., Fuji Television Network, Inc.', ['Toho Co., Ltd.', 'Fuji Television Network, Inc.']],
    ['Jackson/McHenry Company,The', ['Jackson/McHenry Company,The']],
    ['Todman, Simon, LeMasters Productions', ['Todman', 'Simon', 'LeMasters Productions']],
    ['The, Inc.', ['The, Inc.']],
    ['Inc.', ['Inc.']],
    ['Incendo, Theatre, Companyia', ['Incendo', 'Theatre', 'Companyia']],
  ] as const)
    t.strictSame(companyNames(text), names)
})

const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ']
const PAIRS = LETTERS.flatMap((a) => LETTERS.map((b) => a + b))

t.test('countries have the codes that Unicode gives them, by its names and by those of TMDB and IMDb', async (t) => {
  const region = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })
  let known = 0
  for (const code of PAIRS) {
    const name = region.of(code)?.replaceAll('’', "'")
    // Codes that stand for another, and what is no country.
    if (
      !name ||
      new Intl.Locale(`und-${code}`).region !== code ||
      ['XA', 'XB', 'ZZ', 'EU', 'EZ', 'UN', 'QO'].includes(code)
    )
      continue
    if (countryCode(name) === code) known += 1
    // A name that is younger than the table.
    else t.equal(countryCode(name), name)
  }
  t.ok(known > 240, `${known} countries`)
  for (const [name, code] of Object.entries({
    'United States of America': 'US',
    USA: 'US',
    UK: 'GB',
    'Czech Republic': 'CZ',
    Czechoslovakia: 'XC',
    'Soviet Union': 'SU',
    'East Germany': 'XG',
    'Hong Kong': 'HK',
    Macedonia: 'MK',
    "Lao People's Democratic Republic": 'LA',
    'Cocos  Islands': 'CC',
    Turkey: 'TR',
    Congo: 'Congo',
    'West Germany': 'West Germany',
    'Official site': 'Official site',
    '': '',
  }))
    t.equal(countryCode(name), code)
})

t.test('languages have the codes that Unicode gives them, by its names and by those of TMDB and IMDb', async (t) => {
  const language = new Intl.DisplayNames('en', { type: 'language', fallback: 'none' })
  let known = 0
  for (const code of PAIRS.map((pair) => pair.toLowerCase())) {
    const name = language.of(code)
    // Twi is called Akan there, as is Akan.
    if (!name || code === 'tw' || Intl.getCanonicalLocales(code)[0] !== code) continue
    if (languageCode(name) === code) known += 1
    else t.equal(languageCode(name), name)
  }
  t.ok(known > 170, `${known} languages`)
  for (const [name, code] of Object.entries({
    Mandarin: 'zh',
    Cantonese: 'cn',
    'No Language': 'xx',
    None: 'xx',
    Bengali: 'bn',
    Panjabi: 'pa',
    Filipino: 'tl',
    'Haitian; Haitian Creole': 'ht',
    Ndebele: 'Ndebele',
    Aboriginal: 'Aboriginal',
  }))
    t.equal(languageCode(name), code)
})
