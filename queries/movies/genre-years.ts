import { cellReport } from './parts/cell-report.ts'

export default cellReport({
  summary: 'Each genre’s figures by release year, or by another period',
  description:
    'A film counts in full for each of its genres, so genres do not add up to the industry, which `years` is; `attribution=split` shares films out, and then they do. `genre_id` selects rows, all other ids select films.',
  version: 3,
  by: ['genre'],
  example: { genre_id: '2', from: '1994', sort: 'period' },
})
