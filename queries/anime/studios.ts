import { namedReport } from './parts/named-report.ts'

export default namedReport({
  by: 'studio',
  dimension: 'company',
  summary: 'Studios by name, with their ids and how many titles they have',
  example: { q: 'a' },
})
