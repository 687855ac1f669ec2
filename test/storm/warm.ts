/**
 * Preloaded into a command (`node --import`): reads the program's modules, then waits for a word before the command begins. So a
 * machine with two cores starts the next command while the one before still runs, as an impatient admin would.
 */
import { once } from 'node:events'

await import('../../src/commands/load.ts')
await import('../../src/commands/publish.ts')
await import('../../ingest/movies/subject.ts')
process.send?.('ready')
await once(process, 'message')
process.disconnect?.()
