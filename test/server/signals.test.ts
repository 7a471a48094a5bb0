/** What is read off answers and conversations: the findings, the schemas, and that the caller waits for none of it. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { ChatChunk, ChatRequest, ChatResponse } from '../../adapters/index.ts'
import type { ArmId, Decision, DecisionId } from '../../engine/index.ts'
import type { Signal, SignalSettings } from '../../server/index.ts'
import { SIGNALS } from '../../server/index.ts'
import type { Judges } from '../../server/judges/judges.ts'
import type { Task } from '../../server/pipeline/task.ts'
import { AnswerCollector, type AnswerSeen, type ChoiceSeen } from '../../server/rewards/answer-seen.ts'
import { JsonChecker } from '../../server/rewards/json-checker.ts'
import { PLAIN_QUALITY } from '../../server/rewards/metric.ts'
import { Reviews } from '../../server/rewards/reviews.ts'
import { findingsOf, worstOf } from '../../server/rewards/signals.ts'
import { isPlea, Turns } from '../../server/rewards/turns.ts'
import type { Services } from '../../server/services.ts'
import { TurnEnd } from '../../server/turn-end.ts'
import {
  type Behaviour,
  callingTool,
  completion,
  saying,
  startOpenAiUpstream,
} from '../helpers/openai-upstream.ts'
import { eventually, registryOf, startTestServer, type TestServer } from '../helpers/server.ts'
import { json } from '../helpers/upstream.ts'

const ALL: ReadonlyMap<Signal, number> = new Map(SIGNALS.map((signal, i) => [signal, i / 10]))
const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1 } },
  required: ['city', 'days'],
  additionalProperties: false,
} as const
const WANTS_JSON = {
  response_format: { type: 'json_schema', json_schema: { name: 'x', schema: SCHEMA } },
} as const
const TOOLS = {
  tools: [
    { type: 'function', function: { name: 'forecast', parameters: SCHEMA } },
    { type: 'function', function: { name: 'now' } },
  ],
} as const

const checker = new JsonChecker()
after(() => checker.close())

function answer(choice: Partial<ChoiceSeen>, isCut = false): AnswerSeen {
  return { choices: [{ content: '', refusal: '', toolCalls: [], finish: 'stop', ...choice }], isCut }
}
const find = (request: Partial<ChatRequest>, seen: AnswerSeen) =>
  findingsOf(ALL, request, seen, (schema, text) => checker.check(schema, text))

describe('an answer', () => {
  const cases: [string, Partial<ChatRequest>, Partial<ChoiceSeen>, Signal[]][] = [
    ['that says something', {}, { content: 'Hi' }, []],
    ['of white space', {}, { content: ' \n' }, ['empty']],
    [
      'that only calls a tool',
      TOOLS,
      { toolCalls: [{ name: 'now', arguments: '' }], finish: 'tool_calls' },
      [],
    ],
    ['that refuses', {}, { refusal: 'I cannot' }, ['refused']],
    ['ended by a filter', {}, { content: '', finish: 'content_filter' }, ['refused']],
    ['cut at the limit', {}, { content: 'One', finish: 'length' }, ['truncated']],
    ['of the schema', WANTS_JSON, { content: '{"city":"Oslo","days":2}' }, []],
    ['not of the schema', WANTS_JSON, { content: '{"city":"Oslo"}' }, ['invalidJson']],
    ['with a field too many', WANTS_JSON, { content: '{"city":"O","days":2,"x":1}' }, ['invalidJson']],
    ['that is no JSON', WANTS_JSON, { content: 'Oslo, two days' }, ['invalidJson']],
    ['in a code block', WANTS_JSON, { content: '```json\n{"city":"O","days":2}\n```' }, ['invalidJson']],
    [
      'of JSON cut off',
      WANTS_JSON,
      { content: '{"city":"Os', finish: 'length' },
      ['truncated', 'invalidJson'],
    ],
    ['that refuses instead of JSON', WANTS_JSON, { refusal: 'No' }, ['refused']],
    ['without a word where JSON was asked for', WANTS_JSON, {}, ['empty']],
    ['of any JSON', { response_format: { type: 'json_object' } }, { content: '{}' }, []],
    ['of no JSON', { response_format: { type: 'json_object' } }, { content: '{' }, ['invalidJson']],
    [
      'with good arguments',
      TOOLS,
      { toolCalls: [{ name: 'forecast', arguments: '{"city":"O","days":1}' }] },
      [],
    ],
    [
      'with bad arguments',
      TOOLS,
      { toolCalls: [{ name: 'forecast', arguments: '{"city":"O","days":0}' }] },
      ['invalidToolArguments'],
    ],
    [
      'with arguments that are no JSON',
      TOOLS,
      { toolCalls: [{ name: 'now', arguments: '{' }] },
      ['invalidToolArguments'],
    ],
    [
      'that calls what was not offered',
      TOOLS,
      { toolCalls: [{ name: 'rm', arguments: '{}' }] },
      ['invalidToolArguments'],
    ],
  ]
  for (const [title, request, choice, fired] of cases) {
    it(`${title}: ${fired.join(', ') || 'nothing'}`, async () => {
      assert.deepEqual(await find(request, answer(choice)), { fired, unknown: [] })
    })
  }

  it('without a choice is empty', async () => {
    assert.deepEqual((await find({}, { choices: [], isCut: false })).fired, ['empty'])
  })

  it('too long to be kept is not called invalid', async () => {
    const { fired, unknown } = await find(WANTS_JSON, answer({ content: '{"city":' }, true))
    assert.deepEqual([fired, unknown], [[], ['invalidJson']])
  })

  it('is worth its worst finding, and else what passes is worth', () => {
    const worths = new Map<Signal, number>([
      ['truncated', 0.4],
      ['invalidJson', 0],
    ])
    assert.deepEqual(worstOf(['truncated', 'invalidJson'], worths, 0.8), { worth: 0, name: 'invalidJson' })
    assert.deepEqual(worstOf([], worths, 0.8), { worth: 0.8, name: 'passed' })
  })

  it('is put together from the chunks of its stream', () => {
    const collector = new AnswerCollector()
    const chunk = (delta: ChatChunk['choices'][number]['delta'], finish: string | null = null) =>
      collector.chunk({ choices: [{ index: 0, delta, finish_reason: finish }] })
    chunk({ role: 'assistant', content: '' })
    chunk({ content: 'One ' })
    chunk({ content: 'two' })
    chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'forecast', arguments: '' } }] })
    chunk({ tool_calls: [{ index: 0, function: { arguments: '{"city"' } }] })
    chunk({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] })
    chunk({}, 'tool_calls')
    assert.deepEqual(collector.seen(), {
      isCut: false,
      choices: [
        {
          content: 'One two',
          refusal: '',
          toolCalls: [{ name: 'forecast', arguments: '{"city":1}' }],
          finish: 'tool_calls',
        },
      ],
    })
    chunk({ content: 'x'.repeat(300_000) })
    assert.equal(collector.seen().isCut, true)
    assert.equal(collector.seen().choices[0]?.content, 'One two')
    chunk({ tool_calls: [{ index: 1e9, function: { name: 'x' } }] })
    assert.equal(collector.seen().choices[0]?.toolCalls.length, 1)
  })
})

describe('a schema of strangers', () => {
  it('that takes for ever is given up, and the next one is checked', async () => {
    const impatient = new JsonChecker(200)
    assert.equal(await impatient.check({ type: 'number' }, '1'), 'valid')
    const endless = { type: 'string', pattern: '^(a+)+$' }
    const hard = impatient.check(endless, JSON.stringify(`${'a'.repeat(40)}!`))
    const next = impatient.check({ type: 'number' }, '"no"')
    assert.deepEqual([await hard, await next], ['unknown', 'invalid'])
    await impatient.close()
  })

  it('is given no longer by a thread that has only just begun', async () => {
    const MINUTES_MS = 600_000
    const cold = new JsonChecker(200, MINUTES_MS)
    const endless = { type: 'string', pattern: '^(a+)+$' }
    // Each of them ends the thread, and begins the next one's.
    for (let i = 0; i < 2; i++) {
      assert.equal(await cold.check(endless, JSON.stringify(`${'a'.repeat(40)}!`)), 'unknown')
    }
    await cold.close()
  })

  for (const [title, schema, verdict] of [
    ['is none', { type: 'no such type' }, 'unknown'],
    ['refers to somewhere else', { $ref: 'https://example.com/x.json' }, 'unknown'],
    [
      'refers to itself',
      {
        $defs: { n: { type: ['object', 'null'], properties: { n: { $ref: '#/$defs/n' } } } },
        $ref: '#/$defs/n',
      },
      'valid',
    ],
    [
      'is of an older draft',
      {
        $schema: 'http://json-schema.org/draft-07/schema#',
        type: 'object',
        properties: { n: { type: 'array', items: [{ type: 'string' }] } },
      },
      'valid',
    ],
    [
      'has keywords of its own',
      { type: 'object', 'x-vendor': 1, properties: { n: { type: 'object', format: 'whatever' } } },
      'valid',
    ],
    ['is too large', { type: 'object', description: 'x'.repeat(70_000) }, 'unknown'],
    ['shares its name with another', { $id: 'same', type: 'number' }, 'invalid'],
    ['says that it is asynchronous, of what fits', { $async: true, type: 'object' }, 'valid'],
    ['says that it is asynchronous, of what does not', { $async: true, type: 'number' }, 'invalid'],
    ['has that name, too', { $id: 'same', type: 'object' }, 'valid'],
  ] as const) {
    it(`that ${title}: ${verdict}`, async () => {
      const text = verdict === 'valid' && title === 'is of an older draft' ? '{"n":["a"]}' : '{"n":{}}'
      assert.equal(await checker.check(schema as never, text), verdict)
    })
  }

  it('more than may wait is not waited for', async () => {
    const busy = new JsonChecker()
    const checks = Array.from({ length: 300 }, () => busy.check({ type: 'number' }, '1'))
    const verdicts = await Promise.all(checks)
    assert.ok(verdicts.filter((verdict) => verdict === 'valid').length >= 256)
    assert.ok(verdicts.includes('unknown'))
    await busy.close()
    assert.equal(await busy.check({ type: 'number' }, '1'), 'unknown', 'closed')
  })
})

describe('the next turn', () => {
  const user = (content: string) => ({ role: 'user', content }) as const
  const assistant = (content: string) => ({ role: 'assistant', content }) as const
  const id = (n: number) => `d${n}` as DecisionId
  const QUESTION = 'How long does the ferry take?'

  for (const plea of [
    'Try again.',
    'No, try again please',
    'please regenerate',
    'That’s wrong!',
    'this is not what I asked',
    'Versuch es bitte noch einmal',
    'Das ist falsch.',
    'Inténtalo de nuevo',
    'Réessaie',
    '再试一次',
    'もう一度お願いします',
  ]) {
    it(`is a plea: ${plea}`, () => assert.equal(isPlea(plea), true))
  }
  for (const other of [
    'Thanks!',
    'Write a retry loop for this function, with jitter between the tries.',
    'What is wrong with me today?',
    `Try again, but ${'with more of this and less of that '.repeat(6)}`,
    'Which agency did it?',
  ]) {
    it(`is none: ${other.slice(0, 40)}`, () => assert.equal(isPlea(other), false))
  }

  it('of a session with the same question is about the answer before', () => {
    const turns = new Turns()
    const note = (text: string, n: number, atMs = n) =>
      turns.note('t', 's', { messages: [user(text)] }, id(n), atMs)
    assert.equal(note(QUESTION, 1), undefined)
    assert.deepEqual(note('how long does the FERRY take', 2), {
      decisionId: 'd1',
      signal: 'repeatedQuestion',
    })
    assert.equal(note('And the bus to the harbour?', 3), undefined)
    assert.deepEqual(note('That is wrong', 4), { decisionId: 'd3', signal: 'tryAgain' })
    assert.equal(note('yes', 5), undefined)
    assert.equal(note('yes', 6), undefined, 'too short to be a question')
    note(QUESTION, 7)
    assert.equal(note(QUESTION, 8, 3_600_000), undefined, 'another occasion')
  })

  it('without a session is found by the conversation’s beginning, and strangers with one beginning are told apart', () => {
    const turns = new Turns()
    const first = [user(QUESTION)]
    assert.equal(turns.note('t', '', { messages: first }, id(1), 1), undefined)
    assert.equal(turns.note('t', '', { messages: first }, id(2), 2), undefined, 'two strangers')
    const second = [...first, assistant('An hour'), user(QUESTION)]
    assert.deepEqual(turns.note('t', '', { messages: second }, id(3), 3), {
      decisionId: 'd2',
      signal: 'repeatedQuestion',
    })
    assert.deepEqual(
      turns.note('t', '', { messages: second }, id(4), 4),
      { decisionId: 'd3', signal: 'repeatedQuestion' },
      'the same turn made anew',
    )
    assert.equal(turns.note('u', '', { messages: second }, id(5), 5), undefined, 'another tenant')
  })
})

const SETTINGS: SignalSettings = {
  metric: PLAIN_QUALITY,
  share: 1,
  passedWorth: 0.8,
  worths: new Map<Signal, number>([
    ['empty', 0],
    ['truncated', 0.4],
    ['invalidJson', 0],
    ['invalidToolArguments', 0],
    ['tryAgain', 0.1],
  ]),
}

async function withServer(
  behaviour: Behaviour,
  work: (server: TestServer, behave: (next: Behaviour) => void) => Promise<void>,
  settings: SignalSettings | undefined = SETTINGS,
): Promise<void> {
  await using upstream = await startOpenAiUpstream(behaviour)
  const registry = registryOf({ arms: [{ id: 'acme/small' as ArmId, url: upstream.url }] })
  await using server = await startTestServer({ ...registry, ...(settings && { signals: settings }) })
  await work(server, upstream.behave)
}

const truncated: Behaviour = json(
  completion('', {
    choices: [{ index: 0, message: { role: 'assistant', content: 'On' }, finish_reason: 'length' }],
  }),
)

const rewards = (server: TestServer) =>
  server.store.rewards.map(({ metric, valueNumber, source }) => [metric, valueNumber, source])

describe('signals in the server', () => {
  it('are rewards of the heuristic kind, for what passes as for what does not', () =>
    withServer(saying('Hi'), async (server, behave) => {
      await (await server.chat()).text()
      await eventually(() => server.store.rewards.length === 1, 'the first')
      behave(truncated)
      await (await server.chat()).text()
      await eventually(() => server.store.rewards.length === 2, 'the second')
      assert.deepEqual(rewards(server), [
        ['quality', 0.8, 'heuristic:passed'],
        ['quality', 0.4, 'heuristic:truncated'],
      ])
      const text = await (await server.get('/metrics')).text()
      assert.match(text, /highwayman_signals_total\{signal="truncated"\} 1/)
      assert.match(text, /highwayman_signals_total\{signal="passed"\} 1/)
      assert.match(
        text,
        /highwayman_feedback_total\{metric="quality",source="heuristic",result="recorded"\} 2/,
      )
    }))

  it('read streams as well, arguments of tools against the tool’s schema', () =>
    withServer(callingTool('forecast', '{"city":"Oslo","days":"two"}'), async (server) => {
      for (const stream of [true, false]) await (await server.chat({ ...TOOLS, stream })).text()
      await eventually(() => server.store.rewards.length === 2, 'both')
      assert.deepEqual(rewards(server), [
        ['quality', 0, 'heuristic:invalidToolArguments'],
        ['quality', 0, 'heuristic:invalidToolArguments'],
      ])
    }))

  it('a plea to try again takes the good word on the answer before back, and a user’s word stands above both', () =>
    withServer(saying('Hi there'), async (server) => {
      const ask = async (content: string) => {
        const response = await server.chat({
          messages: [{ role: 'user', content }],
          highwayman: { session: 's' },
        })
        await response.text()
        return response.headers.get('x-highwayman-decision-id')!
      }
      const first = await ask('How long does the ferry take?')
      await eventually(() => server.store.rewards.length === 1, 'the first')
      await ask('That is wrong, try again')
      await eventually(() => server.store.rewards.length === 3, 'the rest')
      const qualityOf = async (id: string) =>
        ((await (await server.get(`/v1/decisions/${id}`)).json()) as { quality: number }).quality
      assert.equal(await qualityOf(first), 0.1)
      await server.post('/v1/feedback', { decision_id: first, metric: 'quality', value: true })
      assert.equal(await qualityOf(first), 1)
    }))

  it('look at a share that is drawn by the decision’s id', () =>
    withServer(
      saying('Hi'),
      async (server) => {
        for (let i = 0; i < 60; i++) await (await server.chat()).text()
        await eventually(() => server.store.rewards.length > 8, 'some')
        // 60 draws at 0.5: outside 9 to 51 with a probability below 1e-7.
        assert.ok(server.store.rewards.length < 52, `${server.store.rewards.length}`)
      },
      { ...SETTINGS, share: 0.5 },
    ))

  it('a fault in looking is counted and told, and is nobody else’s', async () => {
    const dropped: unknown[] = []
    const warned: unknown[] = []
    const services = {
      clock: { nowMs: () => 1e12 },
      log: { warn: (entry: unknown) => warned.push(entry) },
      turnEnd: new TurnEnd(() => {}),
      metrics: { signals: { inc: (labels: unknown) => dropped.push(labels) } },
    } as unknown as Services
    const fault = new Error('an answer that nobody could have foreseen')
    const judges = {
      drawn: () => [{}],
      offer: () => {
        throw fault
      },
    } as unknown as Judges
    const reviews = new Reviews(() => services, judges)
    const task = { view: { registry: { judges: [{}] } }, surface: 'chat' } as unknown as Task
    const decision = { id: '01890000-0000-7000-8000-000000000001' } as Decision
    const response = { choices: [] } as unknown as ChatResponse
    for (let i = 0; i < 2; i++) reviews.of(task, decision)!.whole(response)
    await reviews.idle()
    assert.deepEqual(dropped, [{ signal: 'dropped' }, { signal: 'dropped' }])
    assert.deepEqual(warned, [{ err: fault }], 'once a minute')
    await reviews.close()
  })

  it('off, look at nothing', async () => {
    await using upstream = await startOpenAiUpstream(saying(''))
    await using server = await startTestServer({ arms: [{ id: 'acme/small', url: upstream.url }] })
    await (await server.chat()).text()
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.deepEqual(server.store.rewards, [])
  })

  it('keep no text of what was said', () =>
    withServer(saying('a very secret answer'), async (server) => {
      await (await server.chat({ messages: [{ role: 'user', content: 'a very secret question' }] })).text()
      await eventually(() => server.store.rewards.length === 1, 'the reward')
      const stored = JSON.stringify([server.store.rewards, server.store.attempts, server.store.decisions])
      assert.doesNotMatch(stored + server.logged(), /secret/)
    }))
})
