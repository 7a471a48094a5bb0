import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { readVerdict } from '../../../datasets/index.ts'
import { needsShared, sharedPath } from '../../helpers/shared.ts'
import { assertShapeIsRecorded, type Fixture, framesOf, KEYS, send, startFixture } from './client.ts'

const TOOLS = [
  {
    functionDeclarations: [
      {
        name: 'get_capital',
        parameters: { type: 'OBJECT', properties: { country: { type: 'STRING' } }, required: ['country'] },
      },
      {
        name: 'get_size',
        parametersJsonSchema: {
          type: 'object',
          properties: { metres: { type: 'number', minimum: 2 } },
          required: ['metres'],
        },
      },
    ],
  },
]

let fixture: Fixture
before(async () => {
  fixture = await startFixture()
})
after(() => fixture.close())

function post(method: string, body: object, headers: Readonly<Record<string, string>> = KEYS.google) {
  const arm = fixture.arm('lantern-lite')
  return send('POST', `${arm.baseUrl}/models/${arm.upstreamModel}:${method}`, body, headers)
}
const plain = (body: object, headers?: Readonly<Record<string, string>>) =>
  post('generateContent', body, headers)
const stream = (body: object) => post('streamGenerateContent?alt=sse', body)
const ask = (text: string) => ({ contents: [{ role: 'user', parts: [{ text }] }] })

function eventsOf(text: string) {
  return framesOf(text, '\r\n').map((frame) => {
    assert.equal(frame.event, undefined)
    return JSON.parse(frame.data)
  })
}

test('a plain answer replays the outcome of the prompt', async () => {
  const row = fixture.rows[0]!
  const outcome = row.outcomes.get('sim-google/lantern-lite')!
  const answer = await plain({ ...ask(row.prompt), systemInstruction: { parts: [{ text: 'z'.repeat(80) }] } })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['content-type'], 'application/json; charset=UTF-8')
  const body = JSON.parse(answer.text)
  assert.equal(body.modelVersion, 'lantern-lite')
  const [candidate] = body.candidates
  assert.equal(candidate.finishReason, 'STOP')
  assert.equal(candidate.content.role, 'model')
  assert.deepEqual(readVerdict(candidate.content.parts[0].text), {
    promptId: row.promptId,
    armId: 'sim-google/lantern-lite',
    quality: outcome.quality,
    isNearest: false,
  })
  assert.equal(body.usageMetadata.promptTokenCount, outcome.inputTokens! + 20)
  assert.equal(body.usageMetadata.candidatesTokenCount, outcome.outputTokens)
  assert.equal(body.usageMetadata.totalTokenCount, outcome.inputTokens! + 20 + outcome.outputTokens!)
})

suite('a stream', () => {
  test('is whole responses with CRLF between them, the finish on the last, no [DONE]', async () => {
    const question = ask(fixture.rows[4]!.prompt)
    const [whole, streamed] = await Promise.all([plain(question), stream(question)])
    assert.equal(streamed.headers['content-type'], 'text/event-stream')
    const events = eventsOf(streamed.text)
    assert.ok(events.length > 1 && events.length <= 24)
    assert.ok(events.slice(0, -1).every((event) => !('finishReason' in event.candidates[0])))
    assert.ok(events.slice(0, -1).every((event) => !('candidatesTokenCount' in event.usageMetadata)))
    assert.equal(events.at(-1).candidates[0].finishReason, 'STOP')
    const body = JSON.parse(whole.text)
    assert.deepEqual(events.at(-1).usageMetadata, body.usageMetadata)
    const text = events.map((event) => event.candidates[0].content.parts[0].text).join('')
    assert.equal(text, body.candidates[0].content.parts[0].text)
  })

  test('of a tool call is one event with the whole call', async () => {
    const events = eventsOf((await stream({ ...ask('Capital of France?'), tools: TOOLS })).text)
    assert.equal(events.length, 1)
    const [part] = events[0].candidates[0].content.parts
    assert.equal(part.functionCall.name, 'get_capital')
    assert.equal(typeof part.functionCall.args.country, 'string')
    assert.equal(events[0].candidates[0].finishReason, 'STOP')
  })

  test('that is cut at maxOutputTokens says so', async () => {
    const events = eventsOf(
      (await stream({ ...ask('Hello'), generationConfig: { maxOutputTokens: 6 } })).text,
    )
    assert.equal(events.at(-1).candidates[0].finishReason, 'MAX_TOKENS')
    assert.equal(events.at(-1).usageMetadata.candidatesTokenCount, 6)
  })
})

test('tools: allowedFunctionNames chooses; after a functionResponse and with NONE there is text', async () => {
  const choose = (config: object) => ({
    ...ask('Size?'),
    tools: TOOLS,
    toolConfig: { functionCallingConfig: config },
  })
  const call = JSON.parse((await plain(choose({ mode: 'ANY', allowedFunctionNames: ['get_size'] }))).text)
  const { functionCall } = call.candidates[0].content.parts[0]
  assert.equal(functionCall.name, 'get_size')
  assert.ok(functionCall.args.metres >= 2)
  const contents = [
    ...ask('Size?').contents,
    call.candidates[0].content,
    { role: 'user', parts: [{ functionResponse: { name: 'get_size', response: { size: 3 } } }] },
  ]
  for (const body of [{ contents, tools: TOOLS }, choose({ mode: 'NONE' })]) {
    const answer = JSON.parse((await plain(body)).text)
    assert.ok(readVerdict(answer.candidates[0].content.parts[0].text))
  }
})

suite('errors have the shape of the service', () => {
  const models = () => `${fixture.arm('lantern-lite').baseUrl}/models`
  const cases = [
    ['no key', () => plain(ask('Hi'), {}), 401, 'UNAUTHENTICATED'],
    [
      'an unknown model',
      () => send('POST', `${models()}/lantern-huge:generateContent`, ask('Hi'), KEYS.google),
      404,
      'NOT_FOUND',
    ],
    ['no contents', () => plain({}), 400, 'INVALID_ARGUMENT'],
    ['an unknown method', () => post('countTokens', ask('Hi')), 404, 'NOT_FOUND'],
    ['a stream that is not SSE', () => post('streamGenerateContent', ask('Hi')), 404, 'NOT_FOUND'],
  ] as const
  for (const [name, run, code, status] of cases) {
    test(name, async () => {
      const answer = await run()
      assert.equal(answer.status, code)
      const { error } = JSON.parse(answer.text)
      assert.equal(error.code, code)
      assert.equal(error.status, status)
      assert.ok(error.message.length > 0)
    })
  }
})

test('no field that the service does not send', needsShared('fixtures', 'gemini'), async () => {
  const recordedFile = (name: string, file: string) =>
    readFileSync(sharedPath('fixtures', 'gemini', name, file), 'utf8')
  const bodies = ['text', 'max-tokens'].map((name) => JSON.parse(recordedFile(name, 'response.json')))
  const events = ['text-stream', 'text-stream-many', 'tool-call-gemini2-stream'].flatMap((name) =>
    eventsOf(recordedFile(name, 'response.sse')),
  )
  assertShapeIsRecorded(JSON.parse((await plain(ask('Hi'))).text), bodies)
  assertShapeIsRecorded(JSON.parse((await plain({ ...ask('Hi'), tools: TOOLS })).text), events)
  for (const event of eventsOf((await stream(ask('Hi'))).text)) assertShapeIsRecorded(event, events)
  const recordedError = JSON.parse(recordedFile('error-404-model', 'response.json'))
  assertShapeIsRecorded(JSON.parse((await post('countTokens', ask('Hi'))).text), [recordedError])
})
