import t from 'tap'
import companyYears from '../../queries/movies/company-years.ts'
import films from '../../queries/movies/films.ts'
import { build, type House } from '../build.ts'
import { type Cells, metadata } from './sources.ts'

/** Ten films changed, two removed, three added: what the changes say of it, reckoned by hand. */

const PIXAR = "{'name': 'Pixar', 'id': 3}"
const OTTER = "{'name': 'Otter', 'id': 4}"
const CROW = "{'name': 'Crow', 'id': 5}"

const film = (id: number, cells: Cells = {}): Cells => ({
  id: String(id),
  title: `Film ${id}`,
  release_date: '1995-10-30',
  budget: '10000',
  revenue: '20000',
  popularity: '',
  production_companies: `[${PIXAR}]`,
  ...cells,
})

const before = [
  film(1),
  film(2, { revenue: '0' }),
  film(3, { budget: '5000' }),
  film(4),
  film(5),
  film(6),
  film(7),
  film(8, { popularity: '1' }),
  film(9),
  film(10),
  film(11),
  film(12, { release_date: '1994-01-01', production_companies: `[${OTTER}]` }),
  film(13),
]

const after = [
  film(1, { budget: '12000' }),
  film(2, { revenue: '50000' }),
  film(3, { budget: '0' }),
  film(4, { release_date: '1996-01-01' }),
  film(5, { production_companies: `[${OTTER}]` }),
  film(6, { production_companies: `[${PIXAR}, ${OTTER}]` }),
  film(7, { title: 'Film Seven' }),
  film(8, { popularity: '3' }),
  film(9, { genres: "[{'id': 18, 'name': 'Drama'}]" }),
  film(10, { status: 'Rumored' }),
  film(13),
  film(14, { budget: '1000', revenue: '3000' }),
  film(15, { production_companies: `[${CROW}]`, budget: '0', revenue: '0' }),
  film(16, { release_date: '' }),
]

/** A film that is in the row of one load only, with the usual money. */
const whole = (sign: 1 | -1) => ({
  releases: sign,
  budget: sign * 10_000,
  budget_known: sign,
  revenue: sign * 20_000,
  revenue_known: sign,
  profit: sign * 10_000,
  matched_releases: sign,
  matched_budget: sign * 10_000,
  matched_revenue: sign * 20_000,
  matched_profit: sign * 10_000,
})

/** The films of Pixar in 1995, those with the largest effect in dollars first. */
const BEHIND_PIXAR = [
  {
    film_id: 2,
    title: 'Film 2',
    change: 'changed',
    fields: [{ field: 'revenue', before: null, after: 50_000 }],
    effect: {
      revenue: 50_000,
      revenue_known: 1,
      profit: 50_000,
      matched_releases: 1,
      matched_budget: 10_000,
      matched_revenue: 50_000,
      matched_profit: 40_000,
    },
  },
  {
    film_id: 3,
    title: 'Film 3',
    change: 'changed',
    fields: [{ field: 'budget', before: 5000, after: null }],
    effect: {
      budget: -5000,
      budget_known: -1,
      profit: 5000,
      matched_releases: -1,
      matched_budget: -5000,
      matched_revenue: -20_000,
      matched_profit: -15_000,
    },
  },
  {
    film_id: 4,
    title: 'Film 4',
    change: 'left',
    fields: [{ field: 'release_date', before: '1995-10-30', after: '1996-01-01' }],
    effect: whole(-1),
  },
  {
    film_id: 5,
    title: 'Film 5',
    change: 'left',
    fields: [
      {
        field: 'companies',
        before: [{ company_id: 3, name: 'Pixar' }],
        after: [{ company_id: 4, name: 'Otter' }],
      },
    ],
    effect: whole(-1),
  },
  { film_id: 11, title: 'Film 11', change: 'removed', fields: [], effect: whole(-1) },
  {
    film_id: 14,
    title: 'Film 14',
    change: 'added',
    fields: [],
    effect: {
      releases: 1,
      budget: 1000,
      budget_known: 1,
      revenue: 3000,
      revenue_known: 1,
      profit: 2000,
      matched_releases: 1,
      matched_budget: 1000,
      matched_revenue: 3000,
      matched_profit: 2000,
    },
  },
  {
    film_id: 1,
    title: 'Film 1',
    change: 'changed',
    fields: [{ field: 'budget', before: 10_000, after: 12_000 }],
    effect: { budget: 2000, profit: -2000, matched_budget: 2000, matched_profit: -2000 },
  },
  {
    film_id: 8,
    title: 'Film 8',
    change: 'changed',
    fields: [{ field: 'popularity', before: 1, after: 3 }],
    effect: {},
  },
]

