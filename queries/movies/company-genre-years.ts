import { cellReport } from './parts/cell-report.ts'

export default cellReport({
  summary: 'Each company’s figures by genre and release year, or by another period',
  description:
    'A film counts in full in the cell of each of its companies with each of its genres; a film without genres is in no cell here, but is in `company-years`. `company_id` and `genre_id` select rows.',
  version: 3,
  by: ['company', 'genre'],
  example: { company_id: '160', genre_id: '2', from: '1994' },
})
