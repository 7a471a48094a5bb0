/** Policies that need the server to tell them something: what is running, whose turn it is. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import type { PolicySpec } from '../../engine/index.ts'
import { parseConfig } from '../../server/config/index.ts'
import { type Behaviour, dyingAfter, saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { eventually, startTestServer } from '../helpers/server.ts'

const LEAST_BUSY = { name: 'least-busy' } as const
const armOf = (response: Response) => response.headers.get('x-highwayman-arm')

/** Answers when it is let go. */
function held(): { readonly behaviour: Behaviour; readonly waiting: (() => void)[] } {
  const waiting: (() => void)[] = []
  const answer = saying('late')
  return {
    waiting,
    behaviour: (response: ServerResponse, request) => {
      waiting.push(() => void answer(response, request))
    },
  }
}

describe('least-busy', () => {
  it('sends each call to the arm with the fewest running, and forgets those that ended', async () => {
    const { behaviour, waiting } = held()
    await using upstream = await startOpenAiUpstream(behaviour)
    const arms = ['acme/a', 'acme/b'].map((id) => ({ id, url: upstream.url }))
    await using server = await startTestServer({ arms, policy: LEAST_BUSY })
    const answers: Promise<Response>[] = []
    for (let n = 1; n <= 4; n++) {
      answers.push(server.chat())
      await eventually(() => waiting.length === n, `call ${n}`)
    }
    for (const letGo of waiting.splice(0)) letGo()
    const served = await Promise.all(answers)
    assert.deepEqual(served.map(armOf), ['acme/a', 'acme/b', 'acme/a', 'acme/b'])
    for (const answer of served) await answer.text()
    const next = server.chat()
    await eventually(() => waiting.length === 1, 'the call after')
    waiting[0]?.()
    assert.equal(armOf(await next), 'acme/a')
    assert.ok(server.store.decisions.every(({ decision }) => decision.propensity === 1))
  })

  it('counts a stream until it ends, also where it breaks off', async () => {
    await using upstream = await startOpenAiUpstream(dyingAfter('half'))
    const arms = ['acme/a', 'acme/b'].map((id) => ({ id, url: upstream.url }))
    await using server = await startTestServer({ arms, policy: LEAST_BUSY })
    for (let n = 0; n < 3; n++) {
      const answer = await server.chat({ stream: true })
      assert.equal(armOf(answer), 'acme/a')
      await answer.text().catch(() => '')
      await eventually(() => server.store.attempts.length === n + 1, 'the attempt to be over')
    }
  })
})

describe('round-robin', () => {
  it('goes round over requests', async () => {
    await using upstream = await startOpenAiUpstream(saying('hello'))
    const arms = ['acme/a', 'acme/b', 'acme/c'].map((id) => ({ id, url: upstream.url }))
    await using server = await startTestServer({ arms, policy: { name: 'round-robin' } })
    const served: (string | null)[] = []
    for (let n = 0; n < 6; n++) served.push(armOf(await server.chat()))
    assert.deepEqual(served, ['acme/a', 'acme/b', 'acme/c', 'acme/a', 'acme/b', 'acme/c'])
  })
})

describe('a configuration', () => {
  const model = (policy: string) => {
    const text = `providers: { openai: { apiKey: k } }
arms: { openai/gpt-5: , openai/gpt-5-mini: }
models: { m: { policy: ${policy} } }
`
    const registry = parseConfig(text, { file: 'h.yaml', env: {} })
    const { policy: spec, floor } = registry.models.get('m') as { policy: PolicySpec; floor: number }
    return { spec, floor }
  }

  it('can name every policy, with its settings', () => {
    const learning: readonly (readonly [string, PolicySpec])[] = [
      ['thompson', { name: 'thompson' }],
      ['{ name: thompson, exploration: 1 }', { name: 'thompson', exploration: 1 }],
      ['linucb', { name: 'linucb' }],
      ['{ name: linucb, alpha: 0 }', { name: 'linucb', alpha: 0 }],
      ['squarecb', { name: 'squarecb' }],
      [
        '{ name: squarecb, gammaScale: 1000, gammaExponent: 0.25 }',
        { name: 'squarecb', gammaScale: 1000, gammaExponent: 0.25 },
      ],
      ['information-directed', { name: 'information-directed' }],
      ['epsilon-greedy', { name: 'epsilon-greedy', epsilon: 0.1 }],
      ['{ name: softmax, temperature: 0.2 }', { name: 'softmax', temperature: 0.2 }],
    ]
    for (const [text, spec] of learning) assert.deepEqual(model(text), { spec, floor: 0.02 })
    for (const name of ['round-robin', 'cheapest', 'fastest', 'least-busy'] as const) {
      assert.deepEqual(model(name), { spec: { name }, floor: 0 })
    }
  })
})
