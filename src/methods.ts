import type { FastifyInstance, HTTPMethods } from 'fastify'
import { Problem } from './errors.ts'

const METHODS: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']

/**
 * A path that is there, asked in a way that it does not take, is a 405 that says which ways it takes; OPTIONS simply tells.
 * @returns to be called once all routes are there
 */
export function answerOtherMethods(app: FastifyInstance): (scope: FastifyInstance) => void {
  const taken = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = taken.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    taken.set(url, methods)
  })
  return (scope) => {
    for (const [url, methods] of [...taken]) {
      const others = METHODS.filter((method) => !methods.has(method))
      if (url.includes('*') || others.length === 0) continue
      const allow = [...new Set([...methods, 'OPTIONS'])].sort().join(', ')
      scope.route({
        method: others,
        url,
        schema: { hide: true } as object,
        // Before the body is read: what it holds does not matter here.
        onRequest: async (request, reply) => {
          if (request.method === 'OPTIONS') return await reply.code(204).header('allow', allow).send()
          throw new Problem(405, `${request.method} is not taken here; ${allow} are.`, { headers: { allow } })
        },
        handler: async () => {},
      })
    }
  }
}
