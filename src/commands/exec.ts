import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Command } from 'commander'
import { type Context, UsageError, withWarehouse } from './context.ts'

export function execCommand(program: Command): void {
  program
    .command('exec <program> [arguments...]')
    .description('run a PostgreSQL tool on the warehouse: reelhouse exec -- pg_dump -Fc -f backup.dump')
    .passThroughOptions()
    .action(async (tool: string, args: string[]) => {
      const run = async ({ warehouse }: Context) => {
        // By the environment, as libpq's tools read it: a password on a command line shows to everyone on the machine.
        const child = spawn(tool, args, { stdio: 'inherit', env: { ...process.env, ...warehouse.libpq } })
        const [code, signal] = (await once(child, 'close').catch((error: NodeJS.ErrnoException) => {
          throw error.code === 'ENOENT' ? new UsageError(`${tool} is not installed or not on PATH`) : error
        })) as [number | null, string | null]
        return signal ? 1 : (code ?? 1)
      }
      // As it is: a restore needs an empty database, and a dump one that nobody has changed on the way.
      process.exitCode = await withWarehouse(run, { upToDate: false })
    })
}
