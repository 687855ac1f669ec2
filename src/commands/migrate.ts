import type { Command } from 'commander'
import { migrate } from '../migrate.ts'
import { say, withWarehouse } from './context.ts'

export function migrateCommand(program: Command): void {
  program
    .command('migrate')
    .description('bring the warehouse’s tables up to date (every other command does so too)')
    .action(async () => {
      await withWarehouse(
        async ({ warehouse }) => {
          const applied = await migrate(warehouse)
          say(applied.length === 0 ? 'The tables are up to date.' : `Applied ${applied.join(', ')}.`)
        },
        { upToDate: false },
      )
    })
}
