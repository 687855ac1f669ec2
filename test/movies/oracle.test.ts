import fc from 'fast-check'
import t from 'tap'
import { accounted, total } from './adding-up.ts'
import { besideFiles, pricesOf, ratingsOf } from './dataset-beside-files.ts'
import { type DatasetFile, datasetFolder, writeDataset } from './dataset-file.ts'
import { plain } from './exact.ts'
import { FILE_DATE } from './film-arbitraries.ts'
import { Oracle, REPORTS } from './oracle.ts'
import { type FilmRecord, nothingMore, type Row } from './oracle-figures.ts'
import { isPartial, partialFrom, periodOf } from './oracle-periods.ts'
import type { Params, ReportName } from './oracle-reports.ts'
import { pairwise, sweep } from './sweep.ts'

/** The independent calculator itself, against figures worked out by hand. */

const film = (id: number, more: Partial<FilmRecord> = {}): FilmRecord => ({
  ...nothingMore,
  id,
  line: id + 1,
  title: `Film ${id}`,
  releaseDate: '1995-10-30',
  status: 'Released',
  originalLanguage: 'en',
  contentRating: '',
  runtime: '',
  budget: '',
  revenue: '',
  popularity: '',
  voteAverage: '',
  voteCount: '',
  companies: [],
  genres: [],
  ...more,
})

const named = (...ids: number[]) => ids.map((id) => ({ id, name: `Name ${id}` }))
const months = (year: number, value: (month: number) => string): [string, string][] =>
  Array.from({ length: 12 }, (_, at) => [`${year}-${String(at + 1).padStart(2, '0')}`, value(at + 1)])

/** 1995 has no value for August, 1996 is 110 on average, and 1997 ends early. */
const MONTHS = new Map([
  ...months(1995, (month) => (month === 8 ? '.' : '100')),
  ...months(1996, (month) => String(month <= 6 ? 100 : 120)),
  ['1997-01', '130'] as [string, string],
])

const oracle = (films: FilmRecord[], ratings: Map<number, number[]> | null = null) =>
  new Oracle(films, {
    fileName: 'films.csv',
    fileDate: '2017-10-02',
    loadId: 7,
    ratings,
    prices: new Map([['CPIAUCSL', { file: 'CPIAUCSL.csv', sha256: 'ab', loadId: 3, months: MONTHS }]]),
  })

/** Rows without marks, in the columns that are named. */
const table = (films: Oracle, report: ReportName, params: Params, columns: string) =>
  films.rows(report, params).map((row) => columns.split(' ').map((column) => shown(row[column])))
const shown = (cell: Row[string] | undefined) => (typeof cell === 'string' ? plain(cell) : cell)
const plainRow = (row: Row) => Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, shown(cell)]))

t.test('a film is shared in whole cents, spare ones to the lowest ids', async (t) => {
  const films = oracle([
    // 100 dollars among three: 33.34, 33.33, 33.33.
    film(1, { budget: '100', revenue: '200', companies: named(9, 3, 5, 3) }),
    film(2, { budget: '50', companies: named(5) }),
    film(3, { revenue: '7' }),
    film(4, { releaseDate: '', budget: '900', companies: named(3) }),
  ])
  t.strictSame(
    table(films, 'company-years', { attribution: 'split' }, 'company_id releases budget revenue profit roi'),
    [
      ['3', '0.333333', '33.34', '66.67', '33.33', '0.9997'],
      ['5', '1.333333', '83.33', '66.67', '-16.66', '1.0003'],
      ['9', '0.333333', '33.33', '66.66', '33.33', '1'],
    ],
  )
  const { reconciliation } = films.meta('company-years', { attribution: 'split' }) as {
    reconciliation: Record<string, Row>
  }
  t.strictSame(plainRow(reconciliation.releases as Row), {
    rows: '2',
    overlap: '0',
    other: '0',
    total: '3',
    without: '1',
  })
  t.strictSame(plainRow(reconciliation.revenue as Row), {
    rows: '200',
    overlap: '0',
    other: '0',
    total: '207',
    without: '7',
  })
  const some = films.meta('company-years', { attribution: 'split', company_id: [9] }) as {
    reconciliation: Record<string, Row>
  }
  t.strictSame(plainRow(some.reconciliation.budget as Row), {
    rows: '33.33',
    overlap: '0',
    other: '66.67',
    total: '100',
    without: '0',
  })
  const full = films.meta('companies', { attribution: 'full', min_releases: 2 }) as {
    reconciliation: Record<string, Row>
  }
  // Companies 3 and 5 have two films each, one of them both.
  t.strictSame(plainRow(full.reconciliation.releases as Row), {
    rows: '4',
    overlap: '1',
    other: '0',
    total: '4',
    without: '1',
  })
})