async function twoLoads(house: House): Promise<void> {
  await house.load(await house.file('before/movies_metadata.csv', metadata(before)))
  await house.load(await house.file('after/movies_metadata.csv', metadata(after)))
}

t.test('ten films changed, two removed, three added', async (t) => {
  const house = await build(t)
  await twoLoads(house)
  const ask = async (query: string) => {
    const { status, body } = await house.get(`/v1/loads/2/changes?report=movies/${query}`)
    t.equal(status, 200)
    return body
  }

  t.test('a company’s year tells each measure before and after, and each film behind it', async (t) => {
    const { data } = await ask('company-years&company_id=3&to=1995')
    t.strictSame(data, [
      {
        company_id: 3,
        company: 'Pixar',
        period: '1995',
        year: 1995,
        partial: false,
        change: 'changed',
        before: {
          releases: 12,
          budget: 115_000,
          budget_known: 12,
          revenue: 220_000,
          revenue_known: 11,
          profit: 105_000,
          matched_releases: 11,
          matched_budget: 105_000,
          matched_revenue: 220_000,
          matched_profit: 115_000,
          roi: 1.095238,
          popularity: 1,
          popularity_known: 1,
          vote_average: null,
          vote_count: null,
          rating_average: null,
          rating_count: null,
        },
        after: {
          releases: 10,
          budget: 83_000,
          budget_known: 9,
          revenue: 213_000,
          revenue_known: 10,
          profit: 130_000,
          matched_releases: 9,
          matched_budget: 83_000,
          matched_revenue: 193_000,
          matched_profit: 110_000,
          roi: 1.325301,
          popularity: 3,
          popularity_known: 1,
          vote_average: null,
          vote_count: null,
          rating_average: null,
          rating_count: null,
        },
        difference: {
          releases: -2,
          budget: -32_000,
          budget_known: -3,
          revenue: -7000,
          revenue_known: -1,
          profit: 25_000,
          matched_releases: -2,
          matched_budget: -22_000,
          matched_revenue: -27_000,
          matched_profit: -5000,
        },
        films: { total: 8, data: BEHIND_PIXAR },
      },
    ])
  })

  t.test('rows that came, and rows that went', async (t) => {
    const { data, meta } = await ask('company-years&fields=releases,revenue')
    const shown = data.map(({ company, year, change, before, after, difference, films }: Row) => ({
      row: `${company} ${year} ${change}`,
      releases: [before?.releases, after?.releases],
      difference,
      films: films.data.map((one: Row) => `${one.film_id} ${one.change} ${one.effect.revenue ?? 0}`),
    }))
    t.strictSame(shown, [
      {
        row: 'Pixar 1995 changed',
        releases: [12, 10],
        difference: { releases: -2, revenue: -7000 },
        films: ['2 changed 50000', '4 left -20000', '5 left -20000', '11 removed -20000', '14 added 3000'],
      },
      {
        row: 'Pixar 1996 added',
        releases: [undefined, 1],
        difference: { releases: 1, revenue: 20_000 },
        films: ['4 joined 20000'],
      },
      {
        row: 'Otter 1994 removed',
        releases: [1, undefined],
        difference: { releases: -1, revenue: -20_000 },
        films: ['12 removed -20000'],
      },
      {
        row: 'Otter 1995 added',
        releases: [undefined, 2],
        difference: { releases: 2, revenue: 40_000 },
        films: ['5 joined 20000', '6 joined 20000'],
      },
      { row: 'Crow 1995 added', releases: [undefined, 1], difference: { releases: 1 }, films: ['15 added 0'] },
    ])
    t.match(data[1].before, null)
    t.match(data[2].after, null)
    t.strictSame(meta.totals, {
      rows: { added: 3, removed: 1, changed: 1 },
      films: { added: 2, removed: 2, changed: 4 },
    })
  })

  t.test('what is not listed is summed up, never left out', async (t) => {
    const { data } = await ask('company-years&company_id=3&to=1995&films=3')
    const [{ films }] = data
    t.strictSame(films.data, BEHIND_PIXAR.slice(0, 3))
    t.strictSame(
      [films.total, films.rest],
      [
        8,
        {
          films: 5,
          effect: {
            releases: -1,
            budget: -17_000,
            budget_known: -1,
            revenue: -37_000,
            revenue_known: -1,
            profit: -20_000,
            matched_releases: -1,
            matched_budget: -17_000,
            matched_revenue: -37_000,
            matched_profit: -20_000,
          },
        },
      ],
    )
  })

  t.test('the largest difference first', async (t) => {
    const order = async (sort: string) =>
      (await ask(`company-years&sort=${sort}`)).data.map(({ company, year }: Row) => `${company} ${year}`)
    t.strictSame(await order('-revenue,company'), ['Otter 1995', 'Otter 1994', 'Pixar 1996', 'Pixar 1995', 'Crow 1995'])
    const films = async (sort: string) =>
      (await ask(`company-years&company_id=3&to=1995&sort=${sort}`)).data[0].films.data.map((one: Row) => one.film_id)
    t.strictSame(await films('-releases'), [4, 5, 11, 14, 2, 3, 1, 8], 'and of the films, too')
    t.strictSame(await films('budget'), [4, 5, 11, 3, 1, 14, 2, 8])
    t.strictSame(await films('-popularity'), [8, 2, 3, 4, 5, 11, 14, 1])
    t.strictSame(await order('company'), ['Crow 1995', 'Otter 1994', 'Otter 1995', 'Pixar 1995', 'Pixar 1996'])
  })

  t.test('a film that changed genre left one row and joined another', async (t) => {
    const { data, meta } = await ask('genre-years&from=1995&to=1995&fields=releases')
    const moved = data.map(({ genre, difference, films }: Row) => [
      genre,
      difference.releases,
      films.data.map((one: Row) => `${one.film_id} ${one.change}`),
    ])
    t.strictSame(moved, [
      ['Animation', -1, ['4 left', '9 left', '11 removed', '14 added', '15 added']],
      ['Drama', 1, ['9 joined']],
    ])
    t.match(data[1].films.data[0].fields, [
      { field: 'genres', before: [{ genre_id: 16, name: 'Animation' }], after: [{ genre_id: 18, name: 'Drama' }] },
    ])
    t.strictSame(meta.totals.films, { added: 2, removed: 1, changed: 2 })
  })

  t.test('of the list of films a row is its own explanation', async (t) => {
    const { data, meta } = await ask('films')
    t.strictSame(meta.totals, { rows: { added: 3, removed: 2, changed: 10 } })
    t.strictSame(
      data.map(({ film_id, title, change }: Row) => `${film_id} ${title} ${change}`),
      [
        '1 Film 1 changed',
        '2 Film 2 changed',
        '3 Film 3 changed',
        '4 Film 4 changed',
        '5 Film 5 changed',
        '6 Film 6 changed',
        '7 Film Seven changed',
        '8 Film 8 changed',
        '9 Film 9 changed',
        '10 Film 10 changed',
        '11 Film 11 removed',
        '12 Film 12 removed',
        '14 Film 14 added',
        '15 Film 15 added',
        '16 Film 16 added',
      ],
    )
    t.match(data[6], { before: { title: 'Film 7' }, after: { title: 'Film Seven' }, difference: {} })
    t.match(data[0], { before: { budget: 10_000, source_line: 2, load_id: 1 }, after: { budget: 12_000, load_id: 2 } })
    t.notOk('title' in data[0].before, 'a name shows when it is another one')
    t.notOk('films' in data[0])
    t.strictSame(data[0].fields, [], 'columns tell what they show')
    const [pixar, otter] = [
      { company_id: 3, name: 'Pixar' },
      { company_id: 4, name: 'Otter' },
    ]
    t.strictSame(data[4].fields, [{ field: 'companies', before: [pixar], after: [otter] }])
    t.strictSame(data[5].fields, [{ field: 'companies', before: [pixar], after: [otter, pixar] }])
    t.match(data[8], { change: 'changed', difference: {}, fields: [{ field: 'genres', before: [] }] })
    const money = (await ask('films&fields=budget')).data
    t.notOk(
      money.some(({ film_id }: Row) => film_id === 5 || film_id === 9),
      'where columns are named, links are no change',
    )

    const told = (rows: Row[]) =>
      rows.map(({ film_id, change, fields }: Row) => [
        film_id,
        change,
        ...(fields as Row[]).map(({ field }: Row) => field),
      ])
    t.strictSame(told((await ask('films&genre_id=18')).data), [[9, 'added', 'genres']])
    t.strictSame(told((await ask('films&genre_id=18&fields=budget')).data), [[9, 'added', 'genres']])
    t.strictSame(told((await ask('films&company_id=4')).data), [
      [5, 'added', 'companies'],
      [6, 'added', 'companies'],
      [12, 'removed'],
    ])
    t.strictSame(told((await ask('films&company_id=3&year=1996')).data), [[4, 'changed']])
    const moved = (await ask('films&year=1995&fields=year')).data
    t.match(moved, [
      { film_id: 4, change: 'changed', before: { year: 1995 }, after: { year: 1996 } },
      { film_id: 11, change: 'removed' },
      { film_id: 14, change: 'added' },
      { film_id: 15, change: 'added' },
    ])
  })

  t.test('what is no sum names the films that move it', async (t) => {
    const { data } = await ask('company-years&company_id=3&to=1995&fields=roi')
    t.match(data, [{ before: { roi: 1.095238 }, after: { roi: 1.325301 }, difference: {} }])
    t.strictSame(
      data[0].films.data.map((one: Row) => `${one.film_id} ${one.change} ${one.fields.map(({ field }: Row) => field)}`),
      [
        '1 changed budget',
        '2 changed revenue',
        '3 changed budget',
        '4 left release_date',
        '5 left companies',
        '11 removed ',
        '14 added ',
      ],
    )
    t.strictSame(data[0].films.data[0].effect, {})
  })

  t.test('a row that crossed a bound was there before, and is told as it was', async (t) => {
    const { data } = await ask('company-years&min_releases=11&fields=releases')
    t.match(data, [
      { company: 'Pixar', year: 1995, change: 'changed', before: { releases: 12 }, after: { releases: 10 } },
    ])
    t.equal(data.length, 1)
  })
})

