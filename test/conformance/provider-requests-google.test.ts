/** What leaves for Gemini, asserted on the body that a real server received. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask, refusal, SCHEMA, send, TOOL_TURN, TOOLS, user } from '../helpers/sent.ts'

describe('Gemini', () => {
  it('carries a tools conversation: names looked up by id, results as objects, roles user and model', async () => {
    const sent = await send('google', TOOL_TURN, { model: 'gemini-2.5-flash' })
    assert.equal(sent.url, '/base/models/gemini-2.5-flash:generateContent')
    assert.equal(sent.headers['x-goog-api-key'], 'sk-1')
    assert.deepEqual(sent.body, {
      systemInstruction: { parts: [{ text: 'Be brief.' }, { text: 'Use metric units.' }] },
      contents: [
        { role: 'user', parts: [{ text: 'Here:' }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }] },
        {
          role: 'model',
          parts: [
            { text: 'Let me look.' },
            { functionCall: { name: 'weather', args: { city: 'Oslo' } } },
            { functionCall: { name: 'weather', args: { city: 'Bergen' } } },
          ],
        },
        {
          role: 'user',
          parts: [
            { functionResponse: { name: 'weather', response: { result: '(no output)' } } },
            { functionResponse: { name: 'weather', response: { celsius: 7 } } },
            { text: 'Hurry up.' },
          ],
        },
      ],
      tools: [
        {
          functionDeclarations: [
            { name: 'weather', description: 'Weather of a city', parametersJsonSchema: SCHEMA },
          ],
        },
      ],
      toolConfig: { functionCallingConfig: { mode: 'AUTO' } },
    })
  })

  it('streams server-sent events', async () => {
    const sent = await send('google', ask({}), { model: 'tunedModels/mine', streaming: true })
    assert.equal(sent.url, '/base/tunedModels/mine:streamGenerateContent?alt=sse')
  })

  it('returns thought signatures to their maker, and a placeholder for calls of others', async () => {
    const model = 'gemini-3-pro'
    const calls = (origin: string | undefined) =>
      ['c1', 'c2'].map((id, position) => ({
        id,
        type: 'function' as const,
        function: { name: 'weather', arguments: '{}' },
        ...(position === 0 &&
          origin !== undefined && { extra_content: { google: { thought_signature: 'c2ln', origin } } }),
      }))
    const turn = (origin: string | undefined) =>
      ask({ messages: [user('Hi'), { role: 'assistant', tool_calls: calls(origin) }] })
    const signatures = async (origin: string | undefined, of = model) => {
      const { body } = await send('google', turn(origin), { model: of })
      const [, turnOfModel] = body['contents'] as readonly { parts: readonly Record<string, unknown>[] }[]
      return turnOfModel!.parts.map((part) => part['thoughtSignature'])
    }
    assert.deepEqual(await signatures(`arm/${model}`), ['c2ln', undefined])
    assert.deepEqual(await signatures('arm/gemini-3-flash'), ['skip_thought_signature_validator', undefined])
    assert.deepEqual(await signatures(undefined), ['skip_thought_signature_validator', undefined])
    assert.deepEqual(await signatures(undefined, 'gemini-2.5-pro'), [undefined, undefined])
  })

  it('maps the generation options', async () => {
    const sent = await send(
      'google',
      ask({
        max_completion_tokens: 50,
        temperature: 1.5,
        top_p: 0.9,
        top_k: 40,
        stop: ['a', 'b', 'c', 'd', 'e', 'f'],
        n: 2,
        seed: 3,
        presence_penalty: 0.1,
        frequency_penalty: 0.2,
        logprobs: true,
        top_logprobs: 4,
        response_format: { type: 'json_schema', json_schema: { schema: SCHEMA } },
      }),
      { model: 'gemini-2.5-flash' },
    )
    assert.deepEqual(sent.body['generationConfig'], {
      maxOutputTokens: 50,
      temperature: 1.5,
      topP: 0.9,
      topK: 40,
      stopSequences: ['a', 'b', 'c', 'd', 'e'],
      candidateCount: 2,
      seed: 3,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      responseLogprobs: true,
      logprobs: 4,
      responseMimeType: 'application/json',
      responseJsonSchema: SCHEMA,
    })
    assert.deepEqual(sent.warned, ['stop'])
  })

  const thinking: readonly (readonly [model: string, effort: string, config: unknown, warned: number])[] = [
    ['gemini-2.5-flash', 'none', { includeThoughts: false, thinkingBudget: 0 }, 0],
    ['gemini-2.5-pro', 'none', { includeThoughts: false, thinkingBudget: 128 }, 1],
    ['gemini-2.5-pro', 'high', { includeThoughts: true, thinkingBudget: 24_576 }, 0],
    ['gemini-3-pro-preview', 'minimal', { includeThoughts: true, thinkingLevel: 'low' }, 0],
    ['gemini-3.5-flash', 'minimal', { includeThoughts: true, thinkingLevel: 'minimal' }, 0],
    ['gemini-3.5-flash', 'xhigh', { includeThoughts: true, thinkingLevel: 'high' }, 0],
    ['gemini-2.0-flash', 'high', undefined, 1],
    ['gemini-3-pro', 'much', undefined, 1],
  ]
  for (const [model, effort, config, warned] of thinking) {
    it(`maps effort ${effort} for ${model}`, async () => {
      const sent = await send('google', ask({ reasoning_effort: effort }), { model })
      const generation = sent.body['generationConfig'] as { thinkingConfig?: unknown } | undefined
      assert.deepEqual(generation?.thinkingConfig, config)
      assert.equal(sent.warned.length, warned)
    })
  }

  it('maps tool choice', async () => {
    const named = { type: 'function', function: { name: 'weather' } } as const
    const sent = await send('google', ask({ tools: TOOLS, tool_choice: named, parallel_tool_calls: false }))
    assert.deepEqual(sent.body['toolConfig'], {
      functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['weather'] },
    })
    assert.deepEqual(sent.warned, ['parallel_tool_calls'])
  })

  it('takes sounds, files and pictures by address', async () => {
    const sent = await send('google', {
      messages: [
        user([
          { type: 'input_audio', input_audio: { data: 'UklG', format: 'wav' } },
          { type: 'file', file: { file_data: 'JVBE' } },
          { type: 'image_url', image_url: { url: 'https://example.com/a.JPG?x=1' } },
        ]),
      ],
    })
    assert.deepEqual((sent.body['contents'] as readonly { parts: unknown }[])[0]!.parts, [
      { inlineData: { mimeType: 'audio/wav', data: 'UklG' } },
      { inlineData: { mimeType: 'application/pdf', data: 'JVBE' } },
      { fileData: { mimeType: 'image/jpeg', fileUri: 'https://example.com/a.JPG?x=1' } },
    ])
  })

  it('refuses several choices in a stream, and sound for an answer', async () => {
    assert.equal((await refusal('google', ask({ n: 2 }), true)).param, 'n')
    assert.equal((await refusal('google', ask({ modalities: ['audio'] }))).param, 'modalities')
  })
})
