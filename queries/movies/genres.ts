import { lifetimeReport } from './parts/cell-report.ts'

export default lifetimeReport({
  summary: 'Genres, found by name, with their lifetime figures',
  description: 'One row a genre, over all its films, dated or not.',
  version: 3,
  by: ['genre'],
  example: { q: 'comedy', sort: '-revenue' },
})
