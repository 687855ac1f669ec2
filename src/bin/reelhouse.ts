#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { loadCommand } from '../commands/load.ts'
import { UsageError } from '../commands/context.ts'
import { ConfigError, programVersion } from '../config.ts'

const program = new Command('reelhouse')
  .description('A REST analytics API over a film warehouse')
  .version(programVersion())
  .exitOverride()
  .showHelpAfterError('(--help shows how it is used)')
for (const command of [loadCommand]) command(program)

try {
  await program.parseAsync()
} catch (error) {
  // Commander has printed its own complaint or help already; 0 is `--help` and `--version`.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else if (error instanceof UsageError || error instanceof ConfigError) {
    process.stderr.write(`reelhouse: ${error.message}\n`)
    process.exitCode = 2
  } else {
    process.stderr.write(`reelhouse: ${error instanceof Error ? error.message : String(error)}\n`)
    if (process.env.LOG_LEVEL === 'debug') console.error(error)
    process.exitCode = 1
  }
}
