/** What the gateway builds itself, held to OpenAI's own JSON Schema. fastify brings the validator along. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import Fastify from 'fastify'
import { callingTool, completion, saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { startTestServer } from '../helpers/server.ts'
import { needsShared, sharedPath } from '../helpers/shared.ts'
import { json } from '../helpers/upstream.ts'

type Check = (schema: string, value: unknown) => Promise<void>

/** Throws with the validator's words when `value` is not what `schema` says. */
function createCheck(): Check {
  const { $defs } = JSON.parse(readFileSync(sharedPath('fixtures', 'schemas', 'openai.json'), 'utf8'))
  const app = Fastify({
    ajv: { customOptions: { strict: false, coerceTypes: false, removeAdditional: false } },
  })
  app.addSchema({ $id: 'openai', $defs })
  for (const name of [
    'CreateChatCompletionResponse',
    'CreateChatCompletionStreamResponse',
    'ErrorResponse',
    'ListModelsResponse',
  ]) {
    app.post(`/${name}`, { schema: { body: { $ref: `openai#/$defs/${name}` } } }, async () => 'valid')
  }
  return async (schema, value) => {
    const response = await app.inject({ method: 'POST', url: `/${schema}`, payload: value as object })
    assert.equal(response.payload, 'valid', `${response.payload}\n${JSON.stringify(value)}`)
  }
}

describe('bodies are what OpenAI’s schema says', needsShared('fixtures', 'schemas', 'openai.json'), () => {
  it('whole answers', async () => {
    const check = createCheck()
    const message = { role: 'assistant', content: 'Hi', refusal: null }
    const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }]
    await using upstream = await startOpenAiUpstream(json(completion('', { choices })))
    await using server = await startTestServer({ arms: [{ id: 'acme/a', url: upstream.url }] })
    await check('CreateChatCompletionResponse', await (await server.chat()).json())
    await assert.rejects(check('CreateChatCompletionResponse', { choices: [] }), 'the validator can say no')
  })

  it('chunks, with usage and with tool calls', async () => {
    const check = createCheck()
    await using upstream = await startOpenAiUpstream(saying('Hi you'))
    await using server = await startTestServer({ arms: [{ id: 'acme/a', url: upstream.url }] })
    for (const behaviour of [saying('Hi you'), callingTool('f', '{"a":1}')]) {
      upstream.behave(behaviour)
      const text = await (await server.chat({ stream: true, stream_options: { include_usage: true } })).text()
      const payloads = text.split('\n\n').filter((block) => block.startsWith('data: {'))
      assert.ok(payloads.length > 3)
      for (const payload of payloads)
        await check('CreateChatCompletionStreamResponse', JSON.parse(payload.slice(6)))
    }
  })

  it('errors and the list of models', async () => {
    const check = createCheck()
    await using server = await startTestServer({ arms: [] })
    await check('ErrorResponse', await (await server.chat()).json())
    await check('ErrorResponse', await (await server.chat({ messages: 1 })).json())
    await check('ErrorResponse', await (await server.get('/nowhere')).json())
    await check('ListModelsResponse', await (await server.get('/v1/models')).json())
  })
})
