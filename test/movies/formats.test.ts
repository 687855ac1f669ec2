import path from 'node:path'
import t from 'tap'
import { build, type House } from '../build.ts'
import { fileOf } from './format-files.ts'
import { metadata, sound } from './sources.ts'

/** What files of the formats beside the first mean. Figures are worked out by hand from the films that stand beside them. */

/** All rows of a report, with these columns. */
const rows = async (house: House, report: string, fields: string) =>
  (await house.get(`/v1/movies/${report}?limit=1000&fields=${fields}`)).body.data
const film = async (house: House, id: number) => (await house.get(`/v1/movies/films/${id}`)).body.data
/** What the ledger tells of the load's records. */
const told = async (house: House, id: number) =>
  (await house.get(`/v1/loads/${id}/rejects?limit=1000`)).body.data.map((row: Record<string, unknown>) => [
    row.line,
    row.column,
    `${row.severity} ${row.code}`,
    row.reason,
  ])
const namesOf = (linked: { name: string }[]) => linked.map(({ name }) => name)

t.test('tmdb-5000: lists are JSON, and ids are those of TMDB', async (t) => {
  const house = await build(t)
  const twice =
    '[{"name": "Pixar", "id": 3}, {"name": "Pixar", "id": 3}, {"name": "Moment \\u00c9tude\\/Film", "id": 9}]'
  const file = fileOf('tmdb-5000', [
    { id: '862', production_companies: twice, budget: '100000', revenue: '1100000' },
    { id: '863', budget: '0', revenue: '50000', genres: '[]' },
    { id: '864', release_date: '1996-01-01', runtime: '0.0', production_companies: '[{"id": 9, "name": "Moment"}]' },
  ])
  const load = await house.load(await house.file('tmdb_5000_movies.csv', file))
  t.match(load, { state: 'published', format: 'tmdb-5000', files: [{ read: 3, loaded: 3, rejected: 0, warnings: 0 }] })
  const fields = 'company_id,company,year,releases,budget,budget_known,revenue,revenue_known,profit'
  t.strictSame(
    (await rows(house, 'company-years', fields)).map((row: object) => Object.values(row)),
    [
      // 862 and 863: the budget of one, the revenues of both. Of two names that one film each gives, the lesser.
      [3, 'Pixar', 1995, 2, 100000, 1, 1150000, 2, 1050000],
      [9, 'Moment', 1995, 1, 100000, 1, 1100000, 1, 1000000],
      [9, 'Moment', 1996, 1, 30000000, 1, 373554033, 1, 343554033],
    ],
  )
  t.strictSame(await rows(house, 'genre-years', 'genre_id,genre,year,releases'), [
    { genre_id: 16, genre: 'Animation', year: 1995, releases: 1 },
    { genre_id: 16, genre: 'Animation', year: 1996, releases: 1 },
  ])
  t.match(await film(house, 864), {
    release_date: '1996-01-01',
    release_precision: 'day',
    runtime: null,
    imdb_id: null,
    collection: null,
    countries: [{ country_code: 'US', name: 'United States of America' }],
    languages: [{ language_code: 'en', name: 'English' }],
  })
})

