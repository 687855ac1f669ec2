import { createHash } from 'node:crypto'
import t from 'tap'
import { build, type House } from '../build.ts'
import { type Cells, metadata } from './sources.ts'
import { folderOf } from './whole-data.ts'

/** Why ranks, quartiles, stars and real prices moved: what the changes say of small files, reckoned by hand. */

const company = (name: string, id: number) => `{'name': '${name}', 'id': ${id}}`
const PIXAR = company('Pixar', 3)
const OTTER = company('Otter', 4)
const CROW = company('Crow', 5)

const film = (id: number, cells: Cells = {}): Cells => ({
  id: String(id),
  title: `Film ${id}`,
  release_date: '1995-10-30',
  budget: '0',
  revenue: '0',
  popularity: '',
  production_companies: '[]',
  ...cells,
})
const made = (id: number, companies: string, revenue: string, cells: Cells = {}) =>
  film(id, { production_companies: `[${companies}]`, revenue, ...cells })

async function compared(t: Tap, before: Cells[], after: Cells[]) {
  const house = await build(t)
  for (const [index, films] of [before, after].entries())
    await house.load(await house.file(`${index}/movies_metadata.csv`, metadata(films)))
  return (query: string) => changes(t, house, query)
}

async function changes(t: Tap, house: House, query: string) {
  const { status, body } = await house.get(`/v1/loads/2/changes?report=movies/${query}`)
  t.equal(status, 200, JSON.stringify(body))
  return body
}

/** What a year of its own ends with: without it 1995 would not be covered whole. */
const LAST = film(9, { release_date: '1996-12-31' })

t.test('a rank that moves is a changed row, and says what its films do not explain', async (t) => {
  const ask = await compared(
    t,
    [
      made(1, PIXAR, '100000'),
      made(2, OTTER, '80000'),
      made(3, CROW, '0'),
      made(4, OTTER, '40000', { release_date: '1994-05-05' }),
      LAST,
    ],
    [
      made(1, PIXAR, '100000'),
      made(2, OTTER, '150000'),
      made(3, CROW, '50000'),
      made(4, OTTER, '60000', { release_date: '1994-05-05' }),
      LAST,
    ],
  )
  const none = { previous_value: null, change: null, five_years_before_value: null, change_on_five: null }
  const head = (period: string, id: number, name: string) => ({
    period,
    year: Number(period),
    partial: false,
    id: String(id),
    name,
    measure: 'revenue',
  })
  const revenue = (before: number | null, after: number) => [{ field: 'revenue', before, after }]
  const { data, meta } = await ask('rankings')
  t.strictSame(data, [
    {
      ...head('1994', 4, 'Otter'),
      change: 'changed',
      before: { rank: 1, releases: 1, value: 40_000, share: 1, ...none },
      after: { rank: 1, releases: 1, value: 60_000, share: 1, ...none },
      difference: { value: 20_000 },
      elsewhere: [],
      films: {
        total: 1,
        data: [
          {
            film_id: 4,
            title: 'Film 4',
            change: 'changed',
            fields: revenue(40_000, 60_000),
            effect: { value: 20_000 },
          },
        ],
      },
    },
    {
      // Overtaken: none of its own films differs.
      ...head('1995', 3, 'Pixar'),
      change: 'changed',
      before: { rank: 1, releases: 1, value: 100_000, share: 0.555556, ...none },
      after: { rank: 2, releases: 1, value: 100_000, share: 0.333333, ...none },
      difference: {},
      elsewhere: ['rank', 'share'],
      films: { total: 0, data: [] },
    },
    {
      ...head('1995', 4, 'Otter'),
      change: 'changed',
      before: { rank: 2, releases: 1, value: 80_000, share: 0.444444, ...none, previous_value: 40_000, change: 1 },
      after: { rank: 1, releases: 1, value: 150_000, share: 0.5, ...none, previous_value: 60_000, change: 1.5 },
      difference: { value: 70_000 },
      elsewhere: ['rank', 'share', 'previous_value', 'change'],
      films: {
        total: 1,
        data: [
          {
            film_id: 2,
            title: 'Film 2',
            change: 'changed',
            fields: revenue(80_000, 150_000),
            effect: { value: 70_000 },
          },
        ],
      },
    },
    {
      // A value that was unknown was no row: its films are in it only now.
      ...head('1995', 5, 'Crow'),
      change: 'added',
      before: null,
      after: { rank: 3, releases: 1, value: 50_000, share: 0.166667, ...none },
      difference: { releases: 1, value: 50_000 },
      elsewhere: ['rank', 'share'],
      films: {
        total: 1,
        data: [
          {
            film_id: 3,
            title: 'Film 3',
            change: 'joined',
            fields: revenue(null, 50_000),
            effect: { releases: 1, value: 50_000 },
          },
        ],
      },
    },
  ])
  t.strictSame(meta.totals, {
    rows: { added: 1, removed: 0, changed: 3 },
    films: { added: 0, removed: 0, changed: 3 },
  })

  const ids = ({ data }: Row) => data.map(({ period, id }: Row) => `${period} ${id}`)
  t.strictSame(ids(await ask('rankings&fields=rank&sort=-rank')), ['1995 5', '1995 3', '1995 4'])
  t.strictSame(ids(await ask('rankings&company_id=3')), ['1995 3'], 'among all, though one alone shows')
  t.strictSame(ids(await ask('rankings&measure=releases')), [], 'nobody has more films')
  const [earlier] = (await ask('rankings&company_id=4&from=1995&fields=previous_value')).data
  t.match(earlier, { elsewhere: ['previous_value'], films: { total: 0 } }, 'films of the year before are not its own')
  const [genre] = (await ask('rankings&dimension=genre&grain=all')).data
  t.match(genre, { period: 'all', id: '16', difference: { value: 140_000 }, films: { total: 3 } })
})

