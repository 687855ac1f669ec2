import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import t from 'tap'
import type { LoadView } from '../../queries/loads.ts'
import { build } from '../build.ts'
import { metadata, vega } from './sources.ts'

/**
 * A bad cell costs itself, and is a warning; where the record's identity rests on it, it costs the record, and is a reject. Each is
 * told with file, line, code, column and reason, and no other record suffers.
 */

/** The column and what stands in it, then the severity, the code and the reason that the ledger must give. */
type BadCell = readonly [column: string, cell: string, severityAndCode: string, reason: string]
/** The column of the file and what stands in it, then what must be stored. */
type SoundCell = readonly [column: string, cell: string, stored: unknown]

/** No compression makes it short enough for an index. */
const long = randomBytes(9000).toString('base64')
const notUtf8 = 'holds bytes that are not UTF-8'
const isoForm = 'is not a date of the form YYYY-MM-DD'

const badInCsv: BadCell[] = [
  ['id', '9007199254740992', 'reject id_out_of_range', '"9007199254740992" is larger than 2^53 - 1'],
  ['id', '1997-08-20', 'reject bad_id', '"1997-08-20" is not an integer'],
  ['id', '-5', 'reject bad_id', '"-5" is not an integer'],
  ['id', '0', 'reject bad_id', '"0" is not a positive integer'],
  ['id', '5.5', 'reject bad_id', '"5.5" is not an integer'],
  ['id', ' ', 'reject missing', 'is missing'],
  ['title', '', 'reject missing', 'is missing'],
  ['title', ' \t ', 'reject missing', 'is missing'],
  ['title', 'Am\xe9lie', 'reject invalid_utf8', notUtf8],
  ['title', 'a\0b', 'reject nul_character', 'holds a NUL character'],
  ['tagline', 'caf\xe9', 'warning invalid_utf8', notUtf8],
  ['genres', "[{'id': 1, 'name': 'Com\xe9die'}]", 'warning invalid_utf8', notUtf8],
  ['overview', 'a\0b', 'warning nul_character', 'holds a NUL character'],
  ['release_date', '2010-02-30', 'warning bad_date', '2010-02-30 is not in the calendar'],
  ['release_date', '22', 'warning bad_date', `"22" ${isoForm}`],
  ['release_date', '0000-01-01', 'warning bad_date', '0000-01-01 is not in the calendar'],
  ['budget', '9223372036854775808', 'warning money_out_of_range', '"9223372036854775808" is past 2^63 - 1'],
  ['revenue', '-12', 'warning negative_money', '"-12" is negative'],
  ['budget', '12.50', 'warning bad_money', '"12.50" has cents; whole dollars are expected'],
  ['budget', '/ff9qCepilowshEt.jpg', 'warning bad_money', '"/ff9qCepilowshEt.jpg" is not an amount in dollars'],
  ['budget', '1e400', 'warning bad_money', '"1e400" is not an amount in dollars'],
  ['popularity', '1e400', 'warning number_out_of_range', '"1e400" is not between 0 and 1000000000000'],
  ['popularity', '1e-400', 'warning number_out_of_range', '"1e-400" is not between 0 and 1000000000000'],
  ['popularity', 'NaN', 'warning bad_number', '"NaN" is not a number'],
  ['vote_count', '-1', 'warning bad_count', '"-1" is not a count'],
  ['original_language', long, 'warning too_long', `"${long.slice(0, 60)}…" is longer than 400 characters`],
  ['genres', 'Odyssey', 'warning bad_literal', 'the name Odyssey is not a value at character 1 in "Odyssey"'],
  ['genres', 'False', 'warning bad_literal', 'the value: Invalid input: expected array, received boolean in "False"'],
  [
    'production_companies',
    "[{'name': 'Pixar",
    'warning bad_literal',
    "a string that is never closed begins at character 11 in \"[{'name': 'Pixar\"",
  ],
  [
    'genres',
    '['.repeat(100_000),
    'warning bad_literal',
    `brackets nest deeper than 64 at character 65 in "${'['.repeat(60)}…"`,
  ],
  [
    'genres',
    "[{'id': 1, 'name': '\\ud800'}]",
    'warning bad_member',
    '0.name: holds a character that is no text in {"id":1,"name":"\\ud800"}',
  ],
  [
    'genres',
    "[{'id': 1, 'name': '\\x00'}]",
    'warning bad_member',
    '0.name: holds a character that is no text in {"id":1,"name":"\\u0000"}',
  ],
  [
    'production_companies',
    "[{'id': 9007199254740993, 'name': 'P'}]",
    'warning bad_member',
    '0.id: Invalid input: expected number, received bigint in {"id":"9007199254740993","name":"P"}',
  ],
  [
    'spoken_languages',
    `[{'iso_639_1': '${long}', 'name': ''}]`,
    'warning bad_member',
    `0.iso_639_1: Too big: expected string to have <=400 characters in {"iso_639_1":"${long.slice(0, 46)}…`,
  ],
]

