import fc from 'fast-check'
import t from 'tap'
import { datasetFolder } from './dataset-file.ts'
import { LawHouse } from './law-house.ts'

/** Questions that have no answer: which parameter is to blame is said. */
const REFUSED: [query: string, parameter: string][] = [
  ['company-years?prices=real&price_index=NONE', 'price_index'],
  ['company-years?prices=real&base_year=1901', 'base_year'],
  ['company-years?base_year=1996', 'base_year'],
  ['films?price_index=CPIAUCSL', 'price_index'],
  ['films?prices=real&price_index=cpiaucsl', 'price_index'],
  ['company-genre-years?attribution=split&aggregate=mean', 'attribution'],
  ['genres?attribution=split&aggregate=median', 'attribution'],
  ['films?grain=month', 'grain'],
  ['films?aggregate=mean', 'aggregate'],
  ['films?attribution=split', 'attribution'],
  ['years?attribution=split', 'attribution'],
  ['collection-years?attribution=full', 'attribution'],
  ['language-years?attribution=full', 'attribution'],
  ['content-rating-years?attribution=split', 'attribution'],
  ['company-years?job=Director', 'job'],
  ['films?job=Director', 'job'],
  ['ratings?job=cast', 'job'],
  ['rankings?job=Director', 'job'],
  ['rankings?dimension=person&job=Director,Producer', 'job'],
  ['films?person_id=1&job=', 'job'],
  ['companies?grain=decade', 'grain'],
  ['years?grain=week', 'grain'],
  ['years?min_votes=-1', 'min_votes'],
  ['rankings?dimension=year', 'dimension'],
  ['rankings?measure=title', 'measure'],
  ['rankings?grain=week', 'grain'],
  ['top-films?n=0', 'n'],
  ['top-films?n=101', 'n'],
  ['top-films?by=country', 'by'],
  ['roi?by=year', 'by'],
  ['ratings?by=company', 'by'],
  ['ratings?min_releases=2', 'min_releases'],
  // Names are found without accents, so of these nothing is left to look for.
  [`companies?q=${encodeURIComponent('\u0301')}`, 'q'],
  [`films?q=${encodeURIComponent('\u00b4 \u0308')}`, 'q'],
  ['films/1?base_year=1996', 'base_year'],
]

t.setTimeout(0)
t.test('what makes no sense is refused, and the parameter named', async (t) => {
  const laws = await LawHouse.open(t)
  const [file] = fc.sample(datasetFolder, { numRuns: 1, seed: 1 })
  await laws.loadDataset(file as NonNullable<typeof file>)
  for (const [query, parameter] of REFUSED) {
    const { status, body } = await laws.house.get(`/v1/movies/${query}`)
    t.equal(status, 400, query)
    t.ok(
      body.errors?.some((error: { parameter: string }) => error.parameter === parameter),
      `${query} blames ${parameter}`,
    )
  }
})
