import t from 'tap'
import { build, type House } from '../build.ts'
import { type Cells, metadata } from './sources.ts'

/** Two companies called Apex and two called Bolt, beside one Crow: whoever shows one of a name is told of all. */

const film = (id: number, year: string, companies: [id: number, name: string][], cells: Cells = {}): Cells => ({
  id: String(id),
  title: `Film ${id}`,
  release_date: year && `${year}-05-01`,
  budget: '10',
  revenue: '30',
  production_companies: `[${companies.map(([of, name]) => `{'name': '${name}', 'id': ${of}}`).join(', ')}]`,
  ...cells,
})

const APEX = {
  company: 'Apex',
  companies: [
    { company_id: 3, first_year: 1990, last_year: 1995, films: 3 },
    { company_id: 9, first_year: null, last_year: null, films: 1 },
  ],
}
const BOLT = {
  company: 'Bolt',
  companies: [
    { company_id: 4, first_year: 1991, last_year: 1991, films: 1 },
    { company_id: 5, first_year: 1992, last_year: 1992, films: 1 },
  ],
}

t.test('whoever shows a company of a shared name is told of all that have it', async (t) => {
  const house = await build(t)
  await load(
    house,
    metadata([
      film(1, '1990', [[3, 'Apex']]),
      film(2, '1995', [[3, 'Apex']]),
      film(3, '', [
        [3, 'Apex'],
        [9, 'Apex'],
      ]),
      film(4, '1991', [[4, 'Bolt']]),
      film(5, '1992', [[5, 'Bolt']]),
      film(6, '1992', [[6, 'Crow']], { genres: "[{'id': 18, 'name': 'Drama'}]" }),
    ]),
  )
  const asked: [question: string, told: unknown][] = [
    ['company-years', [APEX, BOLT]],
    ['company-years?company_id=3', [APEX]],
    ['company-years?company_id=5,6', [BOLT]],
    ['company-years?company_id=6', []],
    ['company-years?from=1993', [APEX]],
    ['company-years?limit=2', [APEX]],
    ['company-years?limit=2&fields=releases', [APEX]],
    ['company-years?sort=-company&limit=1', []],
    ['company-genre-years?company_id=6', []],
    ['companies?q=bolt', [BOLT]],
    ['companies?limit=1', [APEX]],
    ['rankings?grain=all', [APEX, BOLT]],
    ['rankings?company_id=4', [BOLT]],
    ['rankings?dimension=genre', undefined],
    ['top-films?by=company&company_id=3', [APEX]],
    ['top-films', undefined],
    ['roi?by=company', [APEX, BOLT]],
    ['roi?by=genre', undefined],
    ['genre-years', undefined],
  ]
  for (const [question, told] of asked) t.strictSame(await sharedNames(house, question), told, question)

  t.strictSame(await sharedNames(house, 'films/3'), [APEX])
  t.strictSame(await sharedNames(house, 'films/6'), [])

  const first = (await house.get('/v1/movies/company-years?limit=2')).body
  const second = await sharedNames(house, `company-years?limit=2&cursor=${first.meta.next}`)
  t.strictSame(second, [BOLT], 'of each page, its own')
})

t.test('the changes of companies tell it of either load: of rows that are gone, of the one before', async (t) => {
  const house = await build(t)
  await load(
    house,
    metadata([film(1, '1990', [[3, 'Apex']]), film(2, '1995', [[9, 'Apex']]), film(3, '1995', [[4, 'Bolt']])]),
  )
  await load(
    house,
    metadata([
      film(1, '1990', [[3, 'Apex']], { budget: '20' }),
      film(3, '1995', [[4, 'Bolt']], { budget: '20' }),
      film(4, '1996', [[5, 'Bolt']]),
    ]),
  )
  const one = (company_id: number, year: number) => ({ company_id, first_year: year, last_year: year, films: 1 })
  const told = {
    before: [{ company: 'Apex', companies: [one(3, 1990), one(9, 1995)] }],
    after: [{ company: 'Bolt', companies: [one(4, 1995), one(5, 1996)] }],
  }
  const asked = async (query: string) => (await house.get(`/v1/loads/2/changes?report=movies/${query}`)).body.meta
  for (const query of ['company-years', 'companies', 'rankings', 'roi&by=company', 'top-films&by=company'])
    t.strictSame((await asked(query)).shared_names, told, query)
  t.strictSame((await asked('companies&company_id=3')).shared_names, { before: [], after: [] })
  for (const query of ['genre-years', 'roi', 'films']) t.notOk('shared_names' in (await asked(query)), query)
})

t.test('a name of any length is told', async (t) => {
  const house = await build(t)
  const name = 'x'.repeat(390)
  await load(house, metadata([film(1, '1990', [[1, name]]), film(2, '1990', [[2, name]])]))
  t.match(await sharedNames(house, 'companies'), [{ company: name }])
})

const load = async (house: House, csv: string | Buffer) => house.load(await house.file('movies_metadata.csv', csv))

async function sharedNames(house: House, question: string): Promise<unknown> {
  const { status, body } = await house.get(`/v1/movies/${question}`)
  return status === 200 ? body.meta.shared_names : body
}
