import type { Command } from 'commander'
import { withWarehouse } from './context.ts'

export function serveCommand(program: Command): void {
  program
    .command('serve')
    .description('answer over HTTP; an empty warehouse gets a sample first')
    .action(async () => {
      // Only here: the commands that do not serve start twice as fast without the HTTP side.
      const { serve } = await import('../serve.ts')
      await withWarehouse(serve)
    })
}
