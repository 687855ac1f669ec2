import type { Report } from '../queries/report.ts'
import { discover } from './discover.ts'

/** A report and where it is served. */
export interface ServedReport {
  /** `movies/company-years`, its file's path. */
  name: string
  /** The name as users see it: `movies/films/{id}`. */
  shownName: string
  subject: string
  /** `/v1/movies/company-years`; `films/[id]` becomes `films/:id`. */
  url: string
  /** Answers with one row, and 404 when there is none, instead of a list. */
  single: boolean
  report: Report
}

/** Every report: the files of each folder of `queries/`, but for the shared `parts/`. */
export async function loadReports(): Promise<ServedReport[]> {
  const found = await discover<{ default: Report }>(
    'queries',
    (name) => name.includes('/') && !name.includes('/parts/'),
  )
  return found.map(({ name, module }) => ({
    name,
    shownName: name.replace(/\[(\w+)\]/g, '{$1}'),
    subject: name.split('/')[0] as string,
    url: `/v1/${name.replace(/\[(\w+)\]/g, ':$1')}`,
    single: name.endsWith(']'),
    report: module.default,
  }))
}