t.test('tmdb-v11: films have ids of TMDB, companies and genres are their names', async (t) => {
  const house = await build(t)
  const films = [
    {
      id: '27205',
      production_companies: 'Legendary Pictures, Foo Productions, Inc., Foo Productions, Inc.',
      genres: 'Action, Science Fiction',
      production_countries: 'United States of America, United Kingdom, West Germany',
      spoken_languages: 'English, Mandarin, No Language, Klingon',
      original_language: 'cn',
    },
    { id: '27206', production_companies: 'Geffen Company, The,, legendary pictures, ', genres: 'Action,,Action,' },
    { id: '27207', production_companies: ' , ,', genres: ',', revenue: '0', budget: '' },
  ]
  const load = await house.load(await house.file('TMDB_movie_dataset_v11.csv', fileOf('tmdb-v11', films)))
  t.match(load, { state: 'published', format: 'tmdb-v11', files: [{ read: 3, loaded: 3, rejected: 0, warnings: 0 }] })
  const one = await film(house, 27205)
  t.match(one, { imdb_id: 'tt0000001', original_language: 'cn', countries: { length: 3 } })
  t.strictSame(namesOf(one.companies), ['Foo Productions, Inc.', 'Legendary Pictures'])
  t.strictSame(one.countries, [
    { country_code: 'GB', name: 'United Kingdom' },
    { country_code: 'US', name: 'United States of America' },
    { country_code: 'West Germany', name: 'West Germany' },
  ])
  t.strictSame(one.languages, [
    { language_code: 'en', name: 'English' },
    { language_code: 'Klingon', name: 'Klingon' },
    { language_code: 'zh', name: 'Mandarin' },
    { language_code: 'xx', name: 'No Language' },
  ])
  // Names are as they are written: another case is another company.
  t.strictSame(namesOf((await film(house, 27206)).companies), ['Geffen Company, The', 'legendary pictures'])
  t.match(await film(house, 27207), { companies: [], genres: [], budget: null, revenue: null })
  // 30,000,000 and 373,554,033 twice.
  t.strictSame(await rows(house, 'genre-years', 'genre,year,releases,budget,revenue'), [
    { genre: 'Action', year: 1995, releases: 2, budget: 60000000, revenue: 747108066 },
    { genre: 'Science Fiction', year: 1995, releases: 1, budget: 30000000, revenue: 373554033 },
  ])

  const ids = async () => rows(house, 'companies', 'company_id,company')
  const before = await ids()
  t.equal(before.length, 4)
  const again = fileOf('tmdb-v11', [{ id: '5', production_companies: 'Aardman' }, ...films.toReversed()])
  t.match(await house.load(await house.file('again.csv', again)), { state: 'published', format: 'tmdb-v11' })
  const after = await ids()
  t.equal(after.length, 5)
  for (const company of before) t.ok(after.some((one: object) => JSON.stringify(one) === JSON.stringify(company)))
})

t.test(
  'imdb-5000: a film is its id of IMDb, else its title and year; rows that repeat one are duplicates',
  async (t) => {
    const house = await build(t)
    const host = {
      movie_title: 'The Host\u00a0',
      movie_imdb_link: 'http://www.imdb.com/title/tt0468492/?ref_=fn_tt_tt_1',
      title_year: '2006',
      country: 'South Korea',
      language: 'Korean',
      budget: '12215500000',
      gross: '2201412',
      genres: 'Drama|Horror|Horror',
    }
    const lost = { movie_imdb_link: '', title_year: '1927' }
    const first = {
      movie_title: 'Film 1',
      movie_imdb_link: 'https://m.imdb.com/title/tt0000001',
      title_year: '1995.0',
      gross: '191796233.0',
    }
    const file = fileOf('imdb-5000', [
      first,
      host,
      host,
      { ...host, num_voted_users: '7', imdb_score: '7.0' },
      { ...lost, movie_title: 'Lost  Film' },
      { ...lost, movie_title: '\u00a0lost film', director_name: '' },
      { ...lost, movie_title: 'lost film', title_year: '1928' },
      { movie_title: 'A series', title_year: '' },
      first,
    ])
    const load = await house.load(await house.file('movie_metadata.csv', file))
    t.match(load, { state: 'published', format: 'imdb-5000' })
    t.match(load.files, [{ read: 9, loaded: 5, rejected: 0, duplicate: 4, unmatched: 0, warnings: 0 }])
    t.strictSame(
      (await told(house, load.id)).map(([line, , code]: string[]) => [line, code]),
      [
        [2, 'duplicate identical'],
        [3, 'duplicate superseded'],
        [4, 'duplicate superseded'],
        [6, 'duplicate superseded'],
      ],
    )
    const fields =
      'title,release_date,release_precision,year,budget,revenue,vote_count,suspect,source_line&sort=source_line'
    t.strictSame(
      (await rows(house, 'films', fields)).map((row: object) => Object.values(row)),
      [
        ['The Host', '2006-01-01', 'year', 2006, 12215500000, 2201412, 7, ['budget_probably_not_dollars'], 5],
        ['lost film', '1927-01-01', 'year', 1927, 30000000, 191796233, 623757, [], 7],
        ['lost film', '1928-01-01', 'year', 1928, 30000000, 191796233, 623757, [], 8],
        ['A series', null, 'day', null, 30000000, 191796233, 623757, [], 9],
        ['Film 1', '1995-01-01', 'year', 1995, 30000000, 191796233, 623757, [], 10],
      ],
    )
    const [{ film_id }] = (await house.get('/v1/movies/films?q=host&fields=film_id')).body.data
    const one = await film(house, film_id)
    t.match(one, {
      imdb_id: 'tt0468492',
      content_rating: 'G',
      runtime: 81,
      vote_average: 7,
      popularity: null,
      original_language: 'ko',
      countries: [{ country_code: 'KR', name: 'South Korea' }],
      languages: [{ language_code: 'ko', name: 'Korean' }],
      companies: [],
      crew: [{ name: 'John Lasseter', job: 'Director' }],
    })
    t.strictSame(namesOf(one.genres), ['Drama', 'Horror'])
    const { body } = await house.get('/v1/movies/years?fields=year,releases')
    t.strictSame(
      body.data.map(({ year, releases }: { year: number; releases: number }) => [year, releases]),
      [
        [1927, 1],
        [1928, 1],
        [1995, 1],
        [2006, 1],
      ],
    )
    t.strictSame(body.meta.excluded, { undated: 1 })
  },
)