t.test('pairs of two dimensions share a film in order of both ids', async (t) => {
  const films = oracle([film(1, { revenue: '1', companies: named(2, 1), genres: named(8, 7, 6) })])
  t.strictSame(table(films, 'company-genre-years', { attribution: 'split' }, 'company_id genre_id releases revenue'), [
    ['1', '6', '0.166667', '0.17'],
    ['1', '7', '0.166667', '0.17'],
    ['1', '8', '0.166667', '0.17'],
    ['2', '6', '0.166667', '0.17'],
    ['2', '7', '0.166667', '0.16'],
    ['2', '8', '0.166667', '0.16'],
  ])
})

t.test('people share a film with those of their own job, and the same job twice is once', async (t) => {
  const crew = [
    { id: 4, name: 'Otter', job: 'Director' },
    { id: 4, name: 'Otter', job: 'Director' },
    { id: 4, name: 'Otter', job: 'Producer' },
    { id: 6, name: 'Bear', job: 'Producer' },
  ]
  const films = oracle([film(1, { revenue: '3', crew, cast: named(4, 5, 5) })])
  const columns = 'person_id person job releases revenue'
  t.strictSame(table(films, 'person-years', {}, columns), [['4', 'Name 4', 'Director', '1', '3']])
  t.strictSame(table(films, 'person-years', { job: ['Producer'], attribution: 'split' }, columns), [
    ['4', 'Name 4', 'Producer', '0.5', '1.5'],
    ['6', 'Bear', 'Producer', '0.5', '1.5'],
  ])
  t.strictSame(table(films, 'person-years', { job: ['cast'], person_id: [5] }, columns), [
    ['5', 'Name 5', 'cast', '1', '3'],
  ])
})

t.test('a film that several jobs share out is overlap but for the job that has most of it in rows', async (t) => {
  const crew = [
    { id: 4, name: 'Otter', job: 'Director' },
    { id: 5, name: 'Bear', job: 'Director' },
    { id: 4, name: 'Otter', job: 'Producer' },
  ]
  const films = oracle([film(1, { revenue: '10', crew }), film(2, { revenue: '7' })])
  const account = (params: Params) => {
    const told = films.meta('person-years', { job: ['Director', 'Producer'], attribution: 'split', ...params })
    return plainRow((told.reconciliation as Record<string, Row>).revenue as Row)
  }
  t.strictSame(account({}), { rows: '20', overlap: '10', other: '0', without: '7', total: '17' })
  t.strictSame(account({ person_id: [4] }), { rows: '15', overlap: '5', other: '0', without: '0', total: '10' })
  t.strictSame(account({ person_id: [5] }), { rows: '5', overlap: '0', other: '5', without: '0', total: '10' })
})

t.test('mean and median are of known values, half up to the cent', async (t) => {
  const films = oracle([
    film(1, { budget: '1', revenue: '10' }),
    film(2, { budget: '2', revenue: '5' }),
    film(3, { budget: '2' }),
    film(4, { revenue: '1' }),
    film(5, { budget: '2', revenue: '1' }),
    film(6, { budget: '1', revenue: '4' }),
  ])
  const columns = 'releases budget budget_known revenue profit matched_profit'
  // 8 / 5; 21 / 5; gains of 9, 3, -1 and 3: 14 / 4.
  t.strictSame(table(films, 'years', { aggregate: 'mean' }, columns), [['6', '1.6', '5', '4.2', '3.5', '14']])
  t.strictSame(table(films, 'years', { aggregate: 'median' }, columns), [['6', '2', '5', '4', '3', '14']])
  const even = oracle([
    film(1, { budget: '1' }),
    film(2, { budget: '2' }),
    film(3, { budget: '6' }),
    film(4, { budget: '7' }),
  ])
  t.strictSame(table(even, 'years', { aggregate: 'median' }, 'budget revenue profit'), [['4', null, null]])
})