t.test('a member that came to have films enough was there before, without a rank', async (t) => {
  const before = [made(1, PIXAR, '100000'), made(2, OTTER, '80000'), made(3, OTTER, '10000')]
  const ask = await compared(t, before, [...before, made(4, PIXAR, '5000')])
  const { data, meta } = await ask('rankings&min_releases=2&fields=rank,releases,value,share')
  t.match(data, [
    {
      id: '3',
      change: 'changed',
      before: { rank: null, releases: 1, value: 100_000, share: 0.526316 },
      after: { rank: 1, releases: 2, value: 105_000, share: 0.538462 },
      difference: { releases: 1, value: 5000 },
      elsewhere: ['rank', 'share'],
      films: { total: 1, data: [{ film_id: 4, change: 'added', effect: { releases: 1, value: 5000 } }] },
    },
    {
      id: '4',
      change: 'changed',
      before: { rank: 1, releases: 2, value: 90_000, share: 0.473684 },
      after: { rank: 2, releases: 2, value: 90_000, share: 0.461538 },
      difference: {},
      films: { total: 0 },
    },
  ])
  t.equal(data.length, 2)
  t.strictSame(meta.totals.films, { added: 1, removed: 0, changed: 0 })
  t.equal((await ask('rankings&min_releases=3')).data.length, 0)
})

t.test('what members are ranked by decides which facts of their films are told', async (t) => {
  const one = (cells: Cells) => [made(1, PIXAR, '100000', { budget: '50000', ...cells })]
  const ask = await compared(
    t,
    one({ popularity: '1', vote_average: '5', vote_count: '10' }),
    one({ popularity: '3', vote_average: '6', vote_count: '20', budget: '80000' }),
  )
  const told = async (measure: string) => {
    const [{ difference, films }] = (await ask(`rankings&measure=${measure}`)).data
    return [difference, films.data.map(({ fields, effect }: Row) => [fields.map(({ field }: Row) => field), effect])]
  }
  t.strictSame(await told('budget'), [{ value: 30_000 }, [[['budget'], { value: 30_000 }]]])
  t.strictSame(await told('profit'), [{ value: -30_000 }, [[['budget'], { value: -30_000 }]]])
  t.strictSame(await told('vote_count'), [{ value: 10 }, [[['vote_count'], { value: 10 }]]])
  t.strictSame(await told('roi'), [{}, [[['budget'], {}]]])
  t.strictSame(await told('popularity'), [{}, [[['popularity'], {}]]])
  t.strictSame(await told('vote_average'), [{}, [[['vote_average', 'vote_count'], {}]]])
  t.strictSame((await ask('rankings')).data, [], 'its revenue is the same')
})

