import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import type { ChatChunk } from '../../adapters/index.ts'
import { ChunkWriter } from '../../server/pipeline/chunk-writer.ts'

type Script = (writer: ChunkWriter, response: ServerResponse) => void | Promise<void>

/** What a client reads when `script` writes. */
async function read(script: Script, tellsUsage = false): Promise<string> {
  const server = createServer(async (_, response) => {
    const envelope = { id: 'chatcmpl-1', created: 5, model: 'acme/a', tellsUsage }
    try {
      await script(new ChunkWriter(response, envelope, { arm: 'acme/a' }), response)
    } catch (error) {
      failed = error
      response.destroy()
    }
  })
  let failed: unknown
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).text()
  } catch (error) {
    throw failed ?? error
  } finally {
    server.close()
  }
}

const chunk = (delta: object, index = 0, finish: string | null = null): ChatChunk =>
  ({ choices: [{ index, delta, finish_reason: finish }] }) as ChatChunk

const deltas = (text: string): unknown[] =>
  text
    .split('\n\n')
    .filter((block) => block.startsWith('data: {'))
    .map((block) => JSON.parse(block.slice(6)).choices[0].delta)

describe('the chunk writer', () => {
  it('gives each choice its role once, whether the arm did or not', async () => {
    const text = await read((writer) => {
      writer.chunk(chunk({ content: 'a' }))
      writer.chunk(chunk({ role: 'assistant', content: 'b' }))
      writer.chunk(chunk({ role: 'assistant', content: 'c' }, 1))
      writer.chunk(chunk({ role: 'assistant', content: 'd' }, 1))
      writer.done()
    })
    assert.deepEqual(deltas(text), [
      { role: 'assistant', content: 'a' },
      { content: 'b' },
      { role: 'assistant', content: 'c' },
      { content: 'd' },
    ])
    assert.match(text, /data: \[DONE\]\n\n$/)
  })

  it('keeps the text that tokens are made of', async () => {
    let kept = ''
    await read((writer) => {
      writer.chunk(chunk({ role: 'assistant', reasoning_content: 'Hm. ' }))
      writer.chunk(chunk({ content: 'Yes' }))
      writer.chunk(chunk({ tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: '{}' } }] }))
      writer.done()
      kept = writer.text
    })
    assert.equal(kept, 'Hm. Yesf{}')
  })

  it('overrides the arm’s own envelope and keeps what else it said', async () => {
    const text = await read((writer) => {
      writer.chunk({ ...chunk({ content: 'a' }), id: 'theirs', model: 'theirs', system_fingerprint: 'fp' })
      writer.done()
    }, true)
    const first = JSON.parse(text.slice('data: '.length, text.indexOf('\n\n')))
    assert.deepEqual(
      [
        first.id,
        first.model,
        first.created,
        first.object,
        first.system_fingerprint,
        first.usage,
        first.highwayman,
      ],
      ['chatcmpl-1', 'acme/a', 5, 'chat.completion.chunk', 'fp', null, { arm: 'acme/a' }],
    )
  })

  it('ends with an error and nothing after it', async () => {
    const text = await read((writer) => {
      writer.chunk(chunk({ content: 'a' }))
      writer.error({ error: { code: 'x' } })
    })
    assert.match(text, /data: \{"error":\{"code":"x"\}\}\n\n$/)
  })

  it('sends what one tick brought in one write, and no later', async () => {
    const writes: string[] = []
    await read(async (writer, response) => {
      const write = response.write.bind(response)
      response.write = ((text: string) => {
        writes.push(text)
        return write(text)
      }) as typeof response.write
      // As in the pipeline, where each chunk comes out of a promise.
      await Promise.resolve()
      writer.chunk(chunk({ content: 'a' }))
      await Promise.resolve()
      writer.chunk(chunk({ content: 'b' }))
      assert.deepEqual(writes, [])
      await new Promise((resolve) => setImmediate(resolve))
      assert.equal(writes.length, 1)
      assert.equal(deltas(writes[0]!).length, 2)
      writer.done()
    })
  })
})
