import { cellReport } from './parts/cell-report.ts'

export default cellReport({
  summary: 'Each original language’s figures by release year, or by another period',
  description: 'By the language that a film was made in, not by those spoken in it. `language` selects rows.',
  version: 2,
  by: ['language'],
  example: { from: '1990', sort: '-releases' },
})
