/** Child process: the least a proxy can be, fastify in front and undici behind. Argument: upstream URL. Prints its port. */

import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { Pool } from 'undici'

const upstream = new Pool(process.argv[2] ?? '', { connections: 256 })
const app = fastify()
app.post('/v1/chat/completions', async (request, reply) => {
  const answer = await upstream.request({
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request.body),
  })
  reply.code(answer.statusCode).header('content-type', answer.headers['content-type'] ?? 'application/json')
  const streamed = answer.headers['content-type'] === 'text/event-stream'
  return reply.send(streamed ? answer.body : await answer.body.text())
})
await app.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`${(app.server.address() as AddressInfo).port}\n`)