const soundInCsv: SoundCell[] = [
  ['id', '2147483648', '2147483648'],
  ['id', '9007199254740991', '9007199254740991'],
  ['id', '862.0', '862'],
  ['id', '863.', '863'],
  ['title', long, long],
  ['release_date', '0001-01-01', '0001-01-01'],
  ['budget', '9223372036854775807', '9223372036854775807'],
  ['budget', '0.0', null],
  ['budget', '0', null],
  ['budget', '250000.0', '250000'],
  ['popularity', '2.1e-05', '0.000021'],
  ['popularity', '0', '0'],
  ['status', '', null],
]

/** Cells are JSON texts here. */
const badInJson: BadCell[] = [
  ['Title', 'null', 'reject missing', 'is missing'],
  ['Title', '" "', 'reject missing', 'is missing'],
  ['Title', 'true', 'reject not_text', 'expected text, found "true"'],
  ['Title', '["a"]', 'reject not_text', 'expected text, found "[\\"a\\"]"'],
  ['Title', '"\\ud800"', 'reject invalid_unicode', 'holds half of a surrogate pair'],
  ['Title', '"\xe9"', 'reject invalid_utf8', notUtf8],
  ['Title', `"${long}"`, 'reject too_long', `"${long.slice(0, 60)}…" is longer than 400 characters`],
  ['Director', `"${long}"`, 'warning too_long', `"${long.slice(0, 60)}…" is longer than 400 characters`],
  ['Distributor', '"a\\u0000b"', 'warning nul_character', 'holds a NUL character'],
  ['Major Genre', '{"name": "Drama"}', 'warning not_text', 'expected text, found "{\\"name\\":\\"Drama\\"}"'],
  ['Release Date', '"Feb 30 2010"', 'warning bad_date', '"Feb 30 2010" is not a date of the form Jun 12 1998'],
  ['Release Date', '"1998-06-12"', 'warning bad_date', '"1998-06-12" is not a date of the form Jun 12 1998'],
  ['Production Budget', '9223372036854775808', 'warning money_out_of_range', '"9223372036854775808" is past 2^63 - 1'],
  ['Production Budget', '1e400', 'warning bad_money', '"1e400" is not an amount in dollars'],
  ['Worldwide Gross', '-12', 'warning negative_money', '"-12" is negative'],
  ['Worldwide Gross', '12.5', 'warning bad_money', '"12.5" has cents; whole dollars are expected'],
  ['IMDB Rating', '11', 'warning number_out_of_range', '"11" is not between 0 and 10'],
]

const soundInJson: SoundCell[] = [
  ['Title', '1776', '1776'],
  ['Production Budget', '9007199254740993', '9007199254740993'],
  ['Production Budget', '1.5e7', '15000000'],
  ['Worldwide Gross', '0', null],
  ['Worldwide Gross', '"373554033"', '373554033'],
]

/** What the ledger tells of the load, as a bad cell has it, with the line. */
async function told(house: Awaited<ReturnType<typeof build>>, load: LoadView) {
  const { body } = await house.get(`/v1/loads/${load.id}/rejects?limit=1000`)
  return body.data.map((row: Record<string, unknown>) => [
    row.line,
    row.column,
    `${row.severity} ${row.code}`,
    row.reason,
  ])
}

