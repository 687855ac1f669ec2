import { cellReport } from './parts/cell-report.ts'

export default cellReport({
  summary: 'Each production country’s figures by release year, or by another period',
  description:
    'A film counts in full for each of the countries that it was made in; `attribution=split` shares it out. `country` selects rows.',
  version: 2,
  by: ['country'],
  example: { from: '1990', sort: '-releases' },
})
