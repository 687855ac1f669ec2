import t from 'tap'
import { loadSubjects } from '../../src/subjects.ts'
import { build } from '../build.ts'

t.test('the sample that comes with the program answers reports', async (t) => {
  const house = await build(t)
  const sample = (await loadSubjects()).get('movies')?.sample
  const load = await house.load(sample?.path() as string, { trigger: 'sample', format: sample?.format })
  t.match(load, { state: 'published', data_through: '2011-12-23' })
  t.match(load.files, [{ name: 'movies.json', read: 3201, loaded: 3200, rejected: 1, duplicate: 0, unmatched: 0 }])
  const { body } = await house.get('/v1/movies/years?from=1997&to=1997')
  t.match(body.data, [{ year: 1997, popularity: null, popularity_known: 0 }])
})