t.test('only what shares its ids can be merged', async (t) => {
  const house = await build(t)
  const merged = async (name: string, text: string) =>
    (await house.load(await house.file(name, text), { mode: 'merge' })).state
  const first = await house.load(await house.file('movies_metadata.csv', metadata(sound(2))))
  t.equal(first.state, 'published')
  t.equal(await merged('a.csv', fileOf('tmdb-5000', [{ id: '3' }])), 'published')
  t.equal(await merged('b.csv', fileOf('tmdb-v11', [{}])), 'failed')
  t.equal(await merged('c.csv', fileOf('imdb-5000', [{}])), 'failed')
  t.equal((await rows(house, 'films', 'film_id')).length, 3)
  t.equal((await house.load(await house.file('d.csv', fileOf('imdb-5000', [{}, {}])))).state, 'published')
  t.equal(await merged('e.csv', fileOf('imdb-5000', [{ movie_title: 'New' }])), 'published')
  t.strictSame(namesOfFilms(await rows(house, 'films', 'title&sort=title')), ['Film 2', 'New'])
  t.equal(await merged('movies.json', '[{"Title": "Film 1", "Release Date": "Jan 1 1995"}]'), 'failed')
})

const namesOfFilms = (films: { title: string }[]) => films.map(({ title }) => title)

/** The column and what stands in it, then the severity and code, and the reason, that the ledger must give; none when it is sound. */
type Cell = readonly [column: string, cell: string, what?: string, reason?: string]

const long = 'x'.repeat(401)
const notUtf8 = 'holds bytes that are not UTF-8'
const isoForm = 'is not a date of the form YYYY-MM-DD'
const x60 = `"${'x'.repeat(60)}…"`