/** What was stored of each line, every value as its text. */
async function storedByLine(house: Awaited<ReturnType<typeof build>>, load: LoadView) {
  const { rows } = await sql<{ line: number; film: Record<string, string | null> }>`
    select source_line as line,
           (select json_object_agg(key, value) from jsonb_each_text(to_jsonb(film) || coalesce(to_jsonb(film_text), '{}') || jsonb_build_object(
              'genres', (select string_agg(genre_id::text, ',') from movies.film_genre g where (g.load_id, g.film_id) = (film.load_id, film.film_id)),
              'companies', (select string_agg(company_id::text, ',') from movies.film_company c where (c.load_id, c.film_id) = (film.load_id, film.film_id)),
              'languages', (select string_agg(language_code, ',') from movies.film_language l where (l.load_id, l.film_id) = (film.load_id, film.film_id)),
              'people', (select string_agg(person_id::text, ',') from movies.film_crew p where (p.load_id, p.film_id) = (film.load_id, film.film_id))))) as film
    from movies.film left join movies.film_text using (load_id, film_id) where load_id = ${load.id}`.execute(
    house.warehouse.writer,
  )
  return new Map(rows.map(({ line, film }) => [line, film]))
}

/** Where a column of a file is stored. */
const PLACES: Record<string, string> = {
  id: 'film_id',
  production_companies: 'companies',
  spoken_languages: 'languages',
  Title: 'title',
  'Release Date': 'release_date',
  'Production Budget': 'budget',
  'Worldwide Gross': 'revenue',
  'IMDB Rating': 'vote_average',
  Distributor: 'companies',
  'Major Genre': 'genres',
  Director: 'people',
}