t.test('a film that lost its place among the best is told with the place that it has now', async (t) => {
  const drama = { genres: "[{'id': 18, 'name': 'Drama'}]" }
  const ask = await compared(
    t,
    [film(1, { revenue: '100000' }), film(2, { revenue: '80000' }), film(3), film(4, { revenue: '3000' })],
    [
      film(1, { revenue: '100000', title: 'Film One' }),
      film(2, { revenue: '150000' }),
      film(3, { revenue: '50000' }),
      film(4, { revenue: '3000', ...drama }),
    ],
  )
  const { data, meta } = await ask('top-films&n=1&fields=rank,value,budget,revenue')
  t.strictSame(data, [
    {
      group: '1995',
      group_id: '1995',
      film_id: 1,
      title: 'Film One',
      measure: 'revenue',
      change: 'changed',
      before: { rank: 1, value: 100_000, budget: null, revenue: 100_000 },
      after: { rank: 2, value: 100_000, budget: null, revenue: 100_000 },
      difference: {},
      elsewhere: ['rank'],
      films: { total: 0, data: [] },
    },
    {
      group: '1995',
      group_id: '1995',
      film_id: 2,
      title: 'Film 2',
      measure: 'revenue',
      change: 'changed',
      before: { rank: 2, value: 80_000, budget: null, revenue: 80_000 },
      after: { rank: 1, value: 150_000, budget: null, revenue: 150_000 },
      difference: { value: 70_000, revenue: 70_000 },
      elsewhere: ['rank'],
      films: {
        total: 1,
        data: [
          {
            film_id: 2,
            title: 'Film 2',
            change: 'changed',
            fields: [{ field: 'revenue', before: 80_000, after: 150_000 }],
            effect: { value: 70_000, revenue: 70_000 },
          },
        ],
      },
    },
  ])
  t.strictSame(meta.totals, {
    rows: { added: 0, removed: 0, changed: 2 },
    films: { added: 0, removed: 0, changed: 1 },
  })
  t.match((await ask('top-films&n=1&fields=title')).data, [
    { film_id: 1, before: { title: 'Film 1' }, after: { title: 'Film One' } },
  ])
  const moved = (await ask('top-films&by=genre&fields=value')).data.map((row: Row) => [
    `${row.group} ${row.film_id} ${row.change}`,
    row.films.data.map((one: Row) => `${one.change} by ${one.fields.map(({ field }: Row) => field)}`).join(),
  ])
  t.strictSame(moved, [
    ['Animation 2 changed', 'changed by revenue'],
    ['Animation 3 added', 'joined by revenue'],
    ['Animation 4 removed', 'left by genres'],
    ['Drama 4 added', 'joined by genres'],
  ])
})

t.test('quartiles are moved by returns, sums by what each film adds', async (t) => {
  const money = (id: number, budget: number, revenue: number) =>
    film(id, { budget: String(budget), revenue: String(revenue) })
  const ask = await compared(
    t,
    [money(1, 10_000, 20_000), money(2, 10_000, 5000), money(3, 10_000, 0)],
    [money(1, 10_000, 20_000), money(2, 10_000, 15_000), money(3, 10_000, 40_000)],
  )
  const { data, meta } = await ask('roi')
  t.strictSame(data, [
    {
      group: 'Animation',
      group_id: '16',
      change: 'changed',
      // -0.5 and 1; 0.5, 1 and 3.
      before: { films: 2, q1: -0.125, median: 0.25, q3: 0.625, mean_roi: 0.25, lost: 1 },
      after: { films: 3, q1: 0.75, median: 1, q3: 2, mean_roi: 1.5, lost: 0 },
      difference: { films: 1, lost: -1 },
      films: {
        total: 2,
        data: [
          {
            film_id: 2,
            title: 'Film 2',
            change: 'changed',
            fields: [{ field: 'revenue', before: 5000, after: 15_000 }],
            effect: { lost: -1 },
          },
          {
            film_id: 3,
            title: 'Film 3',
            change: 'joined',
            fields: [{ field: 'revenue', before: null, after: 40_000 }],
            effect: { films: 1 },
          },
        ],
      },
    },
  ])
  t.strictSame(meta.totals.films, { added: 0, removed: 0, changed: 2 })
  t.match((await ask('roi&min_releases=3')).data, [{ change: 'changed', before: { films: 2 }, after: { films: 3 } }])
  t.strictSame((await ask('roi&fields=lost')).data[0].films.total, 1)
})

