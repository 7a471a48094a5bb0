import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { readVerdict } from '../../../datasets/index.ts'
import { needsShared, sharedPath } from '../../helpers/shared.ts'
import { assertShapeIsRecorded, type Fixture, framesOf, KEYS, send, startFixture } from './client.ts'

const TOOLS = [
  {
    name: 'weather',
    input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
]

let fixture: Fixture
before(async () => {
  fixture = await startFixture()
})
after(() => fixture.close())

function post(body: object, headers: Readonly<Record<string, string>> = KEYS.anthropic) {
  const arm = fixture.arm('bramble-small')
  return send(
    'POST',
    `${arm.baseUrl}/v1/messages?beta=true`,
    { model: arm.upstreamModel, max_tokens: 4096, ...body },
    headers,
  )
}
const ask = (content: unknown) => ({ messages: [{ role: 'user', content }] })

/** The fields that the tests look at. */
interface Event {
  readonly type: string
  readonly message?: { readonly usage: { readonly input_tokens: number } }
  readonly content_block?: Readonly<Record<string, unknown>>
  readonly delta?: { readonly text?: string; readonly partial_json?: string; readonly stop_reason?: string }
  readonly usage?: { readonly output_tokens: number }
}
function eventsOf(text: string): readonly Event[] {
  return framesOf(text).map((frame) => {
    const data = JSON.parse(frame.data)
    assert.equal(frame.event, data.type, 'the event line equals the type')
    return data
  })
}

test('a plain answer replays the outcome of the prompt', async () => {
  const row = fixture.rows[0]!
  const outcome = row.outcomes.get('sim-anthropic/bramble-small')!
  const answer = await post({ ...ask([{ type: 'text', text: row.prompt }]), system: 'y'.repeat(40) })
  assert.equal(answer.status, 200)
  const body = JSON.parse(answer.text)
  assert.match(body.id, /^msg_[a-z0-9]+$/)
  assert.equal(body.type, 'message')
  assert.equal(body.role, 'assistant')
  assert.equal(body.stop_reason, 'end_turn')
  assert.equal(body.content.length, 1)
  assert.deepEqual(readVerdict(body.content[0].text), {
    promptId: row.promptId,
    armId: 'sim-anthropic/bramble-small',
    quality: outcome.quality,
    isNearest: false,
  })
  assert.equal(body.usage.input_tokens, outcome.inputTokens! + 10)
  assert.equal(body.usage.output_tokens, outcome.outputTokens)
})

suite('a stream', () => {
  test('has the events of the service in their order, and the text of the plain answer', async () => {
    const question = ask(fixture.rows[3]!.prompt)
    const [plain, streamed] = await Promise.all([post(question), post({ ...question, stream: true })])
    assert.equal(streamed.headers['content-type'], 'text/event-stream; charset=utf-8')
    const events = eventsOf(streamed.text)
    const deltas = events.filter((event) => event.type === 'content_block_delta')
    assert.deepEqual(
      events.map((event) => event.type),
      [
        'message_start',
        'content_block_start',
        'ping',
        ...deltas.map((delta) => delta.type),
        'content_block_stop',
        'message_delta',
        'message_stop',
      ],
    )
    assert.ok(deltas.length > 1 && deltas.length <= 24)
    const text = deltas.map((event) => event.delta?.text).join('')
    assert.equal(text, JSON.parse(plain.text).content[0].text)
    const outcome = fixture.rows[3]!.outcomes.get('sim-anthropic/bramble-small')!
    const end = events.at(-2)!
    assert.equal(end.delta?.stop_reason, 'end_turn')
    assert.equal(end.usage?.output_tokens, outcome.outputTokens)
    assert.equal(events[0]!.message?.usage.input_tokens, outcome.inputTokens)
  })

  test('of a tool call: empty input at the start, an empty first fragment, then the arguments', async () => {
    const events = eventsOf((await post({ ...ask('How is the weather?'), tools: TOOLS, stream: true })).text)
    const block = events[1]!.content_block
    assert.deepEqual({ ...block, id: '' }, { type: 'tool_use', id: '', name: 'weather', input: {} })
    assert.match(String(block?.['id']), /^toolu_[a-zA-Z0-9_-]+$/)
    const fragments = events
      .filter((event) => event.type === 'content_block_delta')
      .map((event) => event.delta?.partial_json)
    assert.equal(fragments[0], '')
    assert.equal(typeof JSON.parse(fragments.join('')).city, 'string')
    assert.equal(events.at(-2)!.delta?.stop_reason, 'tool_use')
  })

  test('that is cut at max_tokens says so', async () => {
    const events = eventsOf(
      (await post({ ...ask(fixture.rows[3]!.prompt), max_tokens: 4, stream: true })).text,
    )
    assert.equal(events.at(-2)!.delta?.stop_reason, 'max_tokens')
    assert.equal(events.at(-2)!.usage?.output_tokens, 4)
  })
})

test('tools: a call to the user, text after a tool result, none with tool_choice none', async () => {
  const call = JSON.parse(
    (await post({ ...ask('Weather?'), tools: TOOLS, tool_choice: { type: 'tool', name: 'weather' } })).text,
  )
  assert.equal(call.stop_reason, 'tool_use')
  assert.equal(typeof call.content[0].input.city, 'string')
  const messages = [
    ...ask('Weather?').messages,
    { role: 'assistant', content: call.content },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.content[0].id, content: 'sunny' }] },
  ]
  for (const body of [
    { messages, tools: TOOLS },
    { ...ask('Weather?'), tools: TOOLS, tool_choice: { type: 'none' } },
  ]) {
    const answer = JSON.parse((await post(body)).text)
    assert.equal(answer.stop_reason, 'end_turn')
    assert.ok(readVerdict(answer.content[0].text))
  }
})

