import { yearReport } from './parts/year-report.ts'

export default yearReport({
  by: 'studio',
  dimension: 'company',
  summary: 'Each studio’s titles by year: how many, how long, and how they are rated',
  description: 'A co-production counts for each of its studios.',
  example: { from: '2000', sort: '-titles' },
})