t.test('a film of another budget goes from band to band; twice the money is the same return', async (t) => {
  const money = (id: number, budget: number, revenue: number) =>
    film(id, { budget: String(budget), revenue: String(revenue), popularity: String(budget) })
  const ask = await compared(
    t,
    [money(1, 10_000, 20_000), money(2, 10_000, 10_000)],
    [money(1, 2_000_000, 4_000_000), money(2, 10_000, 10_000)],
  )
  t.match((await ask('roi&by=budget_band')).data, [
    {
      group_id: '1m_10m',
      change: 'added',
      difference: { films: 1 },
      films: { data: [{ film_id: 1, change: 'joined', effect: { films: 1 } }] },
    },
    {
      group_id: 'under_1m',
      change: 'changed',
      difference: { films: -1 },
      films: {
        data: [{ film_id: 1, change: 'left', fields: [{ field: 'budget' }, { field: 'revenue' }] }],
      },
    },
  ])
  t.strictSame((await ask('roi&fields=q1,median,q3')).data, [])
  t.match((await ask('roi&fields=mean_roi')).data, [
    { before: { mean_roi: 0.5 }, after: { mean_roi: 0.995025 }, films: { total: 1 } },
  ])
})

t.test('stars are told film by film, also where their mean and number stay', async (t) => {
  const house = await build(t)
  const films = [film(1), film(2, { title: 'Two' })]
  const links = 'movieId,imdbId,tmdbId\n10,,1\n20,,2\n'
  const ratings = (...lines: string[]) =>
    `userId,movieId,rating,timestamp\n${lines.map((line) => `${line},1\n`).join('')}`
  const load = async (name: string, titled: Cells[], text: string) =>
    await house.load(
      await folderOf(house, name, {
        'movies_metadata.csv': metadata(titled),
        'links.csv': links,
        'ratings.csv': text,
      }),
    )
  await load('a', films, ratings('1,10,4', '2,10,3', '1,20,5'))
  await load('b', [film(1), film(2, { title: 'Second' })], ratings('1,10,4.5', '2,10,2.5', '1,20,5', '2,20,1'))
  const ask = (query: string) => changes(t, house, query)
  const { data } = await ask('ratings&by=genre')
  const one = {
    film_id: 1,
    title: 'Film 1',
    change: 'changed',
    fields: [
      {
        field: 'stars',
        before: [
          { stars: 3, ratings: 1 },
          { stars: 4, ratings: 1 },
        ],
        after: [
          { stars: 2.5, ratings: 1 },
          { stars: 4.5, ratings: 1 },
        ],
      },
    ],
    effect: { stars_2_5: 1, stars_3_0: -1, stars_4_0: -1, stars_4_5: 1 },
  }
  t.match(data, [
    {
      group: 'Animation',
      before: { ratings: 3, rating_average: 4, stars_3_0: 1, stars_4_0: 1, stars_5_0: 1, stars_1_0: 0 },
      after: { ratings: 4, rating_average: 3.25, stars_1_0: 1, stars_2_5: 1, stars_4_5: 1, stars_5_0: 1 },
    },
  ])
  t.strictSame(data[0].difference, {
    ratings: 1,
    stars_1_0: 1,
    stars_2_5: 1,
    stars_3_0: -1,
    stars_4_0: -1,
    stars_4_5: 1,
  })
  t.strictSame(data[0].films, {
    total: 2,
    data: [
      one,
      {
        film_id: 2,
        title: 'Second',
        change: 'changed',
        fields: [
          { field: 'title', before: 'Two', after: 'Second' },
          { field: 'rating_average', before: 5, after: 3 },
          { field: 'rating_count', before: 1, after: 2 },
          {
            field: 'stars',
            before: [{ stars: 5, ratings: 1 }],
            after: [
              { stars: 1, ratings: 1 },
              { stars: 5, ratings: 1 },
            ],
          },
        ],
        effect: { ratings: 1, stars_1_0: 1 },
      },
    ],
  })
  t.match((await ask('ratings&fields=group')).data, [
    { group_id: '2', before: { group: 'Two' }, after: { group: 'Second' }, films: { total: 0 } },
  ])
  t.match((await ask('ratings&fields=ratings')).data, [{ group_id: '2', films: { total: 1 } }])
  const inYears = (await ask('genre-years')).data[0].films.data
  t.strictSame(
    inYears.map(({ fields }: Row) => fields.map(({ field }: Row) => field)),
    [['title', 'rating_average', 'rating_count']],
    'figures of other reports rest on no stars',
  )
})

