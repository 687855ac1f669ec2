import type { Command } from 'commander'
import { shownLoad } from '../../queries/loads.ts'
import { loadsNow } from '../loads.ts'
import { say, subjectNamed, withWarehouse } from './context.ts'

export function loadsCommand(program: Command): void {
  program
    .command('loads [subject]')
    .description('the latest loads, newest first')
    .option('--json', 'print one JSON object a line')
    .action(async (subject: string | undefined, { json }: { json?: boolean }) => {
      await withWarehouse(async (context) => {
        const { warehouse } = context
        if (subject !== undefined) subjectNamed(context, subject)
        const found = (await loadsNow(warehouse.writer, { subject })).map(shownLoad)
        for (const load of found) {
          if (json) say(JSON.stringify(load))
          else {
            const read = load.files.reduce((sum, file) => sum + file.read, 0)
            const when = (load.finished_at ?? load.started_at ?? load.created_at).slice(0, 19)
            say(
              `${String(load.id).padStart(5)}  ${load.subject.padEnd(8)} ${load.state.padEnd(10)} ${when}Z  ${load.source}, ${read} records${load.error ? `: ${load.error}` : ''}`,
            )
          }
        }
        if (found.length === 0 && !json) say('There are no loads yet.')
      })
    })
}