t.test('of a film is told, when it changes, whatever the list of films shows', async (t) => {
  const told = companyYears.compared?.parts?.told ?? []
  // Reckoned from others that are told, told by name, or where it was read.
  const others = /^(film_id|year|profit|collection_id|source_file|source_line|load_id|source_load_id)$/
  for (const column of Object.keys(films.row.shape)) t.ok(told.includes(column) || others.test(column), column)
})

t.test('a mean and a ratio are moved by the weight of a film, too, and not by what has none', async (t) => {
  const house = await build(t)
  const rated = (id: number, vote_average: string, vote_count: string, revenue = '20000') =>
    film(id, { vote_average, vote_count, revenue })
  const files = [
    [rated(1, '5', '10'), rated(2, '7', '10'), rated(3, '6', '10'), rated(4, '9', '')],
    // More votes for the second, more revenue for the third; a film that nobody voted for, and one whose average alone is known.
    [rated(1, '5', '10'), rated(2, '7', '30'), rated(3, '6', '10', '30000'), rated(4, '8', ''), rated(5, '9', '0')],
  ]
  for (const [index, films] of files.entries())
    await house.load(await house.file(`${index}/movies_metadata.csv`, metadata(films)))
  const behind = async (measure: string) => {
    const { data } = (await house.get(`/v1/loads/2/changes?report=movies/years&fields=${measure}`)).body
    return data[0].films.data.map((one: Row) => [one.film_id, one.fields.map(({ field }: Row) => field).join()])
  }
  t.strictSame(await behind('vote_average'), [[2, 'vote_count']])
  t.strictSame(await behind('roi'), [
    [3, 'revenue'],
    [5, ''],
  ])
  t.strictSame(await behind('vote_count'), [
    [2, 'vote_count'],
    [5, ''],
  ])
})

