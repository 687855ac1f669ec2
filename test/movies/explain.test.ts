import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { type Parts, type Report, scopeOf } from '../../queries/report.ts'
import { loadReports } from '../../src/reports.ts'
import { loadSubjects } from '../../src/subjects.ts'
import { build, type House, temporaryFolder } from '../build.ts'
import { fileOf } from './format-files.ts'
import { type Cells, metadata } from './sources.ts'
import { actor, creditsCsv, folderOf, keywordsCsv, worker } from './whole-data.ts'

/** Why films are not behind a report's rows: files with one film for each reason, reckoned by hand. */

type Query = Record<string, string>

const explained = async (house: House, report: string, query: Query) => {
  const { status, body } = await house.get(`/v1/movies/${report}?${new URLSearchParams({ ...query, explain: 'true' })}`)
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body.data
}

/** In the order of telling, as `reason: films`. */
const leftOut = ({ films }: { films: { left_out: { reason: string; films: number }[] } }) =>
  films.left_out.map(({ reason, films }) => `${reason}: ${films}`)

const PIXAR = "{'name': 'Pixar', 'id': 3}"
const OTTER = "{'name': 'Otter', 'id': 4}"
const sound: Cells = {
  production_companies: `[${PIXAR}]`,
  production_countries: "[{'iso_3166_1': 'US', 'name': 'United States of America'}]",
  belongs_to_collection: "{'id': 7, 'name': 'Toys', 'poster_path': None, 'backdrop_path': None}",
  vote_average: '7',
  vote_count: '100',
}

