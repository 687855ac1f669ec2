import { z } from 'zod'

/** What is told of loads, for the documentation. */

export const STATES = [
  'queued',
  'running',
  'held',
  'published',
  'superseded',
  'unchanged',
  'blocked',
  'checked',
  'failed',
  'cancelled',
  'dropped',
] as const
export const SEVERITIES = ['reject', 'warning', 'duplicate', 'unmatched'] as const

const count = z.int()
const instant = z.iso.datetime().nullable()

const reader = { load: z.int(), files: z.array(z.string()) }

/** A load as anyone sees it. */
export const loadShape = z.strictObject({
  id: z.int(),
  subject: z.string(),
  state: z.enum(STATES),
  mode: z.enum(['replace', 'merge']),
  trigger: z.enum(['admin', 'cli', 'schedule', 'sample']),
  source: z.string().describe('Without folder, credentials and query'),
  format: z.string().nullable(),
  hold: z.boolean(),
  dry_run: z.boolean(),
  stage: z.string().nullable(),
  progress: z.record(z.string(), z.unknown()),
  files: z.array(
    z.strictObject({
      name: z.string(),
      family: z.string(),
      bytes: count,
      sha256: z.string(),
      columns: z.array(z.string()).nullable().describe('The header as it stands in the file; null for JSON'),
      modified_at: instant,
      read: count.describe('= loaded + rejected + duplicate + unmatched, exactly'),
      loaded: count,
      rejected: count,
      duplicate: count,
      unmatched: count.describe('Sound records of films that the load does not have'),
      unmatched_by: z
        .record(z.string(), count)
        .describe('The same by reason: no_link, blank_tmdb_id, bad_tmdb_id, film_absent'),
      warnings: count,
    }),
  ),
  families: z
    .array(z.strictObject({ family: z.string(), ...reader, taken_over: z.array(z.strictObject(reader)) }))
    .describe(
      'What the load has, by family of files, and which load read it: itself, or an earlier one from which it is carried over. Where that one was merged into others, taken_over has the loads that read the rest, and their files',
    ),
  row_counts: z.record(z.string(), count),
  timings: z.record(z.string(), count).describe('Milliseconds by stage'),
  checks: z.strictObject({ passed: count, failed: count, warned: count }),
  notes: z.array(z.string()),
  error: z.string().nullable(),
  file_date: z.iso.date().nullable(),
  data_through: z.iso.date().nullable(),
  previous_load: z.int().nullable(),
  replay_of: z.int().nullable().describe('The load whose rejected records it read again'),
  created_at: instant,
  started_at: instant,
  finished_at: instant,
  published_at: instant,
})

export const rejectShape = z.strictObject({
  file: z.string(),
  line: z
    .int()
    .nullable()
    .describe(
      'Physical line where the record starts; in a JSON array, its place; null where the entry counts records of several lines: all unmatched ratings of one MovieLens id',
    ),
  code: z.string(),
  severity: z.enum(SEVERITIES),
  column: z.string().nullable(),
  reason: z.string(),
  raw: z.string().nullable().optional().describe('The record’s text, for admins only'),
})

export const checkShape = z.strictObject({
  name: z.string(),
  kind: z.string().nullable(),
  claim: z.string(),
  severity: z.enum(['error', 'warn']),
  passed: z.boolean(),
  failing: count.nullable().describe('Rows, or files, that break the claim'),
  observed: z.string(),
  sample: z.array(z.unknown()).optional().describe('The first hundred offending rows, for admins only'),
})
