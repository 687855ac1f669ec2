import type { FastifyInstance, HTTPMethods } from 'fastify'
import { Problem } from './errors.ts'

const METHODS: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']

/**
 * A path that is there, asked in a way that it does not take, is a 405 that says which ways it takes; OPTIONS simply tells.
 * Comes before CORS, which answers OPTIONS.
 * @returns to be called once all routes are there
 */
export function answerOtherMethods(app: FastifyInstance): (scope: FastifyInstance) => void {
  const taken = new Map<string, Set<string>>()
  let complete = false
  app.addHook('onRoute', ({ url, method }) => {
    if (complete || url.includes('*')) return
    const methods = taken.get(url) ?? new Set(['OPTIONS'])
    for (const one of [method].flat()) methods.add(one)
    taken.set(url, methods)
  })
  const allowed = (url = '') => [...(taken.get(url) ?? [])].sort().join(', ')
  app.addHook('onRequest', ({ method, routeOptions }, reply, done) => {
    if (method === 'OPTIONS' && taken.has(routeOptions.url ?? '')) reply.header('allow', allowed(routeOptions.url))
    done()
  })
  return (scope) => {
    complete = true
    for (const [url, methods] of taken)
      scope.route({
        // OPTIONS too, so that the path is known when CORS answers it.
        method: METHODS.filter((method) => method === 'OPTIONS' || !methods.has(method)),
        url,
        schema: { hide: true } as object,
        // Before the body is read: what it holds does not matter here.
        onRequest: async ({ method }) => {
          throw new Problem(405, `${method} is not taken here; ${allowed(url)} are.`, {
            headers: { allow: allowed(url) },
          })
        },
        handler: async () => {},
      })
  }
}