t.test('each film that is left out is told by the first reason', async (t) => {
  const house = await build(t)
  const films: Cells[] = [
    sound,
    { ...sound, production_companies: `[${PIXAR}, ${OTTER}]`, budget: '0', popularity: '' },
    { ...sound, production_companies: `[${OTTER}]` },
    { ...sound, genres: '[]' },
    { ...sound, belongs_to_collection: '' },
    sound,
    sound,
    { ...sound, production_countries: '[]' },
    { ...sound, original_language: 'fr' },
    { ...sound, status: 'Rumored' },
    { ...sound, vote_count: '99' },
    { ...sound, budget: '7', revenue: '900' },
    { ...sound, release_date: '' },
    { ...sound, release_date: '1989-12-31' },
    { ...sound, release_date: '2000-01-01' },
    // Of several reasons the first counts.
    { ...sound, original_language: 'fr', status: 'Rumored', release_date: '' },
  ]
  const everyone = (except: number) => films.map((_, index) => index + 1).filter((id) => id !== except)
  await house.load(
    await folderOf(house, 'a', {
      'movies_metadata.csv': metadata(films),
      'credits.csv': creditsCsv(
        ...everyone(6).map((id): [string, string, string] => [
          `[${actor(21, 'Fox', 'Himself')}]`,
          `[${worker(22, 'Owl', 'Director', 'Directing')}]`,
          String(id),
        ]),
      ),
      'keywords.csv': keywordsCsv(
        ...everyone(7).map((id): [string, string] => [String(id), "[{'id': 9, 'name': 'toy'}]"]),
      ),
    }),
  )
  const asked = {
    company_id: '3',
    genre_id: '16',
    collection_id: '7',
    person_id: '21',
    keyword_id: '9',
    country: 'us',
    language: 'en',
    status: 'Released',
    min_votes: '100',
    exclude_suspect: 'true',
    from: '1990',
    to: '1999',
  }
  const shared = [
    'company_id: 1',
    'genre_id: 1',
    'collection_id: 1',
    'person_id: 1',
    'keyword_id: 1',
    'country: 1',
    'language: 2',
    'status: 1',
    'min_votes: 1',
    'exclude_suspect: 1',
    'undated: 1',
    'from: 1',
    'to: 1',
  ]
  for (const report of ['years', 'company-years', 'company-genre-years', 'language-years', 'films'])
    await t.test(report, async (t) => {
      const data = await explained(house, report, asked)
      t.match(data.films, { in_load: 16, counted: 2 })
      t.strictSame(leftOut(data), shared)
      t.strictSame(data.coverage, {
        budget: { known: 1, counted: 2 },
        revenue: { known: 2, counted: 2 },
        both: { known: 1, counted: 2 },
        popularity: { known: 1, counted: 2 },
        votes: { known: 2, counted: 2 },
        ratings: { known: 0, counted: 2 },
      })
      t.strictSame(data.sources, [{ load: 1, file: 'movies_metadata.csv', films: 2 }])
    })

  await t.test('what a film has no member of', async (t) => {
    t.strictSame(leftOut(await explained(house, 'years', {})), ['undated: 2'])
    t.strictSame(leftOut(await explained(house, 'genre-years', {})), ['undated: 2', 'no_genre: 1'])
    t.strictSame(leftOut(await explained(house, 'collection-years', {})), ['undated: 2', 'no_collection: 1'])
    t.strictSame(leftOut(await explained(house, 'country-years', { to: '1999' })), [
      'undated: 2',
      'to: 1',
      'no_country: 1',
    ])
    t.strictSame(leftOut(await explained(house, 'person-years', { job: 'Director' })), ['undated: 2', 'no_person: 1'])
    t.strictSame(
      leftOut(await explained(house, 'companies', {})),
      ['no_company: 0'],
      'undated films count in a lifetime',
    )
    t.strictSame(leftOut(await explained(house, 'films', {})), [])
  })
  await t.test('a person counts in the job that is asked for', async (t) => {
    const { films } = await explained(house, 'person-years', { person_id: '21' })
    t.match(films, {
      in_load: 16,
      counted: 0,
      left_out: [
        { reason: 'person_id', films: 16 },
        { reason: 'undated', films: 0 },
      ],
    })
    const cast = await explained(house, 'person-years', { person_id: '21', job: 'cast' })
    t.strictSame(leftOut(cast), ['person_id: 1', 'undated: 2'])
    t.strictSame(leftOut(await explained(house, 'years', { person_id: '21' })), ['person_id: 1', 'undated: 2'])
  })
  await t.test('rows that do not show', async (t) => {
    // Of Otter there are two films, one of which is Pixar's too; of each other year but 1995 there is one.
    const years = await explained(house, 'company-years', { min_releases: '2' })
    t.strictSame(leftOut(years), ['undated: 2', 'no_company: 0', 'min_releases: 2'])
    t.strictSame(leftOut(await explained(house, 'companies', { q: 'otter' })), ['no_company: 0', 'q: 14'])
    t.strictSame(leftOut(await explained(house, 'companies', { q: 'otter', min_releases: '3' })), [
      'no_company: 0',
      'q: 14',
      'min_releases: 2',
    ])
    t.strictSame(leftOut(await explained(house, 'films', { q: 'film 1' })), ['q: 8'])
    t.strictSame(leftOut(await explained(house, 'films', { year: '1995' })), ['undated: 2', 'year: 2'])
  })
  await t.test('one film', async (t) => {
    const data = await explained(house, 'films/2', {})
    t.match(data.films, { in_load: 16, counted: 1 })
    t.strictSame(leftOut(data), ['id: 15'])
    t.match(data.coverage, { budget: { known: 0, counted: 1 }, revenue: { known: 1, counted: 1 } })
    const none = await house.get('/v1/movies/films/99?explain=true')
    t.equal(none.status, 404)
    t.strictSame({ ...none.body, instance: '' }, { ...(await house.get('/v1/movies/films/99')).body, instance: '' })
  })
  await t.test('of pages, the whole; of the SQL, the page', async (t) => {
    const first = (await house.get('/v1/movies/films?limit=5')).body
    const whole = await explained(house, 'films', { limit: '5' })
    const second = await explained(house, 'films', { limit: '5', cursor: first.meta.next })
    t.strictSame(second.films, whole.films)
    const { rows } = await ran(house, second.sql)
    t.strictSame(
      JSON.parse(`[${rows[0]?.lines}]`).map(({ film_id }: { film_id: number }) => film_id),
      [6, 7, 8, 9, 10],
    )
    t.not(second.sql.text, whole.sql.text)
  })
})

