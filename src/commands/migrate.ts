import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { migrate } from '../migrate.ts'
import { loadSubjects } from '../subjects.ts'
import { openWarehouse } from '../warehouse.ts'
import { say } from './context.ts'

export function migrateCommand(program: Command): void {
  program
    .command('migrate')
    .description('bring the warehouse’s tables up to date (every other command does so too)')
    .action(async () => {
      const subjects = await loadSubjects()
      const warehouse = await openWarehouse(readConfig(subjects.keys()))
      try {
        const applied = await migrate(warehouse.writer)
        say(applied.length === 0 ? 'The tables are up to date.' : `Applied ${applied.join(', ')}.`)
      } finally {
        await warehouse.close()
      }
    })
}
