import type { Command } from 'commander'
import { openapiYaml } from '../document.ts'

export function openapiCommand(program: Command): void {
  program
    .command('openapi')
    .description('print the OpenAPI document; needs no warehouse')
    .action(async () => {
      process.stdout.write(await openapiYaml())
    })
}