t.test('the films that count are those behind the rows, whatever is asked', async (t) => {
  const house = await build(t)
  const sample = (await loadSubjects()).get('movies')?.sample
  await house.load(sample?.path() as string, { trigger: 'sample', format: sample?.format })
  const asked: Query[] = [
    {},
    { grain: 'decade', min_releases: '40' },
    { grain: 'month', min_releases: '3', exclude_suspect: 'true' },
    { grain: 'all', from: '1990', to: '1999', min_votes: '1000' },
    { company_id: '162,160', min_releases: '5' },
    { genre_id: '4', from: '2005', attribution: 'split', min_releases: '2' },
    { company_id: '162', genre_id: '4', grain: 'quarter' },
    { company_id: '162', genre_id: '4', q: 'o', min_releases: '20' },
    { content_rating: 'R,PG', q: 'warner' },
    { person_id: '1,2,3,4,5', job: 'Director' },
    { job: 'cast' },
    { genre_id: '4', from: '2005' },
    { by: 'genre', genre_id: '4,6' },
    { by: 'all', measure: 'vote_count', n: '3' },
  ]
  for (const { subject, shownName, report } of await loadReports()) {
    const parts = (report as Report).compared?.parts
    if (subject !== 'movies' || !parts) continue
    let compared = 0
    for (const query of asked) {
      const params = report.params.safeParse(query)
      if (!params.success || report.contradiction?.(params.data)) continue
      const { films } = await explained(house, shownName.replace('movies/', ''), query)
      t.equal(
        films.counted,
        await filmsBehind(house, report, parts, params.data),
        `${shownName} ${JSON.stringify(query)}`,
      )
      compared += 1
    }
    t.ok(compared > 2, shownName)
  }
})

t.test('the films that count are those of which rows tell how many, or which', async (t) => {
  const house = await build(t)
  const out = await temporaryFolder(t)
  await house.subjects.get('movies')?.generate?.write({ out, sizes: { films: 400 }, seed: 1 })
  await house.load(out)
  // Every third film is rated.
  const { data } = (await house.get('/v1/movies/films?limit=1000&fields=film_id')).body
  const ids = (data as { film_id: number }[]).map(({ film_id }) => film_id).filter((_, index) => index % 3 === 0)
  await writeFile(
    path.join(out, 'links.csv'),
    lines('movieId,imdbId,tmdbId', ids, (id) => `${id},0114709,${id}`),
  )
  await writeFile(
    path.join(out, 'ratings.csv'),
    lines('userId,movieId,rating,timestamp', ids, (id) => `1,${id},4.0,9`),
  )
  await house.load(out)
  const counted = async (report: string, query: Query) => (await explained(house, report, query)).films.counted
  const rows = async (report: string, query: Query): Promise<Record<string, number>[]> =>
    (await house.get(`/v1/movies/${report}?${new URLSearchParams({ limit: '1000', ...query })}`)).body.data
  const sumOf = (column: string, all: Record<string, number>[]) =>
    all.reduce((sum, row) => sum + (row[column] as number), 0)
  const same = (a: number, b: number, what: string, query: Query) => {
    t.equal(a, b, `${what} ${JSON.stringify(query)}`)
    t.ok(b > 0, 'and there are some')
  }
  // A film has one language and one collection at most, so rows count it once.
  for (const query of [
    { dimension: 'language' },
    { dimension: 'language', measure: 'budget', grain: 'decade', min_releases: '2' },
    { dimension: 'language', measure: 'rating_average', grain: 'all' },
    { dimension: 'collection', measure: 'roi' },
    { dimension: 'language', from: '1995', to: '2005' },
    { dimension: 'language', grain: 'all', from: '1998', language: 'en,fr' },
    { dimension: 'language', grain: 'decade', from: '1998' },
  ] as Query[])
    same(await counted('rankings', query), sumOf('releases', await rows('rankings', query)), 'rankings', query)
  for (const query of [
    {},
    { by: 'genre', measure: 'roi', n: '2' },
    { by: 'all', from: '1995' },
    { by: 'decade', measure: 'rating_average' },
  ] as Query[])
    same(
      await counted('top-films', query),
      new Set((await rows('top-films', query)).map(({ film_id }) => film_id)).size,
      'top-films',
      query,
    )
  for (const query of [
    { by: 'all' },
    { by: 'budget_band', from: '1990' },
    { by: 'budget_band', min_releases: '5' },
  ] as Query[])
    same(await counted('roi', query), sumOf('films', await rows('roi', query)), 'roi', query)
  same(await counted('ratings', {}), (await rows('ratings', {})).length, 'ratings', {})
  const { films } = await explained(house, 'ratings', { by: 'year' })
  t.match(films.left_out, [{ reason: 'undated' }, { reason: 'not_rated' }])
})

