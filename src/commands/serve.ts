import type { Command } from 'commander'
import { withWarehouse } from './context.ts'

export function serveCommand(program: Command): void {
  program
    .command('serve')
    .description('answer over HTTP; an empty warehouse gets a sample first')
    .action(async () => {
      const stopped = stopSignal()
      await withWarehouse(async (context) => {
        // Only here: the commands that do not serve start twice as fast without the HTTP side, and a wrong setting is told at once.
        const { serve } = await import('../serve.ts')
        await serve(context, stopped)
      })
    })
}

/**
 * From here on, as a start may take its time: a server that dies while it opens the embedded warehouse leaves that running. And for good:
 * npm passes on what the whole terminal was told already, and the second signal must not cut off what the first began.
 */
const stopSignal = () =>
  new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal))
  })
