import { readFile } from 'node:fs/promises'
import { childOf, type Served } from '../processes.ts'

/** The process that a server has just started for a load; where the kernel tells, without asking `ps`. */
export async function processOf(server: Served): Promise<number> {
  const { pid } = server.child
  const told = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => undefined)
  if (told === undefined) return await childOf(server)
  return Number(told.trim().split(' ').at(-1) || (await childOf(server)))
}
