import { namedReport } from './parts/named-report.ts'

export default namedReport({
  by: 'genre',
  dimension: 'genre',
  summary: 'Genres by name, with their ids and how many titles they have',
  example: { q: 'a' },
})
