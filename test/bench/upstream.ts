/**
 * Child process: an OpenAI-shaped upstream that answers at once with fixed bytes, so that what is measured is the proxy.
 * Prints its port. Streams are sent chunk by chunk, each in a write of its own.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const WORDS = 40
const created = 1_700_000_000
const usage = { prompt_tokens: 12, completion_tokens: WORDS, total_tokens: 12 + WORDS }
const whole = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created,
  model: 'bench',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'word '.repeat(WORDS) },
      finish_reason: 'stop',
      logprobs: null,
    },
  ],
  usage,
})
const chunk = (delta: object, finish: string | null, extra: object = {}): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created, model: 'bench', choices: [{ index: 0, delta, finish_reason: finish }], ...extra })}\n\n`
const chunks = [
  chunk({ role: 'assistant', content: '' }, null),
  ...Array.from({ length: WORDS }, () => chunk({ content: 'word ' }, null)),
  chunk({}, 'stop'),
  `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created, model: 'bench', choices: [], usage })}\n\n`,
  'data: [DONE]\n\n',
]

const server = createServer((request, response) => {
  const body: Buffer[] = []
  request.on('data', (data: Buffer) => body.push(data))
  request.on('end', () => {
    if (!Buffer.concat(body).includes('"stream":true')) {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(whole),
      })
      response.end(whole)
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const data of chunks) response.write(data)
    response.end()
  })
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