const prices = (...years: [year: number, value: number][]) =>
  `DATE,CPIAUCSL\n${years
    .flatMap(([year, value]) =>
      Array.from({ length: 12 }, (_, month) => `${year}-${String(month + 1).padStart(2, '0')}-01,${value}\n`),
    )
    .join('')}`

t.test('in real prices it is told which index each load has', async (t) => {
  const house = await build(t)
  const load = async (name: string, index: string) =>
    await house.load(
      await folderOf(house, name, {
        'movies_metadata.csv': metadata([made(1, PIXAR, '10000', { budget: '5000' })]),
        'CPIAUCSL.csv': index,
      }),
    )
  const [first, second] = [prices([1995, 100], [1996, 110]), prices([1995, 100], [1996, 120], [1997, 150])]
  await load('a', first)
  await load('b', second)
  const ask = (query: string) => changes(t, house, query)
  const vintage = { price_index: 'CPIAUCSL', from: '1995-01', gaps: 0, file: 'CPIAUCSL.csv' }
  const digest = (text: string) => createHash('sha256').update(text).digest('hex')
  const { data, meta } = await ask('company-years&prices=real&base_year=1996&fields=revenue')
  t.strictSame(meta.prices, {
    before: { ...vintage, base_year: 1996, to: '1996-12', load: 1, sha256: digest(first) },
    after: { ...vintage, base_year: 1996, to: '1997-12', load: 2, sha256: digest(second) },
  })
  // 10,000 × 110 / 100; × 120 / 100. The film is the same: the index alone moves it.
  t.match(data, [
    {
      before: { revenue: 11_000 },
      after: { revenue: 12_000 },
      difference: { revenue: 1000 },
      films: { data: [{ film_id: 1, change: 'changed', effect: { revenue: 1000 } }] },
    },
  ])
  t.strictSame(data[0].films.data[0].fields, [])
  for (const report of ['films', 'rankings', 'top-films', 'roi', 'companies'])
    t.match((await ask(`${report}&prices=real`)).meta.prices, {
      before: { base_year: 1996 },
      after: { base_year: 1997 },
    })
  t.match((await ask('rankings&prices=real')).data, [
    { before: { value: 11_000 }, after: { value: 15_000 }, difference: { value: 4000 } },
  ])
  t.notOk('prices' in (await ask('company-years')).meta)
})

t.test('where one of the loads cannot tell real prices, it is named', async (t) => {
  const house = await build(t)
  const films = { 'movies_metadata.csv': metadata([made(1, PIXAR, '10000')]) }
  await house.load(await folderOf(house, 'a', films))
  await house.load(await folderOf(house, 'b', { ...films, 'CPIAUCSL.csv': prices([1995, 100], [1996, 110]) }))
  await house.load(await folderOf(house, 'c', { ...films, 'CPIAUCSL.csv': prices([1996, 110]) }))
  const refused = async (load: number, against: number, query: string) => {
    for (const format of ['json', 'csv']) {
      const { status, body } = await house.get(
        `/v1/loads/${load}/changes?report=movies/rankings&prices=real&against=${against}&format=${format}${query}`,
      )
      t.equal(status, 400, format)
      const [{ parameter, detail }] = body.errors
      if (format === 'csv') return `${parameter} ${detail}`
    }
  }
  const none = 'price_index names CPIAUCSL, which load 1 does not have; it has no price index at all: load one'
  t.equal(await refused(2, 1, ''), none)
  t.equal(await refused(1, 2, ''), none)
  t.equal(await refused(3, 2, '&base_year=1995'), 'base_year takes a year that CPIAUCSL has whole in load 3: 1996')
  t.equal(await refused(2, 3, '&base_year=1995'), 'base_year takes a year that CPIAUCSL has whole in load 3: 1996')
  t.equal(
    await refused(3, 2, '&price_index=OTHER'),
    'price_index names OTHER, which load 2 does not have; it has CPIAUCSL',
  )
})

type Tap = Parameters<typeof build>[0]
// biome-ignore lint/suspicious/noExplicitAny: rows of JSON
type Row = any