const shorter = (cell: string) => JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}…` : cell)

for (const { name, firstLine, bad, sound, content } of [
  {
    name: 'movies_metadata.csv',
    firstLine: 2,
    bad: badInCsv,
    sound: soundInCsv,
    // One byte a character: what is past ASCII is then not UTF-8.
    content: (cells: (readonly [string, string, ...unknown[]])[]) =>
      Buffer.from(metadata(cells.map(([column, cell]) => ({ [column]: cell }))), 'latin1'),
  },
  {
    name: 'movies.json',
    firstLine: 1,
    bad: badInJson,
    sound: soundInJson,
    content: (cells: (readonly [string, string, ...unknown[]])[]) =>
      Buffer.from(vega(cells.map(([column, cell]) => `"${column}": ${cell}`)), 'latin1'),
  },
])
  t.test(`a bad cell of ${name} costs itself, or its record when that rests on it`, async (t) => {
    const house = await build(t)
    const load = await house.load(await house.file(name, content([...bad, ...sound])))
    const rejected = bad.filter(([, , what]) => what.startsWith('reject'))
    t.match(load, { state: 'published', error: null })
    t.match(load.files, [
      {
        read: bad.length + sound.length,
        loaded: bad.length + sound.length - rejected.length,
        rejected: rejected.length,
        duplicate: 0,
        unmatched: 0,
        warnings: bad.length - rejected.length,
      },
    ])
    t.strictSame(
      await told(house, load),
      bad.map(([column, , what, reason], index) => [index + firstLine, column, what, reason]),
    )
    const stored = await storedByLine(house, load)
    for (const [index, [column, cell, what]] of bad.entries()) {
      const film = stored.get(index + firstLine)
      if (what.startsWith('reject')) t.equal(film, undefined, `no film with ${column} ${shorter(cell)}`)
      else
        t.equal(
          film ? (film[PLACES[column] ?? column] ?? null) : 'no film',
          null,
          `a film without its ${column} ${shorter(cell)}`,
        )
    }
    for (const [index, [column, cell, value]] of sound.entries()) {
      const film = stored.get(index + bad.length + firstLine)
      t.equal(film?.[PLACES[column] ?? column], value, `${column} ${shorter(cell)}`)
    }
  })

t.test('a bad member of a list costs itself, and a list that is bad throughout is told in few words', async (t) => {
  const house = await build(t)
  const company = (id: unknown, name: string) => `{'name': '${name}', 'id': ${id}}`
  const load = await house.load(
    await house.file(
      'movies_metadata.csv',
      metadata([
        {
          production_companies: `[${company(3, 'Pixar')}, ${company("'abc'", 'Who')}, ${company(4, 'Four')}, None]`,
          genres: "[{'id': 16}, {'id': 35, 'name': 'Comedy'}]",
          production_countries: "[{'iso_3166_1': '', 'name': 'Nowhere'}, {'iso_3166_1': 'FR', 'name': 'France'}]",
          spoken_languages: "[{'iso_639_1': 'en', 'name': 'English'}, 5]",
        },
        {
          production_companies: `[${Array.from({ length: 50 }, (_, at) => company(-at, 'X')).join()}, ${company(7, 'Seven')}]`,
        },
      ]),
    ),
  )
  t.match(load, { state: 'published', error: null, files: [{ read: 2, loaded: 2, warnings: 5 + 50 }] })
  const found = await told(house, load)
  const expected = 'Invalid input: expected'
  t.strictSame(found.slice(0, 5), [
    [
      2,
      'production_companies',
      'warning bad_member',
      `1.id: ${expected} number, received string in {"name":"Who","id":"abc"}`,
    ],
    [2, 'production_companies', 'warning bad_member', `3: ${expected} object, received null in null`],
    [2, 'genres', 'warning bad_member', `0.name: ${expected} string, received undefined in {"id":16}`],
    [
      2,
      'production_countries',
      'warning bad_member',
      '0.iso_3166_1: Too small: expected string to have >=1 characters in {"iso_3166_1":"","name":"Nowhere"}',
    ],
    [2, 'spoken_languages', 'warning bad_member', `1: ${expected} object, received number in 5`],
  ])
  const many = found.slice(5)
  t.equal(many.length, 21)
  const others = Array.from({ length: 30 }, (_, at) => at + 20).join(', ')
  t.strictSame(many.at(-1), [
    3,
    'production_companies',
    'warning bad_member',
    `30 more members are no better: ${others}`,
  ])
  const stored = await storedByLine(house, load)
  t.match(stored.get(2), { companies: '3,4', genres: '35', languages: 'en' })
  t.match(stored.get(3), { companies: '7' })
})

t.test('a record that is none is a reject, and those around it are read', async (t) => {
  const house = await build(t)
  const sound = metadata([{}, {}, {}])
  const [header, first, second, third] = sound.split('\n')
  const width = 'has 3 fields where the header has 24'
  const huge = metadata([{ overview: 'x'.repeat(10 << 20) }]).split('\n')[1] as string
  const csv = [
    header,
    first,
    '4,"a film",that lacks fields',
    `${second?.replace('Film 2', 'Film "2"')}`,
    `${second?.replace('"[', '"["[')}`,
    huge.replace('Film 1', 'Film 7'),
    second,
    cutInTwo(third as string),
  ].join('\n')
  const load = await house.load(await house.file('movies_metadata.csv', csv))
  t.match(load.files, [{ read: 7, loaded: 2, rejected: 5, duplicate: 0, unmatched: 0 }])
  t.strictSame(await told(house, load), [
    [3, null, 'reject wrong_field_count', width],
    [4, null, 'reject stray_quote', 'has a quote inside a cell that does not begin with one, on line 4'],
    [5, null, 'reject text_after_quote', 'has text behind the closing quote of a cell, on line 5'],
    [6, null, 'reject record_too_large', `is larger than 1 MiB: ${(huge.length + 1).toLocaleString('en')} bytes`],
    [8, null, 'reject wrong_field_count', 'has 9 fields where the header has 24'],
  ])

  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  const records = [`null`, '[]', '42', '"film"', '{}', `{"Title": "Deep", "Director": ${deep}}`, '{"Title": "Sound"}']
  const json = await house.load(await house.file('movies.json', `[${records.join(',')}]`))
  t.match(json.files, [{ read: 7, loaded: 1, rejected: 6, duplicate: 0, unmatched: 0, warnings: 0 }])
  t.strictSame(await told(house, json), [
    [1, null, 'reject not_an_object', 'is null, not an object'],
    [2, null, 'reject not_an_object', 'is an array, not an object'],
    [3, null, 'reject not_an_object', 'is a number, not an object'],
    [4, null, 'reject not_an_object', 'is a string, not an object'],
    [5, 'Title', 'reject missing', 'is missing'],
    [6, null, 'reject nested_too_deeply', 'is nested deeper than 64 levels'],
  ])
})

/** What is left of a last line that was cut. */
const cutInTwo = (line: string) => line.split(',').slice(0, 10).join(',')