suite('errors have the shape of the service', () => {
  const cases = [
    ['no key', () => post(ask('Hi'), {}), 401, 'authentication_error'],
    ['an unknown model', () => post({ ...ask('Hi'), model: 'bramble-huge' }), 404, 'not_found_error'],
    ['no max_tokens', () => post({ ...ask('Hi'), max_tokens: undefined }), 400, 'invalid_request_error'],
    ['an unknown path', () => send('GET', `${fixture.simulator.url}/anthropic/v2`), 404, 'not_found_error'],
  ] as const
  for (const [name, run, status, type] of cases) {
    test(name, async () => {
      const answer = await run()
      assert.equal(answer.status, status)
      const body = JSON.parse(answer.text)
      assert.equal(body.type, 'error')
      assert.equal(body.error.type, type)
      assert.ok(body.error.message.length > 0)
    })
  }

  test('a bearer token counts as a key', async () => {
    assert.equal((await post(ask('Hi'), { authorization: 'Bearer x' })).status, 200)
  })
})

test('no field that the service does not send', needsShared('fixtures', 'anthropic'), async () => {
  const recordedFile = (name: string, file: string) =>
    readFileSync(sharedPath('fixtures', 'anthropic', name, file), 'utf8')
  const recordedBody = (name: string) => JSON.parse(recordedFile(name, 'response.json'))
  const bodies = ['text', 'tool-call'].map(recordedBody)
  // `weather` of the recorded call has other arguments than ours.
  for (const body of bodies) for (const block of body.content) if (block.input) block.input = { city: '' }
  const events = ['text-stream', 'tool-call-stream'].flatMap((name) =>
    eventsOf(recordedFile(name, 'response.sse')),
  )
  for (const extra of [{}, { tools: TOOLS }]) {
    const question = { ...ask('How is the weather?'), ...extra }
    assertShapeIsRecorded(JSON.parse((await post(question)).text), bodies)
    for (const event of eventsOf((await post({ ...question, stream: true })).text)) {
      assertShapeIsRecorded(
        event,
        events.filter((other) => other.type === event.type),
      )
    }
  }
  assertShapeIsRecorded(JSON.parse((await post(ask('Hi'), {})).text), [recordedBody('error-401')])
})
