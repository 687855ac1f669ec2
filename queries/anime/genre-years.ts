import { yearReport } from './parts/year-report.ts'

export default yearReport({
  by: 'genre',
  dimension: 'genre',
  summary: 'Each genre’s titles by year: how many, how long, and how they are rated',
  description: 'A title has several genres, so genres do not add up to all titles.',
  example: { from: '2000', sort: '-titles' },
})