const CELLS: [format: Parameters<typeof fileOf>[0], cells: Cell[]][] = [
  [
    'tmdb-5000',
    [
      ['id', '5.5', 'reject bad_id', '"5.5" is not an integer'],
      ['title', '', 'reject missing', 'is missing'],
      [
        'genres',
        "[{'id': 16, 'name': 'Animation'}]",
        'warning bad_literal',
        `no JSON in "[{'id': 16, 'name': 'Animation'}]"`,
      ],
      ['genres', '['.repeat(100_000), 'warning bad_literal', `no JSON in "${'['.repeat(60)}…"`],
      ['genres', '{}', 'warning bad_literal', 'the value: Invalid input: expected array, received object in "{}"'],
      ['genres', '[null]', 'warning bad_member', '0: Invalid input: expected object, received null in null'],
      [
        'production_companies',
        '[{"id": "3", "name": "P"}]',
        'warning bad_member',
        '0.id: Invalid input: expected number, received string in {"id":"3","name":"P"}',
      ],
      [
        'production_companies',
        '[{"id": 3, "name": "\\ud800"}]',
        'warning bad_member',
        '0.name: holds a character that is no text in {"id":3,"name":"\\ud800"}',
      ],
      [
        'production_companies',
        '[{"id": 3, "name": "P',
        'warning bad_literal',
        'no JSON in "[{\\"id\\": 3, \\"name\\": \\"P"',
      ],
      ['budget', '/ff9q.jpg', 'warning bad_money', '"/ff9q.jpg" is not an amount in dollars'],
      ['release_date', '22', 'warning bad_date', `"22" ${isoForm}`],
      ['keywords', 'Toys\ue0ff', 'warning invalid_utf8', notUtf8],
      ['genres', ''],
      ['homepage', ''],
    ],
  ],
  [
    'tmdb-v11',
    [
      ['id', 'tt0111161', 'reject bad_id', '"tt0111161" is not an integer'],
      ['title', 'Am\ue0e9lie', 'reject invalid_utf8', notUtf8],
      ['overview', 'Earth?\ue094s Mightiest Heroes', 'warning invalid_utf8', notUtf8],
      ['genres', 'Com\ue0e9die, Drama', 'warning invalid_utf8', notUtf8],
      ['production_companies', `, ${long}`, 'warning too_long', `${x60} is longer than 400 characters`],
      [
        'production_companies',
        "[{'name': 'Pixar', 'id': 3}]",
        'warning bad_names',
        `"[{'name': 'Pixar', 'id': 3}]" is a list in another notation; names are expected`,
      ],
      ['genres', '[]', 'warning bad_names', '"[]" is a list in another notation; names are expected'],
      ['release_date', '15/07/2010', 'warning bad_date', `"15/07/2010" ${isoForm}`],
      ['revenue', '-12', 'warning negative_money', '"-12" is negative'],
      ['vote_average', '84', 'warning number_out_of_range', '"84" is not between 0 and 10'],
      ['backdrop_path', 'what is not read is no matter \ue0ff'],
      ['adult', 'perhaps'],
      ['production_companies', '[REC] Films, 20th Century Fox'],
      ['production_companies', ' , ,'],
    ],
  ],
  [
    'imdb-5000',
    [
      ['movie_title', '\u00a0 ', 'reject missing', 'is missing'],
      ['movie_title', `${long}\u00a0`, 'reject too_long', `${x60} is longer than 400 characters`],
      ['movie_title', 'Avatar\ue0a0', 'reject invalid_utf8', notUtf8],
      [
        'movie_imdb_link',
        'http://www.imdb.com/name/nm0000116/',
        'warning bad_link',
        '"http://www.imdb.com/name/nm0000116/" is no link to a title of IMDb',
      ],
      ['movie_imdb_link', '/title/tt12x', 'warning bad_link', '"/title/tt12x" is no link to a title of IMDb'],
      ['title_year', '95', 'warning bad_year', '"95" is not a year of four digits'],
      ['title_year', '0000', 'warning bad_year', '"0000" is not a year of four digits'],
      ['title_year', '2009.5', 'warning bad_year', '"2009.5" is not a year of four digits'],
      ['budget', '$30', 'warning bad_money', '"$30" is not an amount in dollars'],
      ['gross', '12.5', 'warning bad_money', '"12.5" has cents; whole dollars are expected'],
      ['genres', '[]', 'warning bad_names', '"[]" is a list in another notation; names are expected'],
      ['duration', 'an hour', 'warning bad_number', '"an hour" is not a number'],
      ['imdb_score', '83', 'warning number_out_of_range', '"83" is not between 0 and 10'],
      ['num_voted_users', '1e6', 'warning bad_count', '"1e6" is not a count'],
      ['director_name', 'G\ue0f6tz', 'warning invalid_utf8', notUtf8],
      ['country', long, 'warning too_long', `${x60} is longer than 400 characters`],
      ['color', ' Black and White'],
      ['movie_imdb_link', ''],
      ['language', ''],
    ],
  ],
]

