import { statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { totalmem } from 'node:os'

/** The configuration of the embedded PostgreSQL, written anew at each start so that a new Reelhouse can change it. */
export function settings(): string {
  const limit = process.constrainedMemory()
  const memory = Math.min(totalmem(), limit || Infinity) / 2 ** 20
  const megabytes = (share: number, most: number) => `${Math.max(16, Math.min(most, Math.floor(memory * share)))}MB`
  return `# Written by Reelhouse at each start. Your own settings: "alter system set …", or postgresql.conf after the include.
listen_addresses = '127.0.0.1'
unix_socket_directories = ''        # a socket's path must be short, a data folder's need not be
max_connections = 200
shared_buffers = ${megabytes(1 / 8, 2048)}
effective_cache_size = ${megabytes(1 / 2, 16_384)}
work_mem = ${megabytes(1 / 256, 32)}
maintenance_work_mem = ${megabytes(1 / 16, 256)}     # keys and indexes of a load
huge_pages = try
dynamic_shared_memory_type = ${sharedMemory()}
max_wal_size = 4GB                  # a load should not force checkpoints
checkpoint_timeout = 15min
wal_level = minimal                 # a table made and filled in one transaction is synced, not logged
max_wal_senders = 0
random_page_cost = 1.1
jit = off                           # compiling costs more than these queries take
timezone = 'UTC'
log_timezone = 'UTC'
`
}

/** Docker gives /dev/shm 64 MB, in which a parallel hash join fails; files beside the data have no such limit. */
function sharedMemory(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    if (bavail * bsize >= 2 ** 30) return 'posix'
  } catch {}
  return process.platform === 'darwin' ? 'posix' : 'mmap'
}

/** A port that nobody uses just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
