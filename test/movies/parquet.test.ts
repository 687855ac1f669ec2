import t, { type Test } from 'tap'
import { loadReports } from '../../src/reports.ts'
import { build, type House } from '../build.ts'
import { asParquet, type ParquetFile, readParquet } from '../parquet-file.ts'
import { readCsv } from './asking.ts'
import { metadata } from './sources.ts'

const reports = (await loadReports()).filter(({ subject, single }) => subject === 'movies' && !single)

/** What decides the types of columns, where a report takes it. */
const WAYS: Record<string, string>[] = [
  {},
  { aggregate: 'mean' },
  { aggregate: 'median' },
  { attribution: 'split' },
  { prices: 'real' },
  ...[
    'revenue',
    'budget',
    'releases',
    'profit',
    'matched_profit',
    'vote_count',
    'rating_count',
    'roi',
    'popularity',
  ].map((measure) => ({ measure })),
  { measure: 'rating_average' },
  { measure: 'profit', prices: 'real' },
]

const urlOf = (report: string, query: Record<string, string>) => `/v1/movies/${report}?${new URLSearchParams(query)}`

async function askParquet(house: House, report: string, query: Record<string, string> = {}): Promise<ParquetFile> {
  const { statusCode, rawPayload } = await house.app.inject({ url: urlOf(report, { ...query, format: 'parquet' }) })
  if (statusCode !== 200) throw new Error(`${statusCode}: ${rawPayload}`)
  return await readParquet(rawPayload)
}

t.test('each report says in Parquet what it says in CSV, cell by cell, whatever it is asked for', async (t) => {
  const house = await build(t)
  await house.subjects
    .get('movies')
    ?.generate?.write({ out: house.folder, sizes: { films: 500, ratings: 3000 }, seed: 11 })
  await house.file('CPIAUCSL.csv', cpi())
  t.match(await house.load(house.folder), { state: 'published', error: null })
  // It has no content ratings, which the sample has.
  const sample = await build(t)
  const movies = sample.subjects.get('movies')?.sample
  await sample.load(movies?.path() ?? '', { format: movies?.format as string })
  const prices = await sample.load(await sample.file('CPIAUCSL.csv', cpi()), { mode: 'merge' })
  t.match(prices, { state: 'published', error: null })
  for (const { name, report } of reports)
    await t.test(name, async (t) => {
      const taken = WAYS.filter((way) => report.params.safeParse(way).success)
      const rated = name.includes('content-rating') ? sample : house
      for (const way of taken) await checkSame(t, rated, name.replace('movies/', ''), way)
    })
})

async function checkSame(t: Test, house: House, report: string, query: Record<string, string>): Promise<void> {
  const csv = await house.app.inject({ url: urlOf(report, { ...query, format: 'csv' }) })
  const [header = [], ...lines] = readCsv(csv.body)
  const { rows, types, facts } = await askParquet(house, report, query)
  const of = JSON.stringify(query)
  t.strictSame(Object.keys(types), header, `columns with ${of}`)
  t.ok(lines.length > 1, `rows with ${of}`)
  t.equal(facts.row_count, String(lines.length))
  t.strictSame(
    rows.map((row) => Object.values(row)),
    lines.map((line) => line.map((cell, index) => asParquet(cell, types[header[index] as string] as string))),
    `cells with ${of}`,
  )
  const page = await askParquet(house, report, { ...query, limit: '50' })
  t.strictSame(page.rows, rows.slice(0, 50), `a page with ${of}`)
  t.strictSame(page.types, types)
}