t.test('real prices are of the last whole year, each film to the cent', async (t) => {
  const films = oracle([
    film(1, { budget: '1000', revenue: '3' }),
    film(2, { releaseDate: '1995-08-01', budget: '1000' }),
    film(3, { releaseDate: '1996-12-31', budget: '1000', revenue: '1' }),
    film(4, { releaseDate: '1997-01-01', revenue: '1' }),
    film(5, { releaseDate: '1997-01-01', releasePrecision: 'year', revenue: '1' }),
    film(6, { releaseDate: '1946-12-31', revenue: '1' }),
  ])
  // 110 / 100 in 1995, 110 / 120 in December of 1996, 110 / 130 in January of 1997.
  t.strictSame(table(films, 'films', { prices: 'real' }, 'film_id budget revenue profit'), [
    ['1', '1100', '3.3', '-1096.7'],
    ['2', null, null, null],
    ['3', '916.67', '0.92', '-915.75'],
    ['4', null, '0.85', '0.85'],
    ['5', null, null, null],
    ['6', null, null, null],
  ])
  t.strictSame(table(films, 'years', { prices: 'real' }, 'year releases budget budget_known revenue revenue_known'), [
    ['1946', '1', null, '0', null, '0'],
    ['1995', '2', '1100', '1', '3.3', '1'],
    ['1996', '1', '916.67', '1', '0.92', '1'],
    ['1997', '2', null, '0', '0.85', '1'],
  ])
  t.strictSame(films.meta('films', { prices: 'real' }).prices, {
    price_index: 'CPIAUCSL',
    base_year: '№1996',
    from: '1995-01',
    to: '1997-01',
    gaps: '№1',
    load: '№3',
    file: 'CPIAUCSL.csv',
    sha256: 'ab',
  })
})

t.test('periods of each grain, and which of them are partial', async (t) => {
  const one = film(1, { releaseDate: '1995-11-30' })
  const grains = ['year', 'quarter', 'month', 'decade', 'all'] as const
  t.strictSame(
    grains.map((grain) => periodOf(one, grain)),
    ['1995', '1995-Q4', '1995-11', '1990s', 'all'],
  )
  t.strictSame(
    grains.map((grain) => periodOf({ ...one, releasePrecision: 'year' }, grain)),
    ['1995', null, null, '1990s', 'all'],
  )
  t.strictSame(
    grains.map((grain) => partialFrom('1999-12-31', grain)),
    ['2000', '2000-Q1', '2000-01', '2000s', null],
  )
  t.strictSame(
    grains.map((grain) => partialFrom('1996-02-28', grain)),
    ['1996', '1996-Q1', '1996-02', '1990s', null],
  )
  t.ok(isPartial('1996-02', {}, '1996-02-28'))
  t.notOk(isPartial('1996-02', {}, '1996-02-29'))
  t.notOk(isPartial('1990s', { from: 1990, to: 1999 }, '2000-01-01'))
  t.ok(isPartial('1990s', { from: 1991 }, null))
  t.ok(isPartial('1990s', { to: 1998 }, null))
  t.notOk(isPartial('all', { to: 1998 }, '1990-01-01'))
  const films = oracle([one, film(2, { releasePrecision: 'year' }), film(3, { releaseDate: '' })])
  t.strictSame(films.meta('years', { grain: 'quarter' }), {
    excluded: { undated: '№1', month_unknown: '№1' },
    partial_from: '1995-Q4',
  })
})

