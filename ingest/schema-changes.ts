import { type Kysely, sql } from 'kysely'
import type { FileCounts } from './files.ts'
import type { LoadFacts } from './ledger.ts'
import type { Subject } from './subject.ts'

/**
 * What became of the columns of files since readers were last given one of the same kind: a dump that gains or loses a column says so
 * in its load. Their order is no matter.
 * @returns a sentence for each file that has other columns
 */
export async function schemaChanges(
  db: Kysely<unknown>,
  subject: Subject,
  { format, previousLoadId }: LoadFacts,
  files: FileCounts[],
): Promise<string[]> {
  const notes: string[] = []
  const alike = subject.formats.flatMap((one) => one.files.filter(({ fits }) => fits)).map((of) => of.family.name)
  for (const { name, family, columns } of files) {
    // Files of one family whose columns differ from file to file do not change by that.
    if (!columns || alike.includes(family)) continue
    const found = await sql<{ load_id: number; columns: string[] }>`
      select load_id, columns from reelhouse.load join reelhouse.load_file using (load_id)
      where subject = ${subject.name} and format = ${format} and family = ${family} and columns is not null
        and load_id <= ${previousLoadId} and published_at is not null
      order by load_id desc, file_no limit 1`.execute(db)
    const before = found.rows[0]
    if (!before) continue
    const appeared = columns.filter((column) => !before.columns.includes(column))
    const vanished = before.columns.filter((column) => !columns.includes(column))
    const since = ` since load ${before.load_id}`
    const changes = [
      ...(appeared.length > 0 ? [`appeared${since}: ${listed(appeared)}`] : []),
      ...(vanished.length > 0 ? [`vanished${appeared.length > 0 ? '' : since}: ${listed(vanished)}`] : []),
    ]
    if (changes.length > 0) notes.push(`${name}: columns ${changes.join('; ')}`)
  }
  return notes
}

/** Names for a sentence: at most twenty, each at most 40 characters. */
function listed(columns: string[]): string {
  const shown = columns.slice(0, 20).map((column) => {
    const name = column.length > 40 ? `${column.slice(0, 40)}…` : column
    return name.trim() === '' ? '(without a name)' : name
  })
  return shown.join(', ') + (columns.length > 20 ? ` and ${columns.length - 20} more` : '')
}
