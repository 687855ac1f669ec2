import { cellReport } from './parts/cell-report.ts'

export default cellReport({
  summary: 'The whole industry by release year, or by another period',
  description: 'Each film counts once. All ids select films.',
  version: 3,
  by: [],
  example: { from: '1990', to: '1999' },
})
