import { type Command, Option } from 'commander'
import { loads, type RejectView, rejects } from '../../queries/loads.ts'
import { csvLine } from '../csv.ts'
import { loadNumber, UsageError, withWarehouse } from './context.ts'

const COLUMNS = ['file', 'line', 'code', 'severity', 'column', 'reason', 'raw'] as const

export function rejectsCommand(program: Command): void {
  program
    .command('rejects <load>')
    .description('what a load left out or could not read, as CSV with file and line')
    .addOption(
      new Option('--severity <severity>', 'only these').choices(['reject', 'warning', 'duplicate', 'unmatched']),
    )
    .action(async (load: string, { severity }: { severity?: string }) => {
      const id = loadNumber(load)
      await withWarehouse(async ({ warehouse: { writer } }) => {
        if ((await loads({ id }).execute(writer)).rows.length === 0) throw new UsageError(`there is no load ${id}`)
        process.stdout.write(csvLine([...COLUMNS]))
        let after: RejectView | undefined
        do {
          const page = (await rejects(id, { severity, after, limit: 1000 }).execute(writer)).rows
          process.stdout.write(
            page.map((row) => csvLine(COLUMNS.map((column) => row[column]?.toString() ?? null))).join(''),
          )
          after = page.at(-1)
        } while (after)
      })
    })
}
