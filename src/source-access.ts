import { createHash } from 'node:crypto'
import path from 'node:path'
import type { SourceAccess } from '../ingest/open/access.ts'
import type { Config } from './config.ts'

/** What loads may reach by these settings. */
export function sourceAccess(config: Config): SourceAccess {
  return {
    downloads: path.join(config.dataDir, 'downloads', ...warehouseTag(config.databaseUrl)),
    hosts: config.sourceHosts,
    roots: config.sourceRoots,
    configured: [...config.sources.values()],
    s3: { endpoint: config.s3Endpoint, region: config.s3Region },
    maxBytes: config.sourceMaxMb * 1e6,
    maxSeconds: config.sourceTimeoutMinutes * 60,
  }
}

/** Two warehouses that are used from one folder each have a load 7: neither must sweep away what the other's has fetched. */
function warehouseTag(databaseUrl: string | undefined): string[] {
  if (databaseUrl === undefined) return []
  const { host, pathname } = new URL(databaseUrl)
  return [
    createHash('sha256')
      .update(host + pathname)
      .digest('hex')
      .slice(0, 8),
  ]
}
