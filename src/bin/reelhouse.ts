#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { UsageError } from '../commands/context.ts'
import { execCommand } from '../commands/exec.ts'
import { generateCommand } from '../commands/generate.ts'
import { loadCommand } from '../commands/load.ts'
import { loadsCommand } from '../commands/loads.ts'
import { migrateCommand } from '../commands/migrate.ts'
import { openapiCommand } from '../commands/openapi.ts'
import { publishCommand } from '../commands/publish.ts'
import { rejectsCommand } from '../commands/rejects.ts'
import { serveCommand } from '../commands/serve.ts'
import { statusCommand } from '../commands/status.ts'
import { ConfigError, programVersion } from '../config.ts'

const program = new Command('reelhouse')
  .description('A REST analytics API over a film warehouse')
  .version(programVersion())
  .exitOverride()
  .enablePositionalOptions()
  .showHelpAfterError('(--help shows how it is used)')
const commands = [
  serveCommand,
  migrateCommand,
  statusCommand,
  loadCommand,
  loadsCommand,
  publishCommand,
  rejectsCommand,
  generateCommand,
  execCommand,
  openapiCommand,
]
for (const command of commands) command(program)

// `reelhouse rejects 7 | head` closes the pipe early, and whoever started a server may stop reading what it says: no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

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
    process.exitCode = 1
  }
}