t.test('a company that is called otherwise is a changed row, explained by its name', async (t) => {
  const house = await build(t)
  const named = (name: string) => metadata([film(1, { production_companies: `[{'name': '${name}', 'id': 3}]` })])
  await house.load(await house.file('before/movies_metadata.csv', named('Pixar')))
  await house.load(await house.file('after/movies_metadata.csv', named('Pixar Animation Studios')))
  const ask = async (query: string) => (await house.get(`/v1/loads/2/changes?report=movies/${query}`)).body
  const { data, meta } = await ask('companies&fields=company,releases')
  t.strictSame(data, [
    {
      company_id: 3,
      company: 'Pixar Animation Studios',
      change: 'changed',
      before: { company: 'Pixar', releases: 1 },
      after: { company: 'Pixar Animation Studios', releases: 1 },
      difference: {},
      films: { total: 0, data: [] },
    },
  ])
  t.strictSame(meta.totals, {
    rows: { added: 0, removed: 0, changed: 1 },
    films: { added: 0, removed: 0, changed: 0 },
  })
  t.equal((await ask('companies&q=studios')).data[0].change, 'changed', 'found by either name')
  t.strictSame((await ask('companies&fields=releases,revenue')).data, [], 'its figures are the same')
  const csv = await house.app.inject({ url: '/v1/loads/2/changes?report=movies/companies&fields=company&format=csv' })
  t.equal(csv.body, 'company_id,company,company_before,change\r\n3,Pixar Animation Studios,Pixar,changed\r\n')
})

// biome-ignore lint/suspicious/noExplicitAny: rows of JSON
type Row = any
