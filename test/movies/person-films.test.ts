import t from 'tap'
import { build } from '../build.ts'
import { metadata } from './sources.ts'
import { actor, creditsCsv, folderOf, worker } from './whole-data.ts'

/** The films behind what people did: `person_id` and `job` together. */

const ANN = 5
const BOB = 6
const crew = (...jobs: [id: number, job: string][]) =>
  `[${jobs.map(([id, job]) => worker(id, id === ANN ? 'Ann' : 'Bob', job, 'Any')).join(', ')}]`
const cast = (...ids: number[]) => `[${ids.map((id) => actor(id, id === ANN ? 'Ann' : 'Bob', 'X')).join(', ')}]`

const FILMS = metadata([
  { revenue: '1000000' },
  { revenue: '20000000', budget: '0' },
  { revenue: '0' },
  { revenue: '4000000', release_date: '1996-02-02' },
  { revenue: '5000000', release_date: '' },
])
const CREDITS = creditsCsv(
  [cast(), crew([ANN, 'Director'], [BOB, 'Producer']), '1'],
  [cast(BOB), crew([ANN, 'Producer']), '2'],
  [cast(ANN, BOB), crew(), '3'],
  [cast(ANN), crew([ANN, 'Director'], [ANN, 'Producer'], [BOB, 'Producer']), '4'],
  // A job that is called as the cast is.
  [cast(BOB), crew([ANN, 'Director'], [ANN, 'cast']), '5'],
)

async function loaded(t: Tap) {
  const house = await build(t)
  await house.load(await folderOf(house, 'a', { 'movies_metadata.csv': FILMS, 'credits.csv': CREDITS }))
  const rows = async (query: string): Promise<Row[]> => {
    const { status, body } = await house.get(`/v1/movies/${query}`)
    t.equal(status, 200, query)
    return body.data
  }
  return { house, rows }
}

t.test('the films of a person in a job are those of the row, and add up to it', async (t) => {
  const { rows } = await loaded(t)
  const cells = await rows('person-years?job=Director,Producer,cast')
  t.strictSame(
    cells.map(({ person, job, period, releases }) => `${person} ${job} ${period} ${releases}`),
    [
      'Ann Director 1995 1',
      'Ann Director 1996 1',
      'Ann Producer 1995 1',
      'Ann Producer 1996 1',
      'Ann cast 1995 1',
      'Ann cast 1996 1',
      'Bob Producer 1995 1',
      'Bob Producer 1996 1',
      'Bob cast 1995 2',
    ],
  )
  for (const cell of cells) {
    const films = await rows(`films?person_id=${cell.person_id}&job=${cell.job}&year=${cell.year}`)
    const known = (name: string) => films.map((film) => film[name]).filter((value) => value !== null)
    const sum = (name: string) => (known(name).length > 0 ? known(name).reduce((a, b) => a + b) : null)
    t.strictSame(
      [films.length, sum('budget'), known('budget').length, sum('revenue'), known('revenue').length],
      [cell.releases, cell.budget, cell.budget_known, cell.revenue, cell.revenue_known],
      `${cell.person} ${cell.job} ${cell.year}`,
    )
  }
})

t.test('one of the people in one of the jobs', async (t) => {
  const { house, rows } = await loaded(t)
  const ids = async (query: string) => (await rows(`films?${query}`)).map(({ film_id }) => film_id)
  t.strictSame(await ids(`person_id=${ANN}`), [1, 2, 3, 4, 5])
  t.strictSame(await ids(`person_id=${ANN}&job=Director`), [1, 4, 5])
  t.strictSame(await ids(`person_id=${ANN}&job=cast`), [3, 4], 'who played, whatever a job is called')
  t.strictSame(await ids(`person_id=${BOB}&job=Director`), [])
  t.strictSame(await ids(`person_id=${ANN},${BOB}&job=Producer`), [1, 2, 4])
  t.strictSame(await ids(`person_id=${ANN}&job=Producer,cast`), [2, 3, 4])
  t.strictSame(await ids(`person_id=${ANN}&job=director`), [], 'as the source writes it')

  const { status, body } = await house.get('/v1/movies/films?job=Producer')
  t.equal(status, 400)
  t.match(body.errors, [{ parameter: 'job', detail: 'is for person_id: it says what these people did' }])
})

