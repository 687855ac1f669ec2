import type { Command } from 'commander'

export function openapiCommand(program: Command): void {
  program
    .command('openapi')
    .description('print the OpenAPI document; needs no warehouse')
    .action(async () => {
      const { openapiYaml } = await import('../document.ts')
      process.stdout.write(await openapiYaml())
    })
}
