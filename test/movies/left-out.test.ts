import t from 'tap'
import { build, type House } from '../build.ts'
import { type Cells, metadata } from './sources.ts'
import { folderOf } from './whole-data.ts'

/** What reports tell of films that they leave out, of a few films, reckoned by hand. */

const CPI = [
  'DATE,CPIAUCSL',
  '1995-09-01,100',
  '1995-10-01,.',
  ...Array.from({ length: 12 }, (_, month) => `1996-${String(month + 1).padStart(2, '0')}-01,100`),
].join('\n')

const film = (cells: Cells): Cells => ({ budget: '20000', revenue: '30000', ...cells })

/** Of 1995-10 the index has no value, and 1990 is before it. */
const FILMS = [
  film({ release_date: '1996-03-01' }),
  film({ release_date: '1995-10-30' }),
  film({ release_date: '1990-01-01', budget: '0' }),
  film({ release_date: '1990-01-01', budget: '0', revenue: '0' }),
  film({ release_date: '' }),
  film({ release_date: '1995-10-30', production_companies: '[]' }),
]

const housed = async (t: Parameters<typeof build>[0]) => {
  const house = await build(t)
  const { error } = await house.load(
    await folderOf(house, 'a', { 'movies_metadata.csv': metadata(FILMS), 'CPIAUCSL.csv': CPI }),
  )
  t.equal(error, null)
  return house
}

const told = async (house: House, question: string, what: string): Promise<unknown> => {
  const { status, body } = await house.get(`/v1/movies/${question}`)
  return status === 200 ? body.meta[what] : body
}

t.test('films whose price is unknown are counted where money is real, and told from those without money', async (t) => {
  const house = await housed(t)
  const asked: [question: string, excluded: Record<string, number>][] = [
    ['years', { undated: 1, price_unknown: 3 }],
    ['years?grain=month', { undated: 1, month_unknown: 0, price_unknown: 3 }],
    ['years?to=1994', { undated: 1, price_unknown: 1 }],
    ['company-years', { undated: 1, price_unknown: 2 }],
    ['company-years?min_releases=2', { undated: 1, price_unknown: 2 }],
    ['company-years?company_id=99', { undated: 0, price_unknown: 0 }],
    ['companies', { undated: 0, price_unknown: 3 }],
    ['companies?from=1991', { undated: 1, price_unknown: 1 }],
    ['rankings', { undated: 1, price_unknown: 2 }],
    ['top-films', { undated: 1, price_unknown: 3 }],
    ['top-films?by=all', { undated: 0, price_unknown: 4 }],
    ['roi', { undated: 0, price_unknown: 4 }],
    ['roi?by=company', { undated: 0, price_unknown: 3 }],
    ['roi?by=budget_band', { undated: 0, price_unknown: 3 }],
    ['films', { undated: 0, price_unknown: 4 }],
    ['films?year=1995', { undated: 1, price_unknown: 2 }],
  ]
  for (const [question, excluded] of asked) {
    t.strictSame(await told(house, question.replace(/\?|$/, '?prices=real&'), 'excluded'), excluded, question)
    const { price_unknown, ...others } = excluded
    t.strictSame(await told(house, question, 'excluded'), others, `nominal ${question}`)
  }

  const leftOut = async (question: string) => {
    const { films } = (await house.get(`/v1/movies/${question}&explain=true`)).body.data
    const some = films.left_out.filter((one: { films: number }) => one.films > 0)
    return [films.counted, ...some.map((one: { reason: string; films: number }) => `${one.reason}: ${one.films}`)]
  }
  const reasons: [question: string, counted: number, ...leftOut: string[]][] = [
    ['roi?by=all', 4, 'budget_unknown: 2'],
    ['roi?by=all&prices=real', 1, 'budget_unknown: 2', 'price_unknown: 3'],
    ['roi?by=budget_band&prices=real', 1, 'budget_unknown: 2', 'price_unknown: 3'],
    ['top-films?prices=real', 1, 'undated: 1', 'price_unknown: 3', 'revenue_unknown: 1'],
    // Of a film without a budget there is no profit at whatever price.
    ['top-films?measure=profit&prices=real', 1, 'undated: 1', 'price_unknown: 2', 'profit_unknown: 2'],
    ['top-films?measure=popularity&prices=real', 5, 'undated: 1'],
    ['rankings?prices=real', 1, 'undated: 1', 'no_company: 1', 'price_unknown: 2', 'revenue_unknown: 1'],
    ['rankings?measure=roi&prices=real', 1, 'undated: 1', 'no_company: 1', 'price_unknown: 1', 'roi_unknown: 2'],
    ['rankings?dimension=genre&grain=all&prices=real', 5, 'undated: 1'],
    ['rankings?grain=year', 4, 'undated: 1', 'no_company: 1'],
  ]
  for (const [question, ...expected] of reasons) t.strictSame(await leftOut(question), expected, question)
})

