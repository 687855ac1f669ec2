import { userInfo } from 'node:os'
import type { Subject } from '../../ingest/subject.ts'
import { type Config, readConfig } from '../config.ts'
import { migrate } from '../migrate.ts'
import { loadSubjects } from '../subjects.ts'
import { openWarehouse, type Warehouse } from '../warehouse.ts'

/** What a command works with. */
export interface Context {
  config: Config
  subjects: Map<string, Subject>
  warehouse: Warehouse
  /** Who acts, as the ledger names them. */
  actor: string
}

/** A command used wrongly: exit code 2. */
export class UsageError extends Error {}

/** The account's name; a container may run under a number that has none. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}

/** Opens the warehouse and (unless told not to) brings it up to date, does the work, and closes it whatever happens. */
export async function withWarehouse<T>(
  work: (context: Context) => Promise<T>,
  { upToDate = true }: { upToDate?: boolean } = {},
): Promise<T> {
  const subjects = await loadSubjects()
  const config = readConfig(subjects.keys())
  const warehouse = await openWarehouse(config, (line) => process.stderr.write(`${line}\n`))
  try {
    if (upToDate) await migrate(warehouse)
    return await work({ config, subjects, warehouse, actor: `cli:${userName()}` })
  } finally {
    await warehouse.close()
  }
}

/** @throws UsageError that lists the subjects there are */
export function subjectNamed(context: Context, name: string): Subject {
  const subject = context.subjects.get(name)
  if (subject) return subject
  throw new UsageError(`there is no subject ${name}; there is ${[...context.subjects.keys()].join(', ')}`)
}

/** @throws UsageError */
export function loadNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new UsageError(`${text} is not the number of a load`)
}

export const say = (line: string) => process.stdout.write(`${line}\n`)