t.test('ratings add up over the films of a cell', async (t) => {
  const ratings = new Map([
    [1, [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    [2, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]],
  ])
  const films = oracle([film(1), film(2), film(3, { releaseDate: '1996-01-01' })], ratings)
  // Half a star, five and four.
  t.strictSame(table(films, 'years', {}, 'year rating_average rating_count'), [
    ['1995', '3.166667', '3'],
    ['1996', null, '0'],
  ])
  t.strictSame(table(films, 'ratings', {}, 'group group_id ratings rating_average stars_0_5 stars_4_0 stars_5_0'), [
    ['Film 1', '1', '2', '2.75', '1', '0', '1'],
    ['Film 2', '2', '1', '4', '0', '1', '0'],
  ])
  t.strictSame(table(oracle([film(1)]), 'years', {}, 'rating_average rating_count'), [[null, null]])
})

t.test('ranks, shares and changes', async (t) => {
  const made = (id: number, year: number, revenue: string, ...companies: number[]) =>
    film(id, { releaseDate: `${year}-05-05`, revenue, companies: named(...companies) })
  const films = oracle([
    made(1, 1994, '50', 1),
    made(2, 1995, '100', 1, 2),
    made(3, 1995, '60', 3),
    made(4, 1995, '40'),
    made(5, 1995, '', 4),
    made(6, 1990, '200', 1),
    made(7, 1996, '1', 1),
  ])
  const columns = 'period partial rank id value share previous_value change five_years_before_value change_on_five'
  t.strictSame(table(films, 'rankings', { from: 1995 }, columns), [
    ['1995', false, '1', '1', '100', '0.5', '50', '1', '200', '-0.5'],
    ['1995', false, '1', '2', '100', '0.5', null, null, null, null],
    ['1995', false, '3', '3', '60', '0.3', null, null, null, null],
    ['1996', true, '1', '1', '1', '1', '100', null, null, null],
  ])
  t.strictSame(table(films, 'rankings', { company_id: [3], to: 1995, grain: 'decade' }, columns), [
    ['1990s', true, '3', '3', '60', '0.133333', null, null, null, null],
  ])
})

t.test('the best films of a group, ties whole', async (t) => {
  const films = oracle([
    film(1, { budget: '10', revenue: '30' }),
    film(2, { revenue: '40' }),
    film(3, { budget: '20', revenue: '30', releaseDate: '' }),
    film(4, { budget: '50', revenue: '30' }),
  ])
  t.strictSame(table(films, 'top-films', { n: 2 }, 'group rank film_id value source_line'), [
    ['1995', '1', '2', '40', '3'],
    ['1995', '2', '1', '30', '2'],
    ['1995', '2', '4', '30', '5'],
  ])
  t.strictSame(table(films, 'top-films', { by: 'all', measure: 'profit' }, 'group rank film_id value'), [
    ['all', '1', '1', '20'],
    ['all', '2', '3', '10'],
    ['all', '3', '4', '-20'],
  ])
})

t.test('quartiles of what came of budgets', async (t) => {
  const genres = named(18)
  const films = oracle([
    film(1, { genres, budget: '100', revenue: '50' }),
    film(2, { genres, budget: '100', revenue: '100' }),
    film(3, { genres, budget: '100', revenue: '200' }),
    film(4, { genres, budget: '100', revenue: '500' }),
    film(5, { genres, revenue: '500' }),
  ])
  // -0.5, 0, 1 and 4: a quarter between two of them at 0.75 and 2.25.
  t.strictSame(table(films, 'roi', {}, 'group group_id films q1 median q3 mean_roi lost'), [
    ['Name 18', '18', '4', '-0.125', '0.5', '1.75', '1.125', '1'],
  ])
  t.strictSame(table(films, 'roi', { by: 'budget_band' }, 'group group_id films'), [['under_1m', 'under_1m', '4']])
})

t.test('for any films, keys are unique and accounts add up, whatever is asked', async (t) => {
  const holds = (file: DatasetFile) => {
    const { records } = writeDataset(file)
    const beside = file.beside as NonNullable<DatasetFile['beside']>
    t.equal(besideFiles(beside).size, 6)
    const at = { fileName: 'films.csv', fileDate: FILE_DATE, loadId: 7 }
    const films = new Oracle(records, { ...at, ratings: ratingsOf(records, beside), prices: pricesOf(beside, 7) })
    for (const report of Object.keys(REPORTS) as ReportName[])
      for (const { params } of sweep(report)) {
        const rows = films.rows(report, params)
        const keys = rows.map((row) => JSON.stringify(REPORTS[report].key.map((name) => row[name])))
        if (new Set(keys).size < rows.length) t.fail(`${report} has a key twice under ${JSON.stringify(params)}`)
        for (const row of rows)
          if (Object.keys(row).join() !== REPORTS[report].columns.join()) t.fail(`${report} has other columns`)
        const { reconciliation } = films.meta(report, params)
        for (const [measure, account] of Object.entries(reconciliation ?? {}))
          if (accounted(account) !== account.total) t.fail(`${measure} of ${report} does not add up`)
        if (reconciliation && total(rows, 'revenue') !== (reconciliation as Record<string, Row>).revenue?.rows)
          t.fail(`revenue of ${report} is not that of its rows`)
      }
  }
  fc.assert(fc.property(datasetFolder, holds), { numRuns: 6, seed: 20261121 })
})

t.test('a sweep brings any two values of two factors together', async (t) => {
  const rows = pairwise([
    ['a', 'b', 'c'],
    ['d', 'e'],
    ['f', 'g', 'h', 'i'],
  ])
  t.equal(rows.length, 12)
  for (const pair of ['ad', 'be', 'cf', 'ai', 'eg', 'dh'])
    t.ok(rows.some((row) => [...pair].every((value) => row.includes(value))))
})
