import type { Progress } from '../read.ts'

/** Progress of what has to be fetched before it can be read, in the shape of all progress. */
export function downloadProgress(report: (progress: Progress) => void) {
  const startedAt = performance.now()
  return (file: string, bytes: number, total: number | undefined) => {
    const seconds = (performance.now() - startedAt) / 1000
    const left = total !== undefined && bytes > 0 && seconds > 1 ? (seconds / bytes) * (total - bytes) : null
    report({
      stage: 'download',
      file,
      bytes,
      bytes_total: total ?? bytes,
      records: 0,
      records_per_second: 0,
      seconds_left: left === null ? null : Math.round(left),
    })
  }
}