t.test('in every report on films, and where people are counted as ever', async (t) => {
  const { rows } = await loaded(t)
  const released = async (query: string) => (await rows(query)).map(({ releases, films }) => releases ?? films)
  const asAnn = (job: string) => `person_id=${ANN}&job=${job}`
  t.strictSame(await released(`years?${asAnn('Producer')}`), [1, 1])
  t.strictSame(await released(`company-years?${asAnn('Director')}&grain=all`), [2])
  t.strictSame(await released(`companies?${asAnn('Director')}`), [3], 'undated films, too')
  t.strictSame(await released(`roi?${asAnn('Director')}&by=all`), [3])
  t.strictSame(await released(`rankings?${asAnn('Producer')}&grain=all`), [2])
  t.strictSame(
    (await rows(`top-films?${asAnn('Producer')}&by=all`)).map(({ film_id }) => film_id),
    [2, 4],
  )
  t.strictSame(
    (await rows(`rankings?dimension=person&${asAnn('Producer')}&grain=all`)).map(({ rank, value }) => [rank, value]),
    [[1, 24_000_000]],
  )
})

t.test('an explanation tells who did something else, a comparison who does it no longer', async (t) => {
  const { house } = await loaded(t)
  const { films } = (await house.get(`/v1/movies/films?person_id=${BOB}&job=Producer&explain=true`)).body.data
  t.strictSame(films, {
    in_load: 5,
    counted: 2,
    left_out: [
      { reason: 'person_id', films: 0 },
      { reason: 'job', films: 3 },
    ],
  })
  const person = (await house.get(`/v1/movies/person-years?person_id=${BOB}&job=Producer&explain=true`)).body.data.films
  t.strictSame(person.left_out, [
    { reason: 'person_id', films: 3 },
    { reason: 'undated', films: 0 },
  ])

  const next = CREDITS.replace(
    "'id': 6, 'job': 'Producer', 'name': \"\"Bob\"\"",
    "'id': 6, 'job': 'Editor', 'name': \"\"Bob\"\"",
  )
  t.not(next, CREDITS)
  const revised = FILMS.replaceAll('4000000', '4100000')
  await house.load(await folderOf(house, 'b', { 'movies_metadata.csv': revised, 'credits.csv': next }))
  const changes = async (query: string) => {
    const { status, body } = await house.get(`/v1/loads/2/changes?report=movies/${query}`)
    t.equal(status, 200)
    return body.data
  }
  const asBob = `person_id=${BOB}&job=Producer`
  t.match(await changes(`person-years?${asBob}`.replace('?', '&')), [
    {
      period: '1995',
      change: 'removed',
      films: { data: [{ film_id: 1, change: 'left', fields: [{ field: 'crew' }] }] },
    },
    { period: '1996', change: 'changed', difference: { revenue: 100_000 } },
  ])
  t.match(await changes(`films&${asBob}&fields=revenue`), [
    { film_id: 1, change: 'removed', fields: [{ field: 'crew' }] },
    { film_id: 4, change: 'changed', difference: { revenue: 100_000 } },
  ])
  t.match(await changes(`years&${asBob}`), [
    {
      period: '1995',
      change: 'removed',
      films: { data: [{ film_id: 1, change: 'left', fields: [{ field: 'crew' }] }] },
    },
    { period: '1996', change: 'changed' },
  ])
  const refused = await house.get('/v1/loads/2/changes?report=movies/films&job=Producer')
  t.match([refused.status, refused.body.errors], [400, [{ parameter: 'job' }]])
})

type Tap = Parameters<typeof build>[0]
// biome-ignore lint/suspicious/noExplicitAny: rows of JSON
type Row = any
