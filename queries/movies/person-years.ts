import { cellReport } from './parts/cell-report.ts'

export default cellReport({
  summary: 'The figures of people’s films by release year, or by another period',
  description:
    'By what they did: directors unless `job` asks for others, `cast` being who played. A film counts in full for each person; `attribution=split` shares it out among all who had that job in it. `person_id` selects rows. `films` takes the same `person_id` and `job`, for the films of a row.',
  version: 2,
  by: ['person'],
  example: { from: '1990', sort: '-revenue' },
})
