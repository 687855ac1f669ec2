import fastify from 'fastify'

/** The most that Fastify can serve: the bytes of one answer, with the headers of ours, again and again. */
const [, , from = ''] = process.argv
const answer = await fetch(from, { headers: { 'accept-encoding': 'identity' } })
const body = Buffer.from(await answer.arrayBuffer())
const app = fastify()
app.get('/', (_, reply) => {
  reply.headers({
    'content-type': 'application/json; charset=utf-8',
    etag: String(answer.headers.get('etag')),
    'cache-control': 'public, no-cache',
    'data-version': String(answer.headers.get('data-version')),
    vary: String(answer.headers.get('vary')),
  })
  return reply.send(body)
})
console.log(`listens on ${await app.listen({ host: '127.0.0.1', port: 0 })}`)
process.once('SIGTERM', () => app.close())
