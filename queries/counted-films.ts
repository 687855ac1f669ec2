import { sql } from 'kysely'
import type { ReadonlyKysely } from 'kysely/readonly'
import type { Counted, Rows } from './report.ts'

/** Films of a load that have reason and file in common. */
export interface CountedGroup {
  /** What leaves them out; null: they count. */
  reason: string | null
  /** Where they were read. */
  load: number
  file: string
  films: number
  /** Of how many each measure of `coverage` is known, in its order. */
  known: number[]
}

/** The films of a load by what leaves them out and by the file that they were read from. */
export function countedFilms(
  // biome-ignore lint/suspicious/noExplicitAny: the films of any report
  db: ReadonlyKysely<any>,
  { films, coverage }: Counted,
): Rows<CountedGroup> {
  const known = coverage.map((measure) => sql`count(*) filter (where ${sql.ref(`film.${measure}`)})`)
  return db
    .selectFrom(films.as('film'))
    .innerJoin('reelhouse.load_file as source', (join) =>
      join.onRef('source.load_id', '=', 'film.source_load_id').onRef('source.file_no', '=', 'film.source_file_no'),
    )
    .groupBy(['film.reason', 'source.load_id', 'source.name'])
    .orderBy('source.load_id')
    .orderBy(sql`source.name collate "C"`)
    .select([
      'film.reason',
      'source.load_id as load',
      'source.name as file',
      (eb) => eb.fn.countAll<number>().as('films'),
      sql<number[]>`array[${sql.join(known)}]::integer[]`.as('known'),
    ]) as unknown as Rows<CountedGroup>
}
