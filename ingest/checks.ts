import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely'
import { type Finding, findings } from './check-kinds.ts'
import type { Subject } from './subject.ts'

/**
 * A claim about a load that must hold before it is published. Checks are data: a kind, and what it is about; `check-kinds.ts` knows
 * how each kind is asked. They say what the tables' constraints cannot.
 */
export type Check = {
  /** Unique among the checks of a subject. */
  name: string
  /** The claim, as a sentence that is true when the check passes. */
  claim: string
  /** An `error` blocks publication, a `warn` is shown. */
  severity: 'error' | 'warn'
} & (
  | { kind: 'not_null'; table: string; column: string }
  | { kind: 'unique'; table: string; columns: string[] }
  | { kind: 'relationship'; table: string; columns: string[]; to: { table: string; columns: string[] } }
  | { kind: 'accepted_values'; table: string; column: string; values: string[] }
  /** Rows of a table for which the condition holds break the claim. */
  | { kind: 'plausibility'; table: string; breaks: (scope: CheckScope) => RawBuilder<unknown> }
  | { kind: 'row_count'; table: string; min: number }
  /**
   * At most this share of a table's rows may be missing against the last published load of the same format and source. It is not asked
   * of a table of which the load has no rows of its own.
   */
  | { kind: 'volume'; table: string; maxLoss: number }
  /** The data reach to so many days before the date of their file. */
  | { kind: 'freshness'; maxDays: number }
  | { kind: 'conservation' }
  /** From so many records of a file on, at most this share of them is rejected; and never all records of a family. */
  | { kind: 'reject_rate'; maxShare: number; from: number }
)

export interface CheckScope {
  loadId: number
  fileDate: string
  dataThrough: string | null
  mode: 'replace' | 'merge'
  /** Whether the load reads rejected records again: most of them may be rejected once more. */
  replay: boolean
  /** Rows that the load put into each table. */
  rowCounts: Record<string, number>
}

export interface CheckResult extends Finding {
  name: string
  kind: Check['kind']
  claim: string
  severity: 'error' | 'warn'
  passed: boolean
}

/** What must hold of a load of any subject. */
export const engineChecks: Check[] = [
  {
    name: 'conservation',
    claim: 'Each record that was read is loaded, rejected, a duplicate or unmatched',
    severity: 'error',
    kind: 'conservation',
  },
  {
    name: 'reject_rate',
    claim: 'At most 1 % of the records of a file are rejected (from 100 records on), and of no family of files all',
    severity: 'error',
    kind: 'reject_rate',
    maxShare: 0.01,
    // Below this many records a single bad one would exceed any sensible rate.
    from: 100,
  },
]

/** Runs every check that applies to the load; throws only when a check itself cannot run. */
export async function runChecks(
  trx: Transaction<unknown>,
  subject: Pick<Subject, 'name' | 'checks'>,
  scope: CheckScope,
): Promise<CheckResult[]> {
  const results: CheckResult[] = []
  for (const check of [...engineChecks, ...subject.checks]) {
    // A merge has any number of films, what is taken over as a whole is none of it, and a replay has any share of rejects.
    if (check.kind === 'volume' && (scope.mode === 'merge' || !(check.table in scope.rowCounts))) continue
    if (check.kind === 'reject_rate' && scope.replay) continue
    const { name, claim, severity, kind } = check
    const finding = (await findings(check, subject.name, scope).execute(trx)).rows[0]
    if (!finding) throw new Error(`check ${name} returned no row`)
    results.push({ name, kind, claim, severity, passed: finding.failing === 0, ...finding })
  }
  return results
}

/** Keeps what the checks found with the load. */
export async function writeChecks(db: Kysely<unknown>, loadId: number, results: CheckResult[]): Promise<void> {
  for (const { name, kind, claim, severity, passed, failing, observed, sample } of results)
    await sql`
      insert into reelhouse.check_result (load_id, name, kind, claim, severity, passed, failing, observed, sample)
      values (${loadId}, ${name}, ${kind}, ${claim}, ${severity}, ${passed}, ${failing}, ${observed},
              ${JSON.stringify(sample)}::jsonb)`.execute(db)
}
