import type { Command } from 'commander'
import { sql } from 'kysely'
import { loadsNow } from '../loads.ts'
import { say, withWarehouse } from './context.ts'
import { describe } from './load.ts'

export function statusCommand(program: Command): void {
  program
    .command('status')
    .description('what readers see, and what runs')
    .option('--json', 'print it as one JSON object')
    .action(async ({ json }: { json?: boolean }) => {
      await withWarehouse(async ({ config, subjects, warehouse }) => {
        const db = warehouse.writer
        const [server] = (
          await sql<{ version: string; bytes: number }>`
          select current_setting('server_version') as version, pg_database_size(current_database()) as bytes`.execute(
            db,
          )
        ).rows
        const kind = config.databaseUrl === undefined ? `embedded, in ${config.dataDir}` : 'DATABASE_URL'
        const states = []
        for (const subject of subjects.keys()) {
          const [published] = await loadsNow(db, { subject, state: 'published' })
          const underWay = (
            await Promise.all(['queued', 'running'].map((state) => loadsNow(db, { subject, state })))
          ).flat()
          states.push({ subject, published: published ?? null, underWay })
        }
        if (json) {
          const shown = states.map(({ subject, published, underWay }) => ({
            subject,
            published: published?.id ?? null,
            data_through: published?.data_through ?? null,
            running: underWay.map(({ id, state, stage }) => ({ id, state, stage })),
          }))
          return say(
            JSON.stringify({ warehouse: kind, postgresql: server?.version, bytes: server?.bytes, subjects: shown }),
          )
        }
        say(`warehouse: PostgreSQL ${server?.version} (${kind}), ${((server?.bytes ?? 0) / 2 ** 20).toFixed(1)} MiB`)
        for (const { subject, published, underWay } of states) {
          say(published ? describe(published) : `${subject}: nothing is published yet`)
          for (const { id, state, stage, progress } of underWay)
            say(
              `load ${id} of ${subject}: ${state}${stage ? `, ${stage}` : ''}${progress.records ? `, ${progress.records} records` : ''}`,
            )
        }
      })
    })
}
