import fc from 'fast-check'
import { REPORTS, type ReportName } from './oracle.ts'
import type { Asked } from './oracle-changes.ts'
import type { ParamName } from './oracle-reports.ts'
import { params } from './questions.ts'

/** Requests for the changes of reports. */

/** Reports whose changes are asked for, and what is asked of them. */
export const CHANGING: ReportName[] = [
  'company-years',
  'genre-years',
  'company-genre-years',
  'years',
  'companies',
  'genres',
  'films',
  'rankings',
  'top-films',
  'roi',
]
const PARAMS: ParamName[] = [
  'company_id',
  'genre_id',
  'collection_id',
  'person_id',
  'job',
  'from',
  'to',
  'year',
  'q',
  'exclude_suspect',
  'min_releases',
]

/** What some are asked for beside these. */
const MORE: Partial<Record<ReportName, ParamName[]>> = {
  rankings: ['dimension', 'measure', 'grain'],
  'top-films': ['by', 'measure', 'n'],
  roi: ['by'],
}

/** What has no size and is no name: texts of a film, lists and ids. */
const UNSORTABLE =
  /^(partial|release_date|release_precision|status|original_language|content_rating|collection_id|suspect|source_file|load_id|source_load_id)$/
/** What cannot change. */
const FIXED =
  /^(company_id|genre_id|film_id|id|group_id|measure|period|partial|source_file|source_line|load_id|source_load_id)$/

const sort = (report: ReportName) =>
  fc.tuple(
    fc.constantFrom('', '-'),
    fc.constantFrom(...REPORTS[report].columns.filter((column) => !UNSORTABLE.test(column))),
  )

const canChange = (report: ReportName) => (column: string) =>
  !FIXED.test(column) && !(column === 'year' && !['film', 'top-films'].includes(REPORTS[report].kind))

export const changesQuestion = (...reports: ReportName[]): fc.Arbitrary<Asked> =>
  fc.constantFrom(...reports).chain((report) =>
    fc.record(
      {
        report: fc.constant(report),
        params: params(report, [...PARAMS, ...(MORE[report] ?? [])]),
        sort: fc.option(
          sort(report).map((key) => key.join('')),
          { nil: undefined },
        ),
        fields: fc.option(
          fc.oneof(
            fc
              .subarray(REPORTS[report].columns, { minLength: 1, maxLength: 6 })
              .filter((columns) => columns.some(canChange(report))),
            // Alone it must name the films that move it, whatever else does not show.
            fc.constantFrom(...REPORTS[report].columns.filter(canChange(report))).map((column) => [column]),
          ),
          { nil: undefined },
        ),
        films: fc.integer({ min: 1, max: 4 }),
      },
      { noNullPrototype: true },
    ),
  )