t.test('types follow from the question, never from the data', async (t) => {
  const house = await build(t)
  await house.file(
    'movies_metadata.csv',
    metadata([
      { budget: '10', revenue: '30' },
      { budget: '', revenue: '' },
    ]),
  )
  await house.file('CPIAUCSL.csv', cpi())
  t.match(await house.load(house.folder), { state: 'published', error: null })
  const typesOf = async (report: string, query: Record<string, string> = {}) => {
    const { types, rows } = await askParquet(house, report, query)
    const { types: ofNone, rows: none } = await askParquet(house, report, { ...query, company_id: '99' })
    t.ok(rows.length > 0 && none.length === 0)
    t.strictSame(ofNone, types, 'the same without any row')
    return types
  }
  t.strictSame(await typesOf('company-years'), {
    company_id: 'INT64',
    company: 'STRING',
    period: 'STRING',
    year: 'INT32?',
    partial: 'BOOLEAN',
    releases: 'INT64',
    budget: 'INT64?',
    budget_known: 'INT64',
    revenue: 'INT64?',
    revenue_known: 'INT64',
    profit: 'INT64?',
    matched_releases: 'INT64',
    matched_budget: 'INT64?',
    matched_revenue: 'INT64?',
    matched_profit: 'INT64?',
    roi: 'DOUBLE?',
    popularity: 'DOUBLE?',
    popularity_known: 'INT64',
    vote_average: 'DOUBLE?',
    vote_count: 'INT64?',
    rating_average: 'DOUBLE?',
    rating_count: 'INT64?',
  })
  const money = { budget: 'DECIMAL(38,2)?', revenue: 'DECIMAL(38,2)?', matched_profit: 'DECIMAL(38,2)?' }
  t.match(await typesOf('company-years', { aggregate: 'mean' }), { ...money, releases: 'INT64' })
  t.match(await typesOf('company-years', { aggregate: 'median' }), { ...money, releases: 'INT64' })
  t.match(await typesOf('company-years', { prices: 'real' }), { ...money, releases: 'INT64' })
  const shares = { releases: 'DECIMAL(38,6)', budget_known: 'DECIMAL(38,6)', vote_count: 'INT64?' }
  t.match(await typesOf('company-years', { attribution: 'split' }), { ...money, ...shares })
  t.match(await typesOf('films'), {
    film_id: 'INT64',
    release_date: 'DATE?',
    collection_id: 'INT64?',
    runtime: 'DOUBLE?',
    revenue: 'INT64?',
    suspect: 'LIST<STRING>',
    source_line: 'INT64',
  })
  t.match(await typesOf('films', { prices: 'real' }), { revenue: 'DECIMAL(38,2)?', vote_count: 'INT64?' })
  for (const [measure, nominal, real] of [
    ['revenue', 'INT64?', 'DECIMAL(38,2)?'],
    ['roi', 'DOUBLE?', 'DOUBLE?'],
    ['vote_count', 'INT64?', 'INT64?'],
  ] as const)
    for (const report of ['rankings', 'top-films']) {
      t.match((await askParquet(house, report, { measure })).types, { value: nominal }, `${report} by ${measure}`)
      t.match((await askParquet(house, report, { measure, prices: 'real' })).types, { value: real })
    }
})

t.test('whole numbers are exact to their last digit, and what 64 bits cannot hold is refused', async (t) => {
  const house = await build(t)
  const films = ['9007199254740993', '9223372036854775807', '1', '9223372036854775807']
  const file = films.map((revenue, index) => ({
    revenue,
    release_date: index < 3 ? `${1990 + index}-05-05` : '1992-05-06',
  }))
  t.match(await house.load(await house.file('movies_metadata.csv', metadata(file))), {
    state: 'published',
    error: null,
  })
  const { rows } = await askParquet(house, 'films', { fields: 'film_id,revenue', sort: 'film_id' })
  t.strictSame(
    rows.map(({ revenue }) => revenue),
    films,
  )
  t.strictSame((await askParquet(house, 'years', { to: '1991', fields: 'revenue' })).rows, [
    { revenue: '9007199254740993' },
    { revenue: '9223372036854775807' },
  ])
  for (const query of [{}, { limit: '10' }] as Record<string, string>[]) {
    const reply = await house.app.inject({ url: urlOf('years', { ...query, format: 'parquet' }) })
    t.equal(reply.statusCode, 400)
    t.match(reply.json().errors, [
      {
        parameter: 'format',
        detail:
          /^parquet holds revenue as a whole number of 64 bits, which 9223372036854775808 is too large for; ask for csv/,
      },
    ])
    t.match(reply.headers, { 'content-type': /^application\/problem\+json/ })
    t.notOk(reply.headers['content-disposition'] || reply.headers.etag)
  }
  const csv = await house.app.inject({ url: urlOf('years', { format: 'csv', from: '1992', fields: 'revenue' }) })
  t.equal(csv.body, 'revenue\r\n9223372036854775808\r\n')
  const decimal = await askParquet(house, 'years', { from: '1992', fields: 'budget,revenue', aggregate: 'mean' })
  t.strictSame(decimal.rows, [{ budget: '30000000', revenue: '4611686018427387904' }], 'a decimal has room')
})

/** A price index of whole years: each month is a little dearer. */
function cpi(): string {
  const months = Array.from({ length: 12 * 60 }, (_, month) => {
    const date = `${1960 + Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}-01`
    return `${date},${(30 + month * 0.317).toFixed(3)}`
  })
  return ['DATE,CPIAUCSL', ...months, ''].join('\n')
}
