import { cellReport } from './parts/cell-report.ts'

export default cellReport({
  summary: 'Each collection’s (franchise’s) figures by release year, or by another period',
  description: 'A film is in one collection or in none; those in none are in no row. `collection_id` selects rows.',
  version: 2,
  by: ['collection'],
  example: { from: '1990', sort: '-revenue' },
})
