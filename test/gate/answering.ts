import http from 'node:http'
import path from 'node:path'
import type { Test } from 'tap'
import { listening } from '../bench/programs.ts'
import { inTurn } from '../bench/rounds.ts'
import type { House } from '../build.ts'
import { environment, serve } from '../processes.ts'
import { costOf, processorTime } from './processor-time.ts'

/** What answering from memory costs a processor, against Fastify that answers with the same bytes and does nothing else. */

const ASKED = '/v1/movies/company-years?company_id=1'
const CONNECTIONS = 10
/** Many short rounds: what else the machine does in one of them meets the other half of it, too, or is outvoted. */
const REQUESTS = 300
const ROUNDS = 15

/** @returns undefined where the machine does not tell what a process has used */
export async function answeringCost(t: Test, house: House): Promise<number | undefined> {
  if ((await processorTime()) === undefined) return undefined
  const server = await serve(t, environment(house))
  await server.get(ASKED)
  const constant = await listening(
    path.join(import.meta.dirname, '../bench/constant-server.js'),
    [server.url + ASKED],
    {},
  )
  try {
    const cost = (url: string, pid: number | undefined) => () => costOf(Number(pid), () => ask(url))
    const ours = cost(server.url + ASKED, server.child.pid)
    const theirs = cost(constant.url, constant.process.pid)
    // Until both are compiled.
    await inTurn(ours, theirs, 3)
    return (await inTurn(ours, theirs, ROUNDS)).ratio
  } finally {
    await constant.stop()
  }
}

/** All of a round's requests; each connection asks again as soon as it is answered. */
async function ask(url: string): Promise<void> {
  const agent = new http.Agent({ keepAlive: true })
  let left = REQUESTS
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const answered = (response: http.IncomingMessage) => {
        if (response.statusCode !== 200) reject(new Error(`${response.statusCode} of ${url}`))
        response.on('end', resolve).on('error', reject).resume()
      }
      http.get(url, { agent }, answered).on('error', reject)
    })
  const analyst = async () => {
    while (left-- > 0) await one()
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, analyst))
  agent.destroy()
}