const lines = (header: string, ids: number[], line: (id: number) => string) => [header, ...ids.map(line), ''].join('\n')

/** Distinct films of all rows, by what explains a change of them. */
async function filmsBehind(
  house: House,
  report: Report,
  parts: Parts,
  params: Record<string, unknown>,
): Promise<number> {
  const scope = scopeOf(1)
  const { reader, writer } = house.warehouse
  const key = sql.join(report.key.map((column) => sql.ref(column)))
  const { rows } = await sql<{ films: number }>`
    select count(distinct film_id) as films from ${parts.query(reader, scope, params).as('part')}
    where (${key}) in (select ${key} from ${report.query(reader, scope, params).as('row')})`.execute(writer)
  return (rows[0] as { films: number }).films
}

t.test('films that are dated by their year alone are in no month', async (t) => {
  const house = await build(t)
  await house.load(await house.file('movie_metadata.csv', fileOf('imdb-5000', [{}, { title_year: '' }])))
  t.strictSame(leftOut(await explained(house, 'genre-years', { grain: 'month' })), [
    'undated: 1',
    'month_unknown: 1',
    'no_genre: 0',
  ])
  t.strictSame(leftOut(await explained(house, 'genre-years', { grain: 'decade' })), ['undated: 1', 'no_genre: 0'])
})

t.test('coverage is that of the prices that are asked for', async (t) => {
  const house = await build(t)
  const months = Array.from({ length: 12 }, (_, index) => `1996-${String(index + 1).padStart(2, '0')}-01,100`)
  await house.load(
    await folderOf(house, 'a', {
      'movies_metadata.csv': metadata([{ release_date: '1996-05-01' }, { release_date: '1995-01-01' }]),
      'prices.csv': ['DATE,CPIAUCSL', ...months].join('\n'),
    }),
  )
  await coverageIs(t, house, {}, 2)
  await coverageIs(t, house, { prices: 'real' }, 1)
  const refused = await house.get('/v1/movies/years?prices=real&base_year=1995&explain=true')
  t.equal(refused.status, 400)
  t.match(refused.body.errors, [{ parameter: 'base_year' }], 'as the report itself refuses')
})

async function coverageIs(t: Test, house: House, prices: Query, known: number): Promise<void> {
  const [row] = (await house.get(`/v1/movies/years?${new URLSearchParams({ grain: 'all', ...prices })}`)).body.data
  for (const report of ['years', 'films', 'companies']) {
    const { coverage } = await explained(house, report, prices)
    t.match(coverage, { budget: { known, counted: 2 }, both: { known, counted: 2 }, popularity: { known: 2 } })
    t.equal(coverage.revenue.known, row.revenue_known)
  }
}

t.test(
  'an older load is explained as it is now; films that were carried over, by the load that read them',
  async (t) => {
    const house = await build(t)
    await house.load(await house.file('a/movies_metadata.csv', metadata([{}, {}, {}])))
    const url = '/v1/movies/years?as_of=1&explain=true'
    const first = await house.get(url)
    t.match(first.body.data.load, { id: 1, state: 'published' })
    await house.load(await house.file('b/movies_metadata.csv', metadata([{ id: '3' }, { id: '4' }])), { mode: 'merge' })
    const { sources, load } = await explained(house, 'years', {})
    t.equal(load.id, 2)
    t.strictSame(sources, [
      { load: 1, file: 'movies_metadata.csv', films: 2 },
      { load: 2, file: 'movies_metadata.csv', films: 2 },
    ])
    const again = await house.app.inject({ url, headers: { 'if-none-match': String(first.headers.etag) } })
    t.equal(again.statusCode, 200)
    t.match(again.headers, { 'cache-control': 'public, no-cache' })
    t.match(again.json().data, { load: { id: 1, state: 'superseded' }, films: { in_load: 3 } })
  },
)

async function ran(house: House, { text, parameters }: { text: string; parameters: unknown[] }) {
  const client = await house.warehouse.connect('test')
  try {
    return await client.query<{ lines: string }>(text, parameters)
  } finally {
    await client.end()
  }
}
