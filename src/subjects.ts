import type { Subject } from '../ingest/subject.ts'
import { discover } from './discover.ts'

/** Every subject, by name: the folders of `ingest/` that have a `subject.ts`. */
export async function loadSubjects(): Promise<Map<string, Subject>> {
  const found = await discover<{ default: Subject }>('ingest', (name) => /^[^/]+\/subject$/.test(name))
  return new Map(found.map(({ module }) => [module.default.name, module.default]))
}
