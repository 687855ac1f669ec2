import type { Command } from 'commander'
import { markDropped, sweep } from '../../ingest/drop.ts'
import { publish, rollBack } from '../../ingest/publish.ts'
import { loadNumber, say, subjectNamed, withWarehouse } from './context.ts'

export function publishCommand(program: Command): void {
  program
    .command('publish <load>')
    .description('make a held, superseded or blocked load the one that readers see')
    .option('--force', 'although its checks blocked it')
    .action(async (load: string, { force = false }: { force?: boolean }) => {
      const id = loadNumber(load)
      await withWarehouse(async ({ warehouse, subjects, actor }) => {
        await publish(warehouse.writer, id, { actor, force, subjects })
        say(`Readers see load ${id} now.`)
      })
    })

  program
    .command('drop <load>')
    .description('drop a snapshot that is not current: its rows go, its entry stays')
    .action(async (load: string) => {
      const id = loadNumber(load)
      await withWarehouse(async ({ warehouse, subjects, actor }) => {
        const subject = subjects.get(await markDropped(warehouse.writer, id, actor))
        const left = subject ? await sweep(warehouse.connect, subject) : []
        say(
          `Load ${id} is dropped.${left.length > 0 ? ' Somebody reads; the last of its tables go with the next load.' : ''}`,
        )
      })
    })

  program
    .command('rollback <subject>')
    .description('go back to the load that was published before the current one')
    .option('--to <load>', 'an older load to go back to')
    .action(async (name: string, { to }: { to?: string }) => {
      const target = to === undefined ? {} : { to: loadNumber(to) }
      await withWarehouse(async (context) => {
        const { name: subject } = subjectNamed(context, name)
        const id = await rollBack(context.warehouse.writer, subject, { actor: context.actor, ...target })
        say(`Readers of ${subject} see load ${id} now.`)
      })
    })
}