/** Where a column is shown on a film; null or empty is what must stand there when its cell is bad. */
const SHOWN: Record<string, string> = {
  production_companies: 'companies',
  gross: 'revenue',
  duration: 'runtime',
  imdb_score: 'vote_average',
  num_voted_users: 'vote_count',
  movie_imdb_link: 'imdb_id',
  title_year: 'release_date',
  director_name: 'crew',
  country: 'countries',
}

for (const [format, cells] of CELLS)
  t.test(`a bad cell of ${format} costs itself, or its record when that rests on it`, async (t) => {
    const house = await build(t)
    const text = fileOf(
      format,
      cells.map(([column, cell]) => ({ [column]: cell })),
    )
    const load = await house.load(await house.file('any.csv', bytes(text)))
    const rejected = cells.filter(([, , what]) => what?.startsWith('reject')).length
    const warned = cells.filter(([, , what]) => what?.startsWith('warning')).length
    t.match(load, { state: 'published', format, error: null })
    t.match(load.files, [
      { read: cells.length, loaded: cells.length - rejected, rejected, duplicate: 0, unmatched: 0, warnings: warned },
    ])
    t.strictSame(
      await told(house, load.id),
      cells.flatMap(([column, , what, reason], index) => (what ? [[index + 2, column, what, reason]] : [])),
    )
    const films = await rows(house, 'films', 'film_id,source_line')
    for (const [index, [column, , what]] of cells.entries()) {
      const found = films.find(({ source_line }: { source_line: number }) => source_line === index + 2)
      if (what?.startsWith('reject')) t.equal(found, undefined)
      else if (what) {
        const shown = (await film(house, found.film_id))[SHOWN[column] ?? column] ?? null
        t.ok(shown === null || shown.length === 0, `no ${column} of line ${index + 2}`)
      }
    }
  })

t.test('of names in one cell a bad one costs itself, and the others stay', async (t) => {
  const house = await build(t)
  const long = 'x'.repeat(401)
  const one = { production_companies: `A, ${long}, B`, genres: `Drama, ${long}` }
  const load = await house.load(await house.file('any.csv', fileOf('tmdb-v11', [one])))
  t.match(load, { state: 'published', format: 'tmdb-v11', files: [{ loaded: 1, warnings: 2 }] })
  const [{ film_id }] = await rows(house, 'films', 'film_id')
  t.match(await film(house, film_id), { companies: [{ name: 'A' }, { name: 'B' }], genres: [{ name: 'Drama' }] })
})

/** UTF-8, but U+E080 to U+E0FF are single bytes from 80 to FF. */
function bytes(text: string): Buffer {
  const parts = text.split(/([\ue080-\ue0ff])/)
  return Buffer.concat(
    parts.map((part, at) => (at % 2 === 1 ? Buffer.of(part.charCodeAt(0) & 0xff) : Buffer.from(part))),
  )
}

/**
 * Real files, with totals that a Python program of a few lines took from them with its own csv, json and re modules: last record of an
 * id, 0 and blank unknown, years as they stand, lists split at `|` or `, ` (no name of these 40 films has a comma).
 */
