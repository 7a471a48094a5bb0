/**
 * One operation after the other is made to fail, in each way it can, until a run passes without a fault. Whatever fails,
 * the books must balance afterwards.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StoreError } from '../../adapters/index.ts'
import {
  type Behaviour,
  dyingAfter,
  failing,
  failingInStream,
  saying,
  startOpenAiUpstream,
} from '../helpers/openai-upstream.ts'
import { eventually, startTestServer, type TestServer } from '../helpers/server.ts'
import { json } from '../helpers/upstream.ts'

const UPSTREAM_FAULTS: Readonly<Record<string, Behaviour>> = {
  'a reset': (response) => void response.destroy(),
  'a 500': failing(500),
  'a 400': failing(400, { message: 'bad', type: 'invalid_request_error', code: 'bad_thing' }),
  'a 401': failing(401),
  'a 429': failing(429, {}, { 'retry-after': '1' }),
  'a page': (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
  'an empty answer': json({}),
  'an error in the stream': failingInStream,
  'a cut stream': dyingAfter('some ', 'words '),
  'a stream without words': (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end('data: [DONE]\n\n')
  },
}

interface Run {
  /** Whether the N-th operation was reached at all. */
  readonly struck: boolean
}

/** Two turns, whole and streamed, each with feedback. */
async function converse(server: TestServer): Promise<number[]> {
  const statuses: number[] = []
  for (const stream of [false, true, false, true]) {
    const response = await server.chat({ stream })
    await response.text()
    statuses.push(response.status)
    const id = response.headers.get('x-highwayman-decision-id')
    if (id === null) continue
    const feedback = await server.post('/v1/feedback', { decision_id: id, metric: 'quality', value: 0.5 })
    statuses.push(feedback.status)
    await feedback.text()
  }
  return statuses
}

async function assertBalanced(server: TestServer, statuses: readonly number[], what: string): Promise<void> {
  const { decisions, attempts, observations, rewards } = server.store
  await eventually(() => attempts.length === decisions.length, `${what}: every call to be recorded`)
  assert.equal(new Set(attempts.map(({ decisionId }) => decisionId)).size, attempts.length, what)
  for (const { decision, parentId } of decisions) {
    const sum = decision.probabilities.reduce((total, p) => total + p, 0)
    assert.ok(Math.abs(sum - 1) < 1e-12, what)
    assert.equal(decision.propensity, decision.probabilities[decision.eligible.indexOf(decision.arm)], what)
    if (parentId === undefined) continue
    const parent = decisions.find((row) => row.decision.id === parentId)
    assert.ok(parent && !decision.eligible.includes(parent.decision.arm), what)
  }
  const outcomes = attempts.filter(({ status }) => status === 'answered').length
  assert.equal(
    observations.filter(({ head, y }) => head === 'success' && y === 1).length,
    outcomes,
    `${what}: an answer is a success, and nothing else is`,
  )
  const taught = server.running.router
    .sums()
    .filter(({ head }) => head === 'quality')
    .reduce((n, sums) => n + sums.n, 0)
  const rated = rewards.filter(({ decisionId }) =>
    attempts.some((attempt) => attempt.decisionId === decisionId && attempt.status === 'answered'),
  )
  assert.ok(Math.abs(taught - rated.length) < 1e-3, `${what}: ${taught} learned of ${rated.length}`)
  for (const status of statuses) assert.ok(status !== 500, `${what}: ${statuses}`)
  assert.match(await (await server.get('/metrics')).text(), /highwayman_requests_in_flight 1\n/, what)
  assert.doesNotMatch(server.logged(), /"level":(50|60)/, what)
}

describe('the N-th upstream call fails', () => {
  for (const [name, fault] of Object.entries(UPSTREAM_FAULTS)) {
    it(`with ${name}`, async () => {
      let n = 1
      while ((await run(n, fault, `${name} at call ${n}`)).struck) n++
      assert.ok(n > 4, `${n} runs`)
    })
  }

  async function run(n: number, fault: Behaviour, what: string): Promise<Run> {
    let calls = 0
    const healthy = saying('Hi you')
    const faulty: Behaviour = (response, request) => (++calls === n ? fault : healthy)(response, request)
    await using first = await startOpenAiUpstream(faulty)
    await using second = await startOpenAiUpstream(faulty)
    await using server = await startTestServer({
      arms: [
        { id: 'acme/a', url: first.url },
        { id: 'acme/b', url: second.url },
      ],
      policy: { name: 'thompson' },
      auto: { floor: 0.2 },
    })
    const statuses = await converse(server)
    await assertBalanced(server, statuses, what)
    return { struck: calls >= n }
  }
})

describe('a fault of ours after the arm has answered', () => {
  for (const stream of [false, true]) {
    it(`${stream ? 'breaks the stream off' : 'is told'}, and leaves the arm free and nothing held against it`, async () => {
      let isBroken = false
      const healthy = saying('Hi you')
      await using upstream = await startOpenAiUpstream((response, request) => {
        isBroken = true
        healthy(response, request)
      })
      const price = {
        inputUsdPerMtok: 1,
        get outputUsdPerMtok(): number {
          if (isBroken) throw new Error('no price')
          return 1
        },
      }
      const arms = ['acme/a', 'acme/b'].map((id) => ({ id, url: upstream.url, price }))
      await using server = await startTestServer({ arms, policy: { name: 'least-busy' } })
      for (let n = 1; n <= 3; n++) {
        const answer = server.chat({ stream })
        if (stream) await assert.rejects(answer.then((response) => response.text()))
        else assert.equal((await answer).status, 500)
        await eventually(() => server.store.attempts.length === n, 'the call to be over')
        isBroken = false
      }
      // Idle arms are taken in their order: the first stays the first only while it is let go.
      assert.deepEqual(
        server.store.attempts.map(({ arm, status, errorCode }) => [arm, status, errorCode]),
        [1, 2, 3].map(() => ['acme/a', 'cancelled', 'upstream_error']),
      )
      assert.equal(server.store.observations.filter(({ head }) => head === 'success').length, 0)
      const metrics = async () => await (await server.get('/metrics')).text()
      assert.match(await metrics(), /highwayman_requests_in_flight 1\n/)
      assert.match(server.logged(), /no price/)
    })
  }
})

describe('the N-th feedback meets a store that is away', () => {
  it('is refused, teaches nothing, and counts when it comes again', async () => {
    for (let n = 1; n <= 5; n++) {
      await using upstream = await startOpenAiUpstream(saying('Hi you'))
      await using server = await startTestServer({ arms: [{ id: 'acme/a', url: upstream.url }] })
      let writes = 0
      server.store.beforeReward = async () => {
        if (++writes === n) throw new StoreError('store_unavailable', 'away')
      }
      const statuses = await converse(server)
      assert.deepEqual(
        statuses.filter((status) => status !== 200),
        [1, 2, 3, 4].map((k) => (k === n ? 503 : 202)),
      )
      await assertBalanced(server, statuses, `write ${n}`)
    }
  })
})
