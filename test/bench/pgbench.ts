import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { CompiledQuery } from 'kysely'
import { READING } from '../../src/warehouse.ts'
import { ran } from './programs.ts'

/** PostgreSQL's own load generator, asking the same statements on as many connections as our pool has: transactions a second. */
export type Pgbench = (
  statements: CompiledQuery[],
  options: { seconds: number; connections: number },
) => Promise<number>

/** @returns undefined where there is none on PATH */
export async function findPgbench(libpq: Record<string, string>, folder: string): Promise<Pgbench | undefined> {
  const version = await ran('pgbench', ['--version']).catch(() => undefined)
  if (!version) return undefined
  return async (statements, { seconds, connections }) => {
    const files: string[] = []
    for (const [number, { sql, parameters }] of statements.entries()) {
      const file = path.join(folder, `${number}.sql`)
      // One line: pgbench ends a statement at its semicolon, and a comment at its line.
      await writeFile(file, `${sql.replace(/\$(\d+)/g, (_, n) => literal(parameters[n - 1])).replace(/\s+/g, ' ')};\n`)
      files.push('-f', file)
    }
    const jobs = ['-j', '2', '-c', String(connections), '-T', String(seconds)]
    // Prepared, as ours are: otherwise it would mostly plan.
    const settings = { PGOPTIONS: READING.map((setting) => `-c ${setting}`).join(' ') }
    const { stdout } = await ran('pgbench', ['-n', '-M', 'prepared', ...jobs, ...files], { ...libpq, ...settings })
    return Number(/tps = ([\d.]+)/.exec(stdout)?.[1])
  }
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  // A colon would name one of pgbench's variables, a line break would be folded.
  return `E'${String(value).replace(/\\/g, '\\\\').replace(/'/g, "\\'").replace(/\n/g, '\\n').replace(/:/g, '\\x3a')}'`
}
