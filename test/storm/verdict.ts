import type { Outcome, Way } from './attempt.ts'

/** Its own sentence of what happened to a load that was struck, and others that are as true of a process that dies in between. */
const GONE =
  /^Its process ended in stage (open|parse|merge|index|check|roll_up|publish) without a word \(killed, or cut off from the database\?\)\.$/
const NEVER_TAKEN_UP = /^No process took it up/
const LOST = /^The connection to the database was lost\.$/

const EXPECTED: Record<Way, { state: string; errors: RegExp[] }[]> = {
  SIGKILL: [{ state: 'failed', errors: [GONE, NEVER_TAKEN_UP] }],
  SIGTERM: [
    { state: 'cancelled', errors: [/^Stopped by SIGTERM\.$/] },
    // It came before the program could listen for it.
    { state: 'failed', errors: [NEVER_TAKEN_UP] },
  ],
  cancel: [{ state: 'cancelled', errors: [/^Cancelled by admin\.$/] }],
  'cut off': [{ state: 'failed', errors: [LOST, GONE] }],
  'ledger cut off': [{ state: 'failed', errors: [LOST, GONE] }],
  'both cut off': [{ state: 'failed', errors: [LOST, GONE] }],
}

/** What is wrong with how a load ended; undefined when it is as it should be. */
export function wrongWith({ plan, load, struck, state, error }: Outcome): string | undefined {
  if (load === undefined) return struck ? undefined : `a load that nobody struck has no number`
  if (state !== undefined && /published|superseded|held|dropped|unchanged/.test(state)) return undefined
  const allowed = struck ? EXPECTED[plan.way as Way] : []
  // What it was to be merged into was dropped while it was read.
  if (/which it was to be merged into, has been dropped meanwhile/.test(error ?? '') && plan.mode !== 'replace')
    return undefined
  if (allowed.some((one) => one.state === state && one.errors.some((sentence) => sentence.test(error ?? ''))))
    return undefined
  return `load ${load} is ${state} (${error}), after ${struck ? plan.way : 'nothing'}`
}