t.test('what years and suspicions leave out is told by every report, and which periods are not whole', async (t) => {
  const house = await build(t)
  await house.load(
    await folderOf(house, 'a', {
      'movies_metadata.csv': metadata([
        film({ release_date: '1996-03-01' }),
        film({ release_date: '1996-03-02', budget: '7' }),
        film({ release_date: '' }),
        film({ release_date: '', budget: '7' }),
      ]),
    }),
  )
  for (const report of ['ratings', 'ratings?by=genre', 'roi', 'roi?by=budget_band', 'companies', 'genres', 'films']) {
    const asked = (more: string) => told(house, report.replace(/\?|$/, `?${more}&`), 'excluded')
    t.strictSame(await asked(''), { undated: 0 }, report)
    t.strictSame(await asked('from=1990'), { undated: 2 }, report)
    t.strictSame(await asked('to=2000&exclude_suspect=true'), { undated: 1, suspect: 1 }, report)
    t.strictSame(await asked('exclude_suspect=true'), { undated: 0, suspect: 2 }, report)
    t.equal(await told(house, report, 'partial_from'), undefined, report)
  }
  for (const [report, partialFrom] of [
    ['ratings?by=year', '1996'],
    ['top-films', '1996'],
    ['top-films?by=decade', '1990s'],
  ] as const) {
    t.strictSame(await told(house, report, 'excluded'), { undated: 2 }, report)
    t.equal(await told(house, report, 'partial_from'), partialFrom, report)
  }
})

t.test('a price index tells where it has gaps and which file it is, also of a single film', async (t) => {
  const house = await housed(t)
  const [{ sha256 }] = (await house.get('/v1/loads/1')).body.files.filter(
    ({ family }: { family: string }) => family === 'price_index',
  )
  const prices = { base_year: 1996, from: '1995-09', to: '1996-12', gaps: 3, load: 1, file: 'CPIAUCSL.csv', sha256 }
  t.match(await told(house, 'years?prices=real', 'prices'), prices)
  t.match(await told(house, 'films/1?prices=real', 'prices'), prices)
  t.equal(await told(house, 'films/1', 'prices'), undefined)
  const film = async (id: number) => (await house.get(`/v1/movies/films/${id}?prices=real`)).body.data
  t.match(await film(1), { budget: 20_000, revenue: 30_000 })
  t.match(await film(2), { budget: null, revenue: null })

  const months = (year: number) =>
    Array.from({ length: 12 }, (_, month) => `${year}-${String(month + 1).padStart(2, '0')}-01,100`)
  const series = ['DATE,GAPPED', ...[1996, 1997, 1999].flatMap(months), '1998-01-01,100'].join('\n')
  await house.load(await house.file('GAPPED.csv', series), { mode: 'merge' })
  t.match(await told(house, 'years?prices=real&price_index=GAPPED&base_year=1998', 'prices'), {
    status: 400,
    errors: [{ detail: 'takes a year that GAPPED has whole in load 2: 1996 to 1997, 1999' }],
  })
})

t.test('groups of few films are left out where that is asked for', async (t) => {
  const house = await housed(t)
  const groups = async (question: string) => [
    ...new Set((await house.get(`/v1/movies/${question}`)).body.data.map(({ group }: { group: string }) => group)),
  ]
  t.strictSame(await groups('top-films'), ['1990', '1995', '1996'])
  // Of 1990 one film has a revenue, and another none.
  t.strictSame(await groups('top-films?min_releases=2'), ['1995'])
  t.strictSame(await groups('top-films?min_releases=2&n=1'), ['1995'])
  const { films } = (await house.get('/v1/movies/top-films?min_releases=2&explain=true')).body.data
  t.match(
    films.left_out.filter((one: { films: number }) => one.films > 0),
    [
      { reason: 'undated', films: 1 },
      { reason: 'revenue_unknown', films: 1 },
      { reason: 'min_releases', films: 2 },
    ],
  )
})
