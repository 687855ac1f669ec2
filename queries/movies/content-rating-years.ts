import { cellReport } from './parts/cell-report.ts'

export default cellReport({
  summary: 'Each content rating’s figures by release year, or by another period',
  description:
    'As the source has the ratings (`PG-13`, `R`); films without one are in no row. `content_rating` selects rows.',
  version: 2,
  by: ['content_rating'],
  example: { content_rating: 'PG-13', from: '1990' },
})
