import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely'

/** A claim about a load that must hold before it is published, and the query that finds what breaks it. */
export interface Check {
  name: string
  /** The claim, as a sentence that is true when the check passes. */
  claim: string
  /** An `error` blocks publication, a `warn` is shown. */
  severity: 'error' | 'warn'
  /** One row: `passed`, `observed` (a short text of what was found), `sample` (offending rows as a JSON array). */
  query(scope: CheckScope): RawBuilder<CheckFinding>
}

export interface CheckScope {
  loadId: number
  fileDate: string
}

export interface CheckFinding {
  passed: boolean
  observed: string
  sample: unknown[]
}

export interface CheckResult extends CheckFinding {
  name: string
  claim: string
  severity: 'error' | 'warn'
}

/** Below this many records a single bad one would exceed any sensible rate. */
const REJECT_RATE_FROM = 100
const REJECT_RATE_LIMIT = 0.01

/** What must hold of a load of any subject. */
export const engineChecks: Check[] = [
  {
    name: 'conservation',
    claim: 'Each record that was read is loaded, rejected, a duplicate or unmatched',
    severity: 'error',
    query: ({ loadId }) => sql<CheckFinding>`
      select coalesce(bool_and(read = loaded + rejected + duplicate + unmatched), false) as passed,
             format('%s read = %s loaded + %s rejected + %s duplicate + %s unmatched',
                    sum(read), sum(loaded), sum(rejected), sum(duplicate), sum(unmatched)) as observed,
             '[]'::jsonb as sample
      from reelhouse.load_file where load_id = ${loadId}`,
  },
  {
    name: 'reject_rate',
    claim: `At most ${REJECT_RATE_LIMIT * 100} % of the records are rejected (from ${REJECT_RATE_FROM} records on)`,
    severity: 'error',
    query: ({ loadId }) => sql<CheckFinding>`
      select coalesce(bool_and(read < ${REJECT_RATE_FROM} or rejected <= read * ${REJECT_RATE_LIMIT}::numeric), true) as passed,
             format('%s of %s rejected', sum(rejected), sum(read)) as observed,
             (select coalesce(jsonb_agg(to_jsonb(worst)), '[]')
              from (select file, line, code, reason from reelhouse.reject
                    where load_id = ${loadId} and severity = 'reject' order by file, line limit 10) as worst) as sample
      from reelhouse.load_file where load_id = ${loadId}`,
  },
]

/** Runs every check; throws only when a check itself cannot run. */
export async function runChecks(trx: Transaction<unknown>, checks: Check[], scope: CheckScope): Promise<CheckResult[]> {
  const results: CheckResult[] = []
  for (const { name, claim, severity, query } of [...engineChecks, ...checks]) {
    const finding = (await query(scope).execute(trx)).rows[0]
    if (!finding) throw new Error(`check ${name} returned no row`)
    results.push({ name, claim, severity, ...finding })
  }
  return results
}

/** Keeps what the checks found with the load. */
export async function writeChecks(db: Kysely<unknown>, loadId: number, results: CheckResult[]): Promise<void> {
  for (const { name, claim, severity, passed, observed, sample } of results)
    await sql`
      insert into reelhouse.check_result (load_id, name, claim, severity, passed, observed, sample)
      values (${loadId}, ${name}, ${claim}, ${severity}, ${passed}, ${observed}, ${JSON.stringify(sample)}::jsonb)`.execute(
      db,
    )
}
