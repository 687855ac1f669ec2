import { type Kysely, sql } from 'kysely'
import type { Source } from './choose.ts'
import type { Published } from './files.ts'
import type { Family, FamilyPart, Subject } from './subject.ts'

/** How a load comes by each family: read, taken over from the published load, or both, or not at all. */
export type Parts = Map<Family, FamilyPart>

/**
 * Decides it. A merge takes over everything that its files do not replace. In a replacement a family whose files the source has stands
 * for itself; one that it lacks is taken over, where ids mean the same.
 */
export async function partsOf(
  db: Kysely<unknown>,
  subject: Subject,
  source: Source,
  mode: 'replace' | 'merge',
  published: Published | undefined,
): Promise<Parts> {
  const found = await sql<{ family: string; source_load_id: number }>`
    select family, source_load_id from reelhouse.load_family where load_id = ${published?.load_id}`.execute(db)
  const readBy = new Map(found.rows.map((row) => [row.family, row.source_load_id]))
  const brought = source.files.flatMap(({ of }) => of.brings ?? [])
  const base = published ? { loadId: published.load_id, fileDate: published.file_date } : null
  return new Map(
    subject.families.map((family) => {
      const read = source.files.some(({ of }) => of.family === family)
      const sameIds = family.anyIdSpace || source.format.idSpace === published?.id_space
      const replaced = read || (family.facts.length > 0 && family.facts.every((fact) => brought.includes(fact)))
      const takenOver = mode === 'merge' || (!replaced && sameIds && readBy.has(family.name))
      return [
        family,
        { read, base: takenOver ? base : null, readBy: takenOver ? (readBy.get(family.name) ?? null) : null },
      ]
    }),
  )
}

/** Enters who read what the load has of each family. */
export async function writeFamilies(db: Kysely<unknown>, loadId: number, parts: Parts): Promise<void> {
  for (const [{ name }, { read, readBy }] of parts) {
    const source = read ? loadId : readBy
    if (source !== null)
      await sql`insert into reelhouse.load_family (load_id, family, source_load_id) values (${loadId}, ${name}, ${source})`.execute(
        db,
      )
  }
}

/** A sentence for each family that a replacement takes over, which its user may not expect. */
export async function takenOver(db: Kysely<unknown>, parts: Parts): Promise<string[]> {
  const notes: string[] = []
  for (const [{ name }, { read, readBy }] of parts) {
    if (read || readBy === null) continue
    const files = await sql<{ file: string }>`
      select concat_ws(' of ', name, to_char(modified_at at time zone 'UTC', 'YYYY-MM-DD')) as file
      from reelhouse.load_file where load_id = ${readBy} and family = ${name} order by file_no`.execute(db)
    notes.push(`${name} carried over from load ${readBy} (${files.rows.map(({ file }) => file).join(', ')})`)
  }
  return notes
}