const shared = process.env.REELHOUSE_SHARED_DATA
const REAL = [
  {
    file: 'imdb_5000.head300.csv',
    format: 'imdb-5000',
    counts: { read: 300, loaded: 297, rejected: 0, duplicate: 3, warnings: 0 },
    years: {
      rows: 25,
      releases: 293,
      budget: 43337200000,
      budget_known: 288,
      revenue: 50794495476,
      revenue_known: 288,
    },
    matched: { matched_releases: 287, matched_profit: 7412225138, vote_count: 81569783 },
    genreYears: { rows: 267, releases: 1081 },
    companyYears: { rows: 0, releases: 0 },
    in2012: { releases: 21, budget: 3524700000, revenue: 4227709399, vote_average: 7.558272, popularity: null },
    action2012: { releases: 11, budget: 2134700000, revenue: 2391989099 },
    undated: 4,
  },
  {
    file: 'tmdb_5000_movies.head300.csv',
    format: 'tmdb-5000',
    counts: { read: 300, loaded: 300, rejected: 0, duplicate: 0, warnings: 0 },
    years: {
      rows: 25,
      releases: 300,
      budget: 44601750403,
      budget_known: 299,
      revenue: 140942833278,
      revenue_known: 297,
    },
    matched: { matched_releases: 297, matched_profit: 96518082875, vote_count: 936047 },
    genreYears: { rows: 250, releases: 979 },
    companyYears: { rows: 954, releases: 1168 },
    in2012: {
      releases: 21,
      budget: 3639000000,
      revenue: 12560466303,
      vote_average: 6.852021,
      popularity: 77.2435740952,
    },
    action2012: { releases: 12, budget: 2364000000, revenue: 8434714941 },
    undated: 0,
  },
  {
    file: 'tmdb_v11.head40.csv',
    format: 'tmdb-v11',
    // Six plots hold bytes that are not UTF-8.
    counts: { read: 40, loaded: 40, rejected: 0, duplicate: 0, warnings: 6 },
    years: { rows: 19, releases: 40, budget: 5941500000, budget_known: 40, revenue: 37050825270, revenue_known: 40 },
    matched: { matched_releases: 40, matched_profit: 31109325270, vote_count: 954882 },
    genreYears: { rows: 83, releases: 114 },
    companyYears: { rows: 110, releases: 114 },
    in2012: { releases: 4, budget: 645000000, revenue: 3719619764, vote_average: 7.732278, popularity: 64.69925 },
    action2012: { releases: 2, budget: 470000000, revenue: 2599856802 },
    undated: 0,
  },
]

t.test(
  'real files of each format give the totals that another program takes from them',
  shared === undefined ? { skip: 'REELHOUSE_SHARED_DATA names no folder with the data' } : {},
  async (t) => {
    const house = await build(t)
    const all = async (report: string): Promise<Record<string, number>[]> => {
      const { body } = await house.app.inject({ url: `/v1/movies/${report}?format=ndjson` })
      return body
        .split('\n')
        .slice(0, -2)
        .map((line) => JSON.parse(line))
    }
    const sum = (rows: Record<string, number>[], column: string) =>
      rows.reduce((total, row) => total + (row[column] ?? 0), 0)
    for (const { file, format, counts, ...expected } of REAL) {
      const load = await house.load(path.join(shared as string, 'formats', file))
      t.match(load, { state: 'published', format, files: [counts] })
      const years = await all('years')
      for (const [column, total] of Object.entries({ ...expected.years, ...expected.matched }))
        t.equal(column === 'rows' ? years.length : sum(years, column), total, `${format}: ${column}`)
      for (const [report, total] of [
        ['genre-years', expected.genreYears],
        ['company-years', expected.companyYears],
      ] as const) {
        const found = await all(report)
        t.strictSame({ rows: found.length, releases: sum(found, 'releases') }, total, `${format}: ${report}`)
      }
      t.match(
        years.find(({ year }) => year === 2012),
        expected.in2012,
      )
      t.match(
        (await all('genre-years')).find((row) => (row.genre as unknown) === 'Action' && row.year === 2012),
        expected.action2012,
      )
      t.match((await house.get('/v1/movies/years?limit=1')).body.meta.excluded, { undated: expected.undated })
    }
  },
)
