import type { z } from 'zod'
import type { FileFormat } from './subject.ts'
import { badText } from './utf8.ts'

/** A cell of a sound record that could not be read, so that its value counts as unknown; or why a record is left out. */
export interface Complaint {
  code: string
  column: string
  reason: string
  /** How many it stands for, where not for one. */
  times?: number
  /** What the cell is read as without what is complained of; nothing, where it is absent. */
  rest?: unknown
}

export type RecordReading<Row> = { row: Row; warnings: Complaint[] } | { rejected: Complaint }

/**
 * Reads one record by its format: a bad cell is blanked with a warning, unless the record's identity rests on it.
 * @param suspicious the record's text holds a character that no cell may have
 */
export function readRecord<Row>(
  format: FileFormat<Row>,
  cells: Record<string, unknown>,
  suspicious: boolean,
): RecordReading<Row> {
  const warnings: Complaint[] = []
  /** Blanks the cell and returns null, or returns the complaint when that may not be. */
  const blank = (complaint: Complaint): Complaint | null => {
    if (format.identity.includes(complaint.column)) return complaint
    cells[complaint.column] = complaint.rest ?? null
    warnings.push(complaint)
    return null
  }
  if (suspicious)
    for (const column of [...format.columns, ...format.optional]) {
      const cell = cells[column]
      const fault = typeof cell === 'string' ? badText(cell) : null
      const rejected = fault && blank({ ...fault, column })
      if (rejected) return { rejected }
    }
  let result = format.record.safeParse(cells)
  // Each round blanks at least one cell, or takes from it what is bad; with all of them blank only the identity can complain.
  while (!result.success) {
    for (const issue of result.error.issues) {
      const rejected = blank(complaintOf(issue))
      if (rejected) return { rejected }
    }
    result = format.record.safeParse(cells)
  }
  return { row: result.data, warnings }
}

function complaintOf(issue: z.core.$ZodIssue): Complaint {
  const params = issue.code === 'custom' ? issue.params : undefined
  return {
    code: String(params?.code ?? 'bad_cell'),
    column: String(issue.path[0]),
    reason: issue.message,
    times: params?.times,
    rest: params?.rest,
  }
}
