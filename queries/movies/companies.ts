import { lifetimeReport } from './parts/cell-report.ts'

export default lifetimeReport({
  summary: 'Companies, found by name, with their lifetime figures',
  description:
    'One row a company, over all its films, dated or not. Different companies share names: their ids, years and numbers of films tell them apart.',
  version: 3,
  by: ['company'],
  example: { q: 'warner' },
})
