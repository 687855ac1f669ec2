import { cellReport } from './parts/cell-report.ts'

export default cellReport({
  summary: 'Each company’s figures by release year, or by another period',
  description:
    'A co-production counts in full for each of its companies, so companies do not add up to the industry, which `years` is; `attribution=split` shares films out, and then they do. `company_id` selects rows, all other ids select films.',
  version: 3,
  by: ['company'],
  example: { company_id: '160', from: '1994', sort: 'period' },
})
